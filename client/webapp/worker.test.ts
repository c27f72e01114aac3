import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../manual-timers.ts';
import type { DeviceCredentials, Marks, Offer } from '../ports.ts';
import { lookWord, type Parts, type WebAppOptions } from './parts.ts';
import { startWorker, type WorkerScope } from './worker.ts';

interface Heard {
  readonly data?: unknown;
  waitUntil(work: Promise<unknown>): void;
}

/** A service worker with its app's handler and a service where messages may wait. */
function worker(options: Partial<WebAppOptions> = {}) {
  const device: DeviceCredentials = { deviceId: 'd', deviceToken: 't', channelId: 'c' };
  const world = {
    device: device as DeviceCredentials | undefined,
    waits: [] as Offer[],
    shown: [] as { title: string; options: NotificationOptions }[],
    got: [] as string[],
    acks: [] as string[],
    looks: 0,
    forgotten: 0,
    attached: [] as string[],
    status: 200,
    handler: async (_: Offer): Promise<void> => {},
  };
  const listeners = new Map<string, (event: Heard) => void>();
  const scope = {
    location: { host: 'app.example' },
    registration: {
      pushManager: {},
      getNotifications: async () => world.shown,
      showNotification: async (title: string, shown: NotificationOptions) =>
        void world.shown.push({ title, options: shown }),
    },
    addEventListener: (type: string, listener: (event: Heard) => void) => listeners.set(type, listener),
  } as unknown as WorkerScope;
  let marks: Marks = {};
  const parts = {
    call: async (path: string, _token: string, body?: { acks: { version: number; outcome: string }[] }) => {
      if (world.status !== 200) throw Object.assign(new Error('refused'), { status: world.status });
      if (path.endsWith('/missed')) {
        world.looks += 1;
        return { messages: world.waits };
      }
      for (const { version, outcome } of body?.acks ?? []) world.acks.push(`${version} ${outcome}`);
      return {};
    },
    contexts: {
      any: () => true,
      run: async (offer: Offer) => {
        world.got.push(offer.payload);
        await world.handler(offer);
      },
    },
    registration: {
      stored: async () => world.device,
      forget: async () => {
        world.forgotten += 1;
      },
      marks: {
        load: async () => marks,
        save: async (saved: Marks) => {
          marks = { ...saved };
        },
      },
    },
    subscription: {
      attach: async (_: PushManager, { deviceId }: DeviceCredentials) => void world.attached.push(deviceId),
    },
  } as unknown as Parts;
  startWorker(scope, parts, { server: 'https://push.example', app: 'a', ...options });
  /** Fires an event; settles when the browser may stop the worker. */
  const fire = async (type: string, data?: unknown): Promise<void> => {
    let work: Promise<unknown> = Promise.resolve();
    listeners.get(type)?.({ data, waitUntil: (promise) => (work = promise) });
    await work;
  };
  const push = (offer?: Partial<Offer> | string): Promise<void> =>
    fire('push', offer && { text: () => (typeof offer === 'string' ? offer : JSON.stringify(offer)) });
  return { world, fire, push };
}

const offer = (version: number, payload = `v${version}`): Offer =>
  ({ version, subchannelId: 0, payload }) as Offer;

test('WA1 a push runs the handler and is confirmed over HTTP before its event ends', async () => {
  const { world, push } = worker();
  world.handler = () => settle();
  await push(offer(5));
  assert.deepEqual([world.got, world.acks], [['v5'], ['5 handled']]);
  let end = (): void => {};
  world.handler = () => new Promise((resolve) => (end = resolve));
  let over = false;
  const event = push(offer(6)).then(() => (over = true));
  await settle();
  assert.deepEqual([world.got.at(-1), over], ['v6', false]);
  end();
  await event;
  assert.equal(world.acks.at(-1), '6 handled');
});

test('WA3 the first push of a worker, and each without data, fetches what waits beside it; none runs twice', async () => {
  const { world, push } = worker();
  world.waits = [offer(5), { ...offer(4, 'other'), subchannelId: 1 }];
  await push(offer(5));
  assert.deepEqual([world.got.toSorted(), world.looks], [['other', 'v5'], 1]);
  world.waits = [offer(6)];
  await push(offer(7));
  assert.equal(world.looks, 1);
  for (const nothing of [undefined, 'no JSON', '{"payload":"x"}', 'null']) await push(nothing);
  assert.equal(world.looks, 5);
  assert.deepEqual(world.got.toSorted(), ['other', 'v5', 'v7']);
});

test('WA4 a handler that fails is told as failed, and the message runs again when it comes again', async () => {
  const { world, push } = worker();
  world.handler = () => Promise.reject(new Error('broken'));
  await push(offer(5));
  assert.equal(world.acks.at(-1), '5 failed');
  world.handler = async () => {};
  await push(offer(5));
  await push(offer(5));
  assert.deepEqual([world.got, world.acks.at(-1)], [['v5', 'v5'], '5 handled']);
});

test('WA5 a push leaves a notification of the app, unless one is shown', async () => {
  const { world, push } = worker();
  await push(offer(5));
  await push(offer(6));
  const options = { body: 'There is a message for you.', tag: 'reveille' };
  assert.deepEqual(world.shown, [{ title: 'app.example', options }]);
});

test('WA5 the app says what it shows, or that it shows nothing', async () => {
  const own = worker({ notification: (message) => ({ title: `Mail: ${message?.payload}`, tag: 'mail' }) });
  await own.push(offer(5));
  assert.deepEqual(own.world.shown, [{ title: 'Mail: v5', options: { tag: 'mail' } }]);
  const silent = worker({ notification: false });
  await silent.push(offer(5));
  assert.deepEqual([silent.world.shown, silent.world.got], [[], ['v5']]);
});

test('WA1 a device that the service does not know is forgotten, another failure is waited out', async () => {
  const { world, fire } = worker();
  world.status = 0;
  await fire('message', lookWord);
  assert.equal(world.forgotten, 0);
  world.status = 401;
  await fire('message', lookWord);
  assert.equal(world.forgotten, 1);
});

test('WA1 a worker without a device runs nothing; one whose subscription the browser changed tells the service', async () => {
  const { world, push, fire } = worker();
  await fire('pushsubscriptionchange');
  assert.deepEqual(world.attached, ['d']);
  world.device = undefined;
  await push(offer(5));
  await fire('pushsubscriptionchange');
  await fire('message', lookWord);
  await fire('message', 'something else');
  assert.deepEqual([world.got, world.looks, world.attached], [[], 0, ['d']]);
});
