import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Version } from '../protocol/version.ts';
import { Device, type DeviceOptions, memoryMarks } from './device.ts';
import { FakeNetwork } from './fake-socket.ts';
import { ManualTimers, settle } from './manual-timers.ts';

/** A service for one program: it registers devices, and the test speaks for its WebSocket. */
function service(options: Partial<DeviceOptions> = {}) {
  const network = new FakeNetwork();
  const timers = new ManualTimers();
  const asked: { path: string; body: unknown }[] = [];
  const got: string[] = [];
  const notes: string[] = [];
  const world = { up: true, status: 200, signIns: 0 };
  const device = new Device({
    origin: 'http://127.0.0.1:8030',
    signIn: async () => {
      world.signIns += 1;
      return 'access';
    },
    onMessage: ({ payload }) => void got.push(payload),
    onNote: (line) => notes.push(line),
    WebSocket: network.WebSocket,
    timers,
    fetch: async (url, init) => {
      if (!world.up) throw new TypeError('fetch failed');
      const path = new URL(url).pathname;
      asked.push({ path, body: JSON.parse(String(init.body)) });
      const n = asked.length;
      return Response.json(
        world.status === 200
          ? { deviceId: `d${n}`, deviceToken: `t${n}`, channelId: 'c' }
          : { error: { message: 'This account is disabled.', errors: [{ reason: 'forbidden' }] } },
        { status: world.status },
      );
    },
    ...options,
  });
  const message = (version: number): void =>
    network.last.says({
      type: 'message',
      version: version as Version,
      subchannelId: 0,
      payload: `v${version}`,
    });
  const live = (): void => {
    network.last.welcome();
    network.last.says({ type: 'live' });
  };
  return { device, network, timers, asked, got, notes, world, message, live };
}

const sentBy = (network: FakeNetwork): unknown[] => network.last.sent.slice(1);

test('CL30 a device registers, hands out its credentials, connects, and settles when it is live', async () => {
  const kept: unknown[] = [];
  const { device, network, asked, live } = service({
    name: 'bot',
    appId: 'a'.repeat(32),
    onCredentials: (credentials) => void kept.push(credentials),
  });
  const connected = device.connect();
  await settle();
  assert.deepEqual(asked, [{ path: '/v2/devices', body: { name: 'bot', appId: 'a'.repeat(32) } }]);
  assert.deepEqual(kept, [{ deviceId: 'd1', deviceToken: 't1', channelId: 'c' }]);
  live();
  await connected;
  assert.equal(device.channelId, 'c');
  assert.equal((network.last.sent[0] as { device: string }).device, 'd1');
});

test('CL30 stored credentials connect without signing in', async () => {
  const { device, world, live } = service({
    credentials: { deviceId: 'd', deviceToken: 't', channelId: 'c' },
  });
  const connected = device.connect();
  await settle();
  live();
  await connected;
  assert.equal(world.signIns, 0);
});

test('CL30 a handled message is taken, marked and confirmed; after a reconnect it is confirmed again and not run', async () => {
  const marks = memoryMarks();
  const { device, network, timers, got, message, live } = service({ marks });
  void device.connect();
  await settle();
  live();
  message(5);
  await settle();
  assert.deepEqual(sentBy(network), [
    { type: 'taken', version: 5 },
    { type: 'confirm', version: 5 },
  ]);
  assert.deepEqual(await marks.load(), { '0': 5 });
  network.last.ends(1001);
  await timers.pass(1_000);
  network.last.welcome();
  message(5);
  await settle();
  assert.deepEqual([got, sentBy(network)], [['v5'], [{ type: 'confirm', version: 5 }]]);
});

test('CL30 a handler that fails refuses the message with its reason', async () => {
  const { device, network, message, live } = service({
    onMessage: () => Promise.reject(new Error('disk full')),
  });
  void device.connect();
  await settle();
  live();
  message(5);
  await settle();
  assert.deepEqual(sentBy(network).at(-1), {
    type: 'refuse',
    version: 5,
    kind: 'failed',
    reason: 'Error: disk full',
  });
});

