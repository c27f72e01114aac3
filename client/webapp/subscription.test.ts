import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualTimers } from '../manual-timers.ts';
import { toldMs } from '../push-transport.ts';
import type { Answer } from '../service.ts';
import { memoryStorage } from '../storage.ts';
import { createSubscription } from './subscription.ts';

const bytesOf = (base64url: string): ArrayBuffer =>
  new Uint8Array(Buffer.from(base64url, 'base64url')).buffer;

/** A browser that gives subscriptions, and a service that notes what it is told of them. */
function browser() {
  const world = { key: 'k-_9', told: [] as string[], made: 0, ended: 0, refuses: false };
  let current: PushSubscription | null = null;
  const manager = {
    getSubscription: async () => current,
    subscribe: async (options: { userVisibleOnly: boolean; applicationServerKey: string }) => {
      assert.equal(options.userVisibleOnly, true);
      const endpoint = `https://push.example/${++world.made}`;
      current = {
        options: { applicationServerKey: bytesOf(options.applicationServerKey) },
        toJSON: () => ({ endpoint, keys: { p256dh: 'p', auth: 'a' } }),
        unsubscribe: async () => {
          world.ended += 1;
          current = null;
          return true;
        },
      } as unknown as PushSubscription;
      return current;
    },
  } as unknown as PushManager;
  const storage = memoryStorage();
  const timers = new ManualTimers();
  const call = async (path: string, _token?: string, body?: unknown, method?: string): Promise<Answer> => {
    if (world.refuses) throw new Error('the service is away');
    if (method === 'PUT') world.told.push(`${path} ${JSON.stringify(body)}`);
    return { key: world.key };
  };
  const device = (deviceId: string) => ({ deviceId, deviceToken: 't', channelId: 'c' });
  const lose = (): void => {
    current = null;
  };
  return { subscription: createSubscription(call, storage, timers), timers, manager, world, device, lose };
}

const told = (device: string, n: number): string =>
  `/v2/devices/${device}/transport {"transport":{"kind":"push","endpoint":"https://push.example/${n}","p256dh":"p","auth":"a"}}`;

test('WA1 the device is woken through a subscription made with the key of the service, told once', async () => {
  const { subscription, manager, world, device } = browser();
  assert.equal(await subscription.holds(device('d1')), false);
  await subscription.attach(manager, device('d1'));
  await subscription.attach(manager, device('d1'));
  assert.deepEqual([world.told, world.made, world.ended], [[told('d1', 1)], 1, 0]);
  assert.deepEqual(
    [await subscription.holds(device('d1')), await subscription.holds(device('d2'))],
    [true, false],
  );
});

test('PT2 a subscription that the browser ended is made anew and told', async () => {
  const { subscription, manager, world, device, lose } = browser();
  await subscription.attach(manager, device('d1'));
  lose();
  await subscription.attach(manager, device('d1'));
  assert.deepEqual(world.told, [told('d1', 1), told('d1', 2)]);
});

test('WK24 a subscription that stands is told again after a day', async () => {
  const { subscription, timers, manager, world, device } = browser();
  await subscription.attach(manager, device('d1'));
  await timers.pass(toldMs - 1);
  await subscription.attach(manager, device('d1'));
  assert.equal(world.told.length, 1);
  await timers.pass(1);
  await subscription.attach(manager, device('d1'));
  assert.deepEqual([world.told, world.made], [[told('d1', 1), told('d1', 1)], 1]);
});

test('PT3 a subscription that served another device, or another key of the service, is ended first', async () => {
  const { subscription, manager, world, device } = browser();
  await subscription.attach(manager, device('d1'));
  await subscription.attach(manager, device('d2'));
  assert.deepEqual([world.ended, world.told.at(-1)], [1, told('d2', 2)]);
  world.key = 'another-';
  await subscription.attach(manager, device('d2'));
  assert.deepEqual([world.ended, world.told.at(-1)], [2, told('d2', 3)]);
});

test('WA1 what the service was not told is told with the next try', async () => {
  const { subscription, manager, world, device } = browser();
  world.refuses = true;
  await assert.rejects(subscription.attach(manager, device('d1')), /away/);
  assert.equal(await subscription.holds(device('d1')), false);
  world.refuses = false;
  await subscription.attach(manager, device('d1'));
  assert.equal(await subscription.holds(device('d1')), true);
});
