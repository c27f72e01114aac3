import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualTimers } from './manual-timers.ts';
import { createPushTransport, type Subscription, toldMs } from './push-transport.ts';
import { memoryStorage } from './storage.ts';

/** A worker whose browser gives subscriptions, and a service that notes what it is told. */
function worker() {
  const timers = new ManualTimers();
  const world = { device: 'd1', fails: false, told: [] as string[], looks: [] as boolean[], made: 0 };
  let current: Subscription | null = null;
  const manager = {
    getSubscription: async () => current,
    subscribe: async (options: { userVisibleOnly: boolean; applicationServerKey: string }) => {
      assert.deepEqual(options, { userVisibleOnly: false, applicationServerKey: 'the key' });
      if (world.fails) throw new Error('no push here');
      const endpoint = current?.toJSON().endpoint ?? `https://push.example/${++world.made}`;
      current = {
        toJSON: () => ({ endpoint, keys: { p256dh: 'p', auth: 'a' } }),
        unsubscribe: async () => {
          current = null;
          return true;
        },
      };
      return current;
    },
  };
  const transport = createPushTransport({
    call: async (path, _token, body, method) => {
      if (method === 'PUT') world.told.push(`${path} ${JSON.stringify(body)}`);
      return { key: 'the key' };
    },
    storage: memoryStorage(),
    timers,
    device: async () => ({ deviceId: world.device, deviceToken: 't', channelId: 'c' }),
    manager: async () => manager,
    userVisibleOnly: false,
    onLook: (wakes) => world.looks.push(wakes),
    note: () => {},
  });
  const lose = (): void => {
    current = null;
  };
  return { transport, timers, world, lose };
}

const told = (device: string, n: number): string =>
  `/v2/devices/${device}/transport {"transport":{"kind":"push","endpoint":"https://push.example/${n}","p256dh":"p","auth":"a"}}`;

test('PT1 the subscription is made with the key of the service and told to it', async () => {
  const { transport, world } = worker();
  await transport.look();
  assert.deepEqual(world.told, [told('d1', 1)]);
  assert.equal(transport.wakes(), true);
  assert.deepEqual(world.looks, [false, true]);
});

test('PT2 one that stands is left, one that is gone is made anew, one told a day ago is told again', async () => {
  const { transport, timers, world, lose } = worker();
  await transport.look();
  await transport.look();
  assert.equal(world.told.length, 1);
  lose();
  await transport.look();
  assert.deepEqual(world.told.slice(1), [told('d1', 2)]);
  await timers.pass(toldMs);
  await transport.look();
  assert.deepEqual(world.told.slice(2), [told('d1', 2)]);
});

test('PT3 another device gets another subscription', async () => {
  const { transport, world } = worker();
  await transport.look();
  world.device = 'd2';
  await transport.look();
  assert.deepEqual(world.told.slice(1), [told('d2', 2)]);
});

test('PT4 what fails is tried again later, and nothing is said to wake until then', async () => {
  const { transport, timers, world } = worker();
  world.fails = true;
  await transport.look();
  assert.equal(transport.wakes(), false);
  world.fails = false;
  await transport.look();
  assert.equal(world.told.length, 0);
  await timers.pass(30_000);
  await transport.look();
  assert.deepEqual([world.told.length, transport.wakes()], [1, true]);
});
