import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualTimers, settle } from './manual-timers.ts';
import { createRegistration, deviceKey, silentMs, trustMs } from './registration.ts';
import { createCall } from './service.ts';
import { memoryStorage } from './storage.ts';

const origin = 'http://127.0.0.1:8030';
const channelId = '01234567890123456789/abcdefghijklmnopabcdefghijklmnop';

/** A profile with storage, a service that registers devices, and a sign-in that can be made to fail or hang. */
function profile() {
  const storage = memoryStorage();
  const timers = new ManualTimers();
  const bodies: unknown[] = [];
  const flows: boolean[] = [];
  const world = {
    service: (): Response =>
      Response.json({ deviceId: `d${bodies.length}`, deviceToken: `t${bodies.length}`, channelId }),
    flow: async (): Promise<string> => 'access',
    told: 0,
  };
  let queue: Promise<unknown> = Promise.resolve();
  const registration = createRegistration({
    origin,
    storage,
    timers,
    call: createCall(origin, async (_, init) => {
      bodies.push(JSON.parse(String(init.body)));
      return world.service();
    }),
    signIn: (interactive) => {
      flows.push(interactive);
      return world.flow();
    },
    alone: (run) => {
      const turn = queue.then(run);
      queue = turn.catch(() => {});
      return turn;
    },
    registered: () => {
      world.told += 1;
    },
  });
  return { registration, storage, timers, bodies, flows, world };
}

test('CL9 the first call registers, later ones are answered from the profile for 30 days without the network', async () => {
  const { registration, timers, bodies, flows, world } = profile();
  assert.equal(await registration.channelId(false), channelId);
  await timers.pass(trustMs - 1);
  assert.equal(await registration.channelId(true), channelId);
  assert.deepEqual([bodies.length, flows, world.told], [1, [false], 1]);
});

test('CL9 after 30 days the device is renewed with what it holds, and stays the same device', async () => {
  const { registration, timers, bodies } = profile();
  await registration.channelId(false);
  await timers.pass(trustMs);
  await registration.channelId(false);
  assert.deepEqual(bodies[1], { deviceId: 'd1', deviceToken: 't1' });
});

test('CL9 a device of another service is not taken for one of this', async () => {
  const { registration, storage } = profile();
  await storage.set(deviceKey, {
    origin: 'https://other.example',
    channelId: 'x',
    deviceId: 'd',
    deviceToken: 't',
  });
  assert.equal(await registration.stored(), undefined);
});

test('CL9 calls at the same time queue behind one flow and share its device', async () => {
  const { registration, flows, bodies } = profile();
  const ids = await Promise.all([1, 2, 3].map(() => registration.channelId(true)));
  assert.deepEqual(ids, [channelId, channelId, channelId]);
  assert.deepEqual([flows.length, bodies.length], [1, 1]);
});

test('CL8 without a page getChannelId has called back after 60 seconds, whatever hangs', async () => {
  const { registration, timers, world } = profile();
  world.flow = () => new Promise(() => {});
  const call = registration.channelId(false);
  const outcome = assert.rejects(call, { message: /did not answer within a minute/ });
  await timers.pass(silentMs);
  await outcome;
  assert.equal(timers.pending, 0);
});

test('CL8 while a window is open there is no limit', async () => {
  const { registration, timers, world } = profile();
  let signedIn = (_token: string): void => {};
  world.flow = () => new Promise((resolve) => (signedIn = resolve));
  const call = registration.channelId(true);
  await timers.pass(10 * silentMs);
  signedIn('access');
  assert.equal(await call, channelId);
});

test('CL7 what the service says to a refused registration is the sentence, and nothing is stored', async () => {
  const { registration, world } = profile();
  world.service = () =>
    Response.json({ error: { message: 'This account is disabled.', errors: [] } }, { status: 403 });
  await assert.rejects(registration.channelId(true), { message: 'This account is disabled.' });
  assert.equal(await registration.stored(), undefined);
});

test('CL26 credentials that the service does not know are forgotten, unless others took their place', async () => {
  const { registration, storage } = profile();
  const device = await registration.ensure(false);
  await registration.forget({ ...device, deviceToken: 'older' });
  assert.equal((await registration.stored())?.deviceToken, 't1');
  await registration.forget(device);
  assert.equal(await registration.stored(), undefined);
  assert.equal(await storage.get(deviceKey), null);
});

test("CL20 marks belong to a channel: another user's are not taken over, the same channel's survive a registration anew", async () => {
  const { registration, world } = profile();
  const device = await registration.ensure(false);
  await registration.marks.save({ '0': 5 });
  await registration.forget(device);
  await registration.ensure(false);
  assert.deepEqual(await registration.marks.load(), { '0': 5 });
  await registration.forget((await registration.stored()) ?? device);
  world.service = () => Response.json({ deviceId: 'd9', deviceToken: 't9', channelId: 'another' });
  await registration.ensure(false);
  assert.deepEqual(await registration.marks.load(), {});
  await settle();
});
