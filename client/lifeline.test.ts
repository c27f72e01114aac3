import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection } from './connection.ts';
import { FakeNetwork } from './fake-socket.ts';
import { createLifeline } from './lifeline.ts';
import { ManualTimers, settle } from './manual-timers.ts';
import type { Offer } from './ports.ts';
import { createRegistration } from './registration.ts';
import { createCall } from './service.ts';
import { failures } from './sign-in.ts';
import { createSilentSignIn, restKey, restMsMax } from './silent-sign-in.ts';
import { memoryStorage } from './storage.ts';

const origin = 'http://127.0.0.1:8030';

/** One context of a profile, from sign-in to socket; only the network and the window are stand-ins. */
function context() {
  const network = new FakeNetwork();
  const timers = new ManualTimers();
  const rest = memoryStorage();
  const said: string[] = [];
  const offers: Offer[] = [];
  const world = { signedIn: true, flows: 0, registered: 0, changed: 0, channel: 'c1', missedStatus: 200 };
  const call = createCall(origin, async (url) => {
    if (url.endsWith('/missed')) {
      said.push('missed');
      const messages = [{ version: 3, subchannelId: 0, payload: 'waited' }];
      return Response.json({ messages }, { status: world.missedStatus });
    }
    world.registered += 1;
    const n = world.registered;
    return Response.json({ deviceId: `d${n}`, deviceToken: `t${n}`, channelId: world.channel });
  });
  const registration = createRegistration({
    origin,
    call,
    storage: memoryStorage(),
    timers,
    signIn: async () => {
      world.flows += 1;
      if (!world.signedIn) throw new Error(failures.signedOut);
      return 'access';
    },
    alone: (run) => run(),
    registered: () => {},
  });
  const lifeline = createLifeline({
    call,
    registration,
    connection: (device, ends) =>
      createConnection(origin, device, {
        WebSocket: network.WebSocket,
        timers,
        client: 'test/1',
        delay: () => undefined,
        onOffer: (offer) => offers.push(offer),
        ...ends,
      }),
    offer: (offer) => offers.push(offer),
    changed: () => {
      world.changed += 1;
    },
    silent: createSilentSignIn(registration, rest, timers, (line) => said.push(`note ${line}`)),
    note: (line) => said.push(`note ${line}`),
    complain: (line) => said.push(`complaint ${line}`),
  });
  return { lifeline, network, timers, rest, said, offers, world, registration };
}

test('CL26 a start registers silently and connects, without anybody asking for a channel', async () => {
  const { lifeline, network, world } = context();
  lifeline.hold();
  await settle();
  assert.equal(world.registered, 1);
  assert.equal(network.sockets.length, 1);
  assert.equal(lifeline.device()?.deviceId, 'd1');
});

test('CL26 a context that does not hold the connection does nothing', async () => {
  const { lifeline, network, world } = context();
  await lifeline.revive();
  await lifeline.restart();
  assert.deepEqual([world.flows, network.sockets.length], [0, 0]);
});

test('CL26 an unknown device signs in silently and registers anew', async () => {
  const { lifeline, network, world } = context();
  lifeline.hold();
  await settle();
  network.last.welcome();
  network.last.ends(4401, 'the device is unknown');
  await settle();
  assert.equal(world.registered, 2);
  network.last.open();
  assert.equal((network.last.sent[0] as { token: string }).token, 't2');
  // The channel is the same one, so its marks go on.
  assert.equal(world.changed, 0);
});

test("CL26 a new registration on another user's channel voids what is remembered", async () => {
  const { lifeline, network, world } = context();
  lifeline.hold();
  await settle();
  world.channel = 'c2';
  network.last.ends(4410);
  await settle();
  assert.equal(world.changed, 1);
});