test('CL30 what ends while the connection is down is told over HTTP', async () => {
  let end = (): void => {};
  const { device, network, asked, message, live } = service({
    onMessage: () => new Promise<void>((done) => (end = done)),
  });
  void device.connect();
  await settle();
  live();
  message(5);
  await settle();
  network.last.ends(1006);
  end();
  await settle();
  assert.deepEqual(asked.at(-1), {
    path: '/v2/devices/d1/confirm',
    body: { acks: [{ version: 5, outcome: 'handled' }] },
  });
});

test('CL31 with confirm: false the handler runs each time, and nothing is told to the service', async () => {
  const { device, network, got, message, live } = service({ confirm: false });
  void device.connect();
  await settle();
  live();
  message(5);
  message(5);
  await settle();
  assert.deepEqual([got, sentBy(network)], [['v5', 'v5'], []]);
});

test('CL35 a device that wants urgent messages only says so in its hello', async () => {
  const { device, network, live } = service({ urgency: 'high' });
  const connected = device.connect();
  await settle();
  network.last.open();
  live();
  await connected;
  assert.match(JSON.stringify(network.last.sent[0]), /^\{"type":"hello".*"urgency":"high"/);
});

test('CL31 with confirm: false a handler that fails ends in a note', async () => {
  const { device, notes, message, live } = service({
    confirm: false,
    onMessage: () => {
      throw new Error('broken pipe');
    },
  });
  void device.connect();
  await settle();
  live();
  message(5);
  await settle();
  assert.deepEqual(notes, ['Error: broken pipe']);
});

test('CL32 a service that cannot be reached is tried again until it is there', async () => {
  const { device, network, timers, notes, world, live } = service();
  world.up = false;
  const connected = device.connect();
  await timers.pass(120_000);
  assert.equal(network.sockets.length, 0);
  assert.match(notes[0] ?? '', /cannot be reached/);
  world.up = true;
  let waitedMs = 0;
  for (; network.sockets.length === 0; waitedMs += 1_000) await timers.pass(1_000);
  assert.ok(waitedMs <= 60_000);
  live();
  await connected;
});

test('CL32 a refusal for good ends connect with the sentence of the service', async () => {
  const { device, world, timers } = service();
  world.status = 403;
  await assert.rejects(device.connect(), { status: 403, message: 'This account is disabled.' });
  assert.equal(timers.pending, 0);
});

test('CL32 a close for good ends connect, and nothing is tried again', async () => {
  const { device, network, timers } = service();
  const connected = device.connect();
  const outcome = assert.rejects(connected, /4400 bad frame/);
  await settle();
  network.last.ends(4400, 'bad frame');
  await outcome;
  await timers.pass(600_000);
  assert.equal(network.sockets.length, 1);
});

test('CL32 a device that is unknown registers anew at once, then only after a pause each time', async () => {
  const { device, network, timers, world, live } = service();
  const connected = device.connect();
  await settle();
  network.last.ends(4401);
  await timers.pass(0);
  assert.equal(world.signIns, 2);
  network.last.ends(4401);
  await timers.pass(0);
  assert.equal(world.signIns, 2);
  await timers.pass(1_000);
  assert.equal(world.signIns, 3);
  live();
  await connected;
});

test('CL32 a device that is unknown and cannot sign in says so', async () => {
  const { network, timers } = service();
  const device = new Device({
    origin: 'http://127.0.0.1:8030',
    credentials: { deviceId: 'd', deviceToken: 't', channelId: 'c' },
    onMessage: () => {},
    WebSocket: network.WebSocket,
    timers,
  });
  const outcome = assert.rejects(device.connect(), /sign in to register it again/);
  await settle();
  network.last.ends(4401);
  await timers.pass(0);
  await outcome;
});

test('CL32 close() ends everything, even a pause', async () => {
  const { device, network, timers, world } = service();
  world.up = false;
  void device.connect();
  await settle();
  device.close();
  world.up = true;
  await timers.pass(600_000);
  assert.deepEqual([network.sockets.length, timers.pending], [0, 0]);
});
