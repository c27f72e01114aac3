import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Version } from '../protocol/version.ts';
import { type AfterClose, afterClose, closes, parseClientFrame, RESTING_CLOSE } from '../protocol/wire.ts';
import { createConnection, openMs } from './connection.ts';
import { FakeNetwork } from './fake-socket.ts';
import { ManualTimers } from './manual-timers.ts';
import type { Offer } from './ports.ts';

const device = { deviceId: 'd1', deviceToken: 't1', channelId: 'c' };

function line(delay: (attempt: number) => number | undefined = () => 1_000) {
  const network = new FakeNetwork();
  const timers = new ManualTimers();
  const offers: Offer[] = [];
  const ends: { next: AfterClose; code: number; reason: string }[] = [];
  let lives = 0;
  const connection = createConnection('https://push.example.org', device, {
    WebSocket: network.WebSocket,
    timers,
    client: 'test/1',
    delay,
    onOffer: (offer) => offers.push(offer),
    onLive: () => {
      lives += 1;
    },
    onClosed: (next, code, reason) => ends.push({ next, code, reason }),
  });
  return { connection, network, timers, offers, ends, lives: () => lives };
}

test('CL22 a connection opens with a hello that the protocol understands', () => {
  const { connection, network } = line();
  connection.connect();
  network.last.open();
  assert.equal(network.last.url, 'wss://push.example.org/v2/connect');
  const hello = { type: 'hello', protocol: 1, client: 'test/1', device: 'd1', token: 't1' };
  assert.deepEqual(network.last.sent, [hello]);
  assert.deepEqual(parseClientFrame(JSON.stringify(hello)), hello);
});

test('CL35 a hello names the lowest urgency that the device wants, each time', async () => {
  const network = new FakeNetwork();
  const timers = new ManualTimers();
  const nothing = (): void => {};
  const connection = createConnection('https://push.example.org', device, {
    ...{ WebSocket: network.WebSocket, timers, client: 'test/1', urgency: 'high' as const },
    ...{ delay: () => 1_000, onOffer: nothing, onLive: nothing, onClosed: nothing },
  });
  connection.connect();
  network.last.open();
  network.last.ends(1006);
  await timers.pass(1_000);
  network.last.open();
  assert.equal(network.sockets.length, 2);
  const hello = { type: 'hello', protocol: 1, client: 'test/1', device: 'd1', token: 't1', urgency: 'high' };
  for (const { sent } of network.sockets) {
    assert.deepEqual(sent, [hello]);
    assert.deepEqual(parseClientFrame(JSON.stringify(sent[0])), hello);
  }
});

test('CL22 nothing is sent before the welcome, everything after it', () => {
  const { connection, network } = line();
  const confirm = { type: 'confirm', version: 5 as Version } as const;
  assert.equal(connection.send(confirm), false);
  connection.connect();
  network.last.open();
  assert.equal(connection.send(confirm), false);
  network.last.welcome();
  assert.equal(connection.send(confirm), true);
  assert.deepEqual(network.last.sent.at(-1), confirm);
});

test('CL22 messages are offered without further fields, and live is told', () => {
  const { connection, network, offers, lives } = line();
  connection.connect();
  network.last.welcome();
  network.last.says({ type: 'message', version: 9 as Version, subchannelId: 2, payload: 'x' });
  network.last.says({
    type: 'message',
    version: 9 as Version,
    subchannelId: 2,
    payload: 'x',
    collapse: false,
  });
  network.last.says({ type: 'live' });
  const plain = { version: 9, subchannelId: 2, payload: 'x' };
  assert.deepEqual(offers, [plain, { ...plain, collapse: false }]);
  assert.equal(lives(), 1);
});

test('CL22 a ping leaves every pingMs, and three without any answer end the connection', async () => {
  const { connection, network, timers, ends } = line();
  connection.connect();
  const socket = network.last;
  socket.welcome(20_000);
  await timers.pass(20_000);
  assert.deepEqual(socket.sent.at(-1), { type: 'ping' });
  socket.says({ type: 'pong' });
  await timers.pass(60_000);
  assert.equal(ends.length, 0);
  await timers.pass(20_000);
  assert.deepEqual(ends, [{ next: 'reconnect', code: 1006, reason: 'the service fell silent' }]);
  assert.equal(socket.closedWith, 1005);
});

test('CL22 a socket that tells nothing at all is given up after 10 seconds', async () => {
  const { connection, network, timers, ends } = line();
  connection.connect();
  await timers.pass(openMs);
  assert.deepEqual(ends, [{ next: 'reconnect', code: 1006, reason: 'no answer in time' }]);
  await timers.pass(1_000);
  assert.equal(network.sockets.length, 2);
});

test('CL23 attempts count from the last welcome, and connect() does not wait for the next one', async () => {
  const asked: number[] = [];
  const { connection, network, timers } = line((attempt) => {
    asked.push(attempt);
    return 5_000;
  });
  connection.connect();
  network.last.ends(1006);
  await timers.pass(5_000);
  network.last.ends(1006);
  connection.connect();
  assert.equal(network.sockets.length, 3);
  network.last.welcome();
  network.last.ends(1001);
  assert.deepEqual(asked, [1, 2, 1]);
  await timers.pass(5_000);
  assert.equal(network.sockets.length, 4);
});

test('CL23 where the alarm takes over, no timer is left and connect() tries again', async () => {
  const { connection, network, timers } = line(() => undefined);
  connection.connect();
  network.last.ends(1006);
  assert.equal(timers.pending, 0);
  connection.connect();
  assert.equal(network.sockets.length, 2);
});

test('CL23 connect() while connected or connecting opens nothing', () => {
  const { connection, network } = line();
  connection.connect();
  connection.connect();
  network.last.welcome();
  connection.connect();
  assert.equal(network.sockets.length, 1);
});

test('CL23 what follows a close is what the table of the protocol says', async () => {
  for (const { code } of [...Object.values(closes), { code: 1001 }, { code: 1006 }]) {
    const { connection, network, timers, ends } = line();
    connection.connect();
    network.last.welcome();
    network.last.ends(code);
    assert.equal(ends[0]?.next, afterClose(code), String(code));
    await timers.pass(60_000);
    assert.equal(network.sockets.length > 1, afterClose(code) === 'reconnect', String(code));
  }
});

test('CL23 after close() nothing more is heard or tried', async () => {
  const { connection, network, timers, ends, offers } = line();
  connection.connect();
  const socket = network.last;
  socket.welcome();
  connection.close();
  socket.says({ type: 'message', version: 9 as Version, subchannelId: 2, payload: 'x' });
  socket.ends(1000);
  await timers.pass(600_000);
  assert.deepEqual([socket.closedWith, ends.length, offers.length, network.sockets.length], [1000, 0, 0, 1]);
});

test('PT5 CL36 a connection that nothing needs is closed instead of pinging, and opened again when asked', async () => {
  const network = new FakeNetwork();
  const timers = new ManualTimers();
  let needed = true;
  const connection = createConnection('https://push.example.org', device, {
    WebSocket: network.WebSocket,
    timers,
    client: 'test/1',
    delay: () => 1_000,
    rests: () => !needed,
    onOffer: () => {},
    onLive: () => {},
    onClosed: () => {},
  });
  connection.connect();
  network.last.welcome(20_000);
  await timers.pass(20_000);
  assert.equal(network.last.closedWith, undefined);
  needed = false;
  await timers.pass(600_000);
  assert.deepEqual([network.sockets.length, network.last.closedWith], [1, RESTING_CLOSE]);
  connection.connect();
  assert.equal(network.sockets.length, 2);
});