test('CL26 a service that does not know even a fresh device is asked again only at the next alarm', async () => {
  const { lifeline, network, world } = context();
  lifeline.hold();
  await settle();
  for (let i = 0; i < 5; i++) {
    network.last.ends(4401);
    await settle();
  }
  assert.equal(world.registered, 2);
  await lifeline.revive();
  assert.equal(world.registered, 3);
});

test('CL26 an unknown device whose user is signed out is forgotten, and nothing is connected', async () => {
  const { lifeline, network, world, registration } = context();
  lifeline.hold();
  await settle();
  world.signedIn = false;
  network.last.ends(4410, 'ended');
  await settle();
  assert.equal(await registration.stored(), undefined);
  assert.equal(lifeline.device(), undefined);
  assert.equal(lifeline.send({ type: 'ping' }), false);
});

test('CL27 while nobody is signed in, silent sign-in rests longer and longer, up to an hour', async () => {
  const { lifeline, timers, world } = context();
  world.signedIn = false;
  lifeline.hold();
  await settle();
  await lifeline.revive();
  assert.equal(world.flows, 1);
  await timers.pass(30_000);
  await lifeline.revive();
  assert.equal(world.flows, 2);
  await timers.pass(14_000);
  await lifeline.revive();
  assert.equal(world.flows, 2);
  for (let i = 0; i < 20; i++) {
    await timers.pass(restMsMax);
    await lifeline.revive();
  }
  assert.equal(world.flows, 22);
});

test('CL27 a sign-in in a window ends the rest', async () => {
  const { lifeline, rest, world, registration } = context();
  world.signedIn = false;
  lifeline.hold();
  await settle();
  world.signedIn = true;
  await registration.ensure(true);
  await lifeline.revive();
  assert.equal(await rest.get(restKey), null);
});

test('CL27 a start of browser or app ends the rest', async () => {
  const { lifeline, rest, world } = context();
  world.signedIn = false;
  lifeline.hold();
  await settle();
  assert.notEqual(await rest.get(restKey), undefined);
  world.signedIn = true;
  await lifeline.restart();
  assert.equal(world.registered, 1);
});

test('CL23 a newer connection of this device is not fought: the next alarm or start tries again', async () => {
  const { lifeline, network, timers, said } = context();
  lifeline.hold();
  await settle();
  network.last.welcome();
  network.last.ends(4001, 'a newer connection');
  await timers.pass(600_000);
  assert.equal(network.sockets.length, 1);
  assert.equal(
    said.some((line) => line.startsWith('complaint')),
    false,
  );
  await lifeline.revive();
  assert.equal(network.sockets.length, 2);
});

test('CL23 a close that the developer must mend is complained of', async () => {
  const { lifeline, network, said } = context();
  lifeline.hold();
  await settle();
  network.last.ends(4403, 'this origin is not an origin of the app');
  assert.deepEqual(said, [
    'complaint The push service hung up: 4403 this origin is not an origin of the app',
  ]);
});

test('CL28 where three connections in a row did not come to live, what waits is fetched over HTTP', async () => {
  const { lifeline, network, said, offers } = context();
  lifeline.hold();
  await settle();
  for (let i = 0; i < 3; i++) {
    assert.equal(said.includes('missed'), false);
    network.last.ends(1006);
    await lifeline.revive();
  }
  assert.equal(said.includes('missed'), true);
  assert.deepEqual(offers, [{ version: 3, subchannelId: 0, payload: 'waited' }]);
  network.last.welcome();
  network.last.says({ type: 'live' });
  network.last.ends(1006);
  said.length = 0;
  await lifeline.revive();
  assert.equal(said.includes('missed'), false);
});

test('CL28 a device that is unknown over HTTP too registers anew', async () => {
  const { lifeline, network, world } = context();
  world.missedStatus = 401;
  lifeline.hold();
  await settle();
  for (let i = 0; i < 3; i++) {
    network.last.ends(1006);
    await lifeline.revive();
  }
  await settle();
  assert.equal(world.registered, 2);
});
