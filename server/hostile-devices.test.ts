import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { makeTestCertificate } from '../dev-env/certificates.ts';
import { clientFrames, McsClient } from '../dev-env/mcs-client.ts';
import {
  type PoliteDevice,
  politeChromium,
  politeDevice,
  politeFirefox,
  pushForm,
} from '../dev-env/polite-device.ts';
import { accessToken, settle } from '../proof/household.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { limits } from '../protocol/limits.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { decideConfig } from './config/config.ts';
import { openSecrets } from './config/secrets.ts';
import { ManualClock } from './core/manual-clock.ts';
import { holderOf } from './gateways/autopush/uaid.ts';
import { DeviceKeys } from './gateways/mcs/device-keys.ts';
import { SWEEP_MS } from './gateways/websocket/session.ts';
import { type RunningServer, startServer } from './main.ts';
import { silentEvents } from './observe/events.ts';

/** Frames at once, of which each gateway takes a part. */
const FLOOD = 4 * limits.autopushIdleFrames;
/** Pushes of about the largest body, so many that they fill what the system buffers for a socket too. */
const MANY = 900;
const LARGE = 'x'.repeat(4_000);
const channelID = 'c0ffee00-0000-4000-8000-000000000001';

/** A device whose connection a test leads by hand. */
interface Made {
  /** What the service's events call it. */
  readonly id: string;
  readonly greeting: Buffer;
  /** A frame that asks for nothing. */
  readonly ping: Buffer;
  /** Connects as far as the greeting. */
  open(): Promise<Socket>;
  /** Sends it a message; `text` begins with a word of its own. */
  send(text: string): Promise<unknown>;
  /** Connects as a good device does. */
  polite(): Promise<PoliteDevice>;
}

interface Gateway {
  readonly name: string;
  make(): Promise<Made>;
  /** How many of so many messages wait for a device that confirmed none. */
  readonly waiting: (sent: number) => number;
  /** Why and within which time the connection is ended that … */
  readonly readsNothing: readonly [string, number];
  /** undefined = it stays; what it may have unconfirmed is bounded. */
  readonly confirmsNothing: readonly [string, number] | undefined;
  readonly floods: string;
}

let folder: string;
let running: RunningServer;
let town: Awaited<ReturnType<typeof settle>>;
let keys: DeviceKeys;
let ca: string;
const clock = new ManualClock();
/** What the service told of its connections. */
const told: string[] = [];
let changed = Promise.withResolvers<void>();
const good: { device: PoliteDevice; send: Made['send'] }[] = [];

const tell = (line: string) => {
  told.push(line);
  changed.resolve();
  changed = Promise.withResolvers();
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-hostile-'));
  ca = await readFile((await makeTestCertificate(folder)).caFile, 'utf8');
  const config = decideConfig({
    port: '0',
    mcsPort: '0',
    data: folder,
    mcsHeartbeat: '1680',
    dailyQuota: '0',
  });
  const events = {
    ...silentEvents,
    connected: (device: string) => tell(`${device} joined`),
    disconnected: (device: string, _gateway: string, reason: string) => tell(`${device} ended: ${reason}`),
  };
  running = await startServer(config, { clock, events });
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  keys = new DeviceKeys(await openSecrets({ folder, given: undefined }), random);
  town = await settle(running.origin);
  for (const { make } of gateways) {
    const made = await make();
    good.push({ device: await made.polite(), send: made.send });
  }
});
afterAll(async () => {
  for (const { device } of good) await device.end();
  await running.stop();
  await rm(folder, { recursive: true });
});

async function post(path: string, body: BodyInit, headers: Record<string, string>): Promise<Response> {
  const answer = await fetch(new URL(path, running.origin), { method: 'POST', body, headers });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

const push = (endpoint: string, text: string) =>
  post(endpoint, pushForm(text), { TTL: '86400', 'Content-Encoding': 'aes128gcm' });

/** A connection to the main port that has become a WebSocket. */
async function upgraded(path: string): Promise<Socket> {
  const socket = connectTcp(Number(new URL(running.origin).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

/** A frame with a mask of zeros; below 64 kB. */
function webFrame(text: string, opcode = 1): Buffer {
  const body = Buffer.from(text);
  const length = body.length < 126 ? [0x80 | body.length] : [0xfe, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), body]);
}

async function makeOwn(): Promise<Made> {
  const { origin } = running;
  const { seed } = town;
  const token = await accessToken(origin, seed);
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const registration = JSON.stringify({ appId: seed.app.id, name: 'one of many' });
  const made = (await (await post('/v2/devices', registration, headers)).json()) as Record<string, string>;
  const { deviceId = '', deviceToken = '' } = made;
  const hello = { type: 'hello', protocol: 1, client: 'test/1', device: deviceId, token: deviceToken };
  return {
    id: deviceId,
    greeting: webFrame(JSON.stringify(hello)),
    ping: webFrame('{"type":"ping"}'),
    open: () => upgraded(CONNECT_PATH),
    send: (text) => {
      const message = {
        channelId: seed.channel_id,
        subchannelId: text.startsWith('good') ? 0 : 1,
        payload: text.slice(0, limits.payloadBytes),
      };
      return post('/gcm_for_chrome/v1/messages', JSON.stringify(message), headers);
    },
    polite: async () => politeDevice(origin, deviceId, deviceToken),
  };
}

async function makeFirefox(): Promise<Made> {
  const first = politeFirefox(running.origin);
  const uaid = await first.uaid;
  const endpoint = await first.register(channelID);
  await first.end();
  const id = holderOf(uaid);
  await until(() => told.some((line) => line.startsWith(`${id} ended`)));
  return {
    id,
    greeting: webFrame(JSON.stringify({ messageType: 'hello', uaid, use_webpush: true })),
    ping: webFrame('', 9),
    open: () => upgraded(AUTOPUSH_PATH),
    send: (text) => push(endpoint, text),
    polite: async () => politeFirefox(running.origin, uaid),
  };
}

async function makeChromium(): Promise<Made> {
  const { id, token } = keys.create();
  const holder = `mcs:${id}`;
  const endpoint = `/wpush/v2/${await running.within.core.pushes.subscribe(holder, 'org.chromium.linux wp:a BKey', null)}`;
  const port = running.mcsPort ?? 0;
  return {
    id: holder,
    greeting: Buffer.concat([Uint8Array.of(41), clientFrames.login(String(id), String(token))]),
    ping: Buffer.from(clientFrames.ping(1)),
    open: () =>
      new Promise((resolve) => {
        const socket = connectTls({ host: '127.0.0.1', port, ca }, () => resolve(socket));
        socket.on('error', () => {});
      }),
    send: (text) => push(endpoint, text),
    polite: async () => politeChromium(await McsClient.connect(port, ca), String(id), String(token)),
  };
}

const gateways: readonly Gateway[] = [
  {
    name: 'the WebSocket gateway',
    make: makeOwn,
    waiting: () => 1,
    readsNothing: ['silent', limits.silenceMs],
    confirmsNothing: undefined,
    floods: 'overload',
  },
  {
    name: 'the autopush gateway',
    make: makeFirefox,
    waiting: (sent) => sent,
    readsNothing: ['too-slow', limits.silenceMs],
    confirmsNothing: undefined,
    floods: 'overload',
  },
  {
    name: 'the MCS gateway',
    make: makeChromium,
    waiting: (sent) => sent,
    readsNothing: ['too slow', limits.mcsUnacknowledgedMs],
    confirmsNothing: ['too slow', limits.mcsUnacknowledgedMs],
    floods: 'too many frames',
  },
];

async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await changed.promise;
}

let messages = 0;
/** Each good device gets a message now. */
async function othersGetTheirs(): Promise<void> {
  const word = `good-${messages++}`;
  await Promise.all(good.map(({ send }) => send(word)));
  await Promise.all(good.map(({ device }) => device.got(word)));
}

/** Sends so many, some at a time, and to the others between. */
async function sendMany(made: Made, count: number, body = ''): Promise<string> {
  const words = Array.from({ length: count }, () => `slow-${messages++}`);
  for (let from = 0; from < count; from += 50) {
    await Promise.all(words.slice(from, from + 50).map((word) => made.send(`${word} ${body}`)));
    await othersGetTheirs();
  }
  return words.at(-1) ?? '';
}

/** Lets time pass until `fits`, or so long; answers how much it was. The others say meanwhile that they are there. */
async function pass(most: number, fits: () => boolean, step = async () => {}): Promise<number> {
  let passed = 0;
  while (!fits() && passed < most) {
    clock.advance(SWEEP_MS);
    passed += SWEEP_MS;
    await step();
    await Promise.all(good.map(({ device }) => device.alive()));
  }
  return passed;
}

async function joined(made: Made): Promise<Socket> {
  const socket = await made.open();
  const before = told.lastIndexOf(`${made.id} joined`);
  socket.write(made.greeting);
  await until(() => told.lastIndexOf(`${made.id} joined`) > before);
  return socket;
}

/** Why its last connection ended; undefined = it did not. */
function endOf({ id }: Made): string | undefined {
  const since = told.slice(told.lastIndexOf(`${id} joined`));
  return since.find((line) => line.startsWith(`${id} ended`))?.split('ended: ')[1];
}

/** It is back, and gets what waited. */
async function comesBack(made: Made, last: string, waited: number): Promise<void> {
  const device = await made.polite();
  await device.got(last);
  expect(device.count).toBeGreaterThanOrEqual(waited);
  await device.end();
}

for (const gateway of gateways) {
  describe(gateway.name, () => {
    test('OL3 one that reads nothing is cut, and the others get theirs', async () => {
      const made = await gateway.make();
      const socket = await joined(made);
      socket.pause();
      const last = await sendMany(made, gateway.waiting(MANY) === 1 ? 100 : MANY, LARGE);
      const [reason, ms] = gateway.readsNothing;
      await pass(ms + 3 * SWEEP_MS, () => endOf(made) !== undefined);
      expect(endOf(made)).toBe(reason);
      socket.destroy();
      await othersGetTheirs();
      await comesBack(made, last, gateway.waiting(MANY));
    });

    test('OL3 one that sends its first frame byte by byte is cut, and the others get theirs', async () => {
      const made = await gateway.make();
      const last = await sendMany(made, 1);
      const socket = await made.open();
      let closed = false;
      socket.on('close', () => {
        closed = true;
      });
      socket.resume();
      socket.setNoDelay();
      for (const [at, byte] of made.greeting.subarray(0, -1).entries()) {
        socket.write(Uint8Array.of(byte));
        await new Promise(setImmediate);
        if (at % 40 === 0) await othersGetTheirs();
      }
      const close = new Promise((resolve) => socket.on('close', resolve));
      const passed = await pass(limits.helloMs + 2 * SWEEP_MS, () => closed);
      await close;
      expect(passed).toBeGreaterThan(limits.helloMs);
      await comesBack(made, last, 1);
    });

    test('OL3 one that confirms nothing is bounded, and the others get theirs', async () => {
      const made = await gateway.make();
      const socket = await joined(made);
      socket.resume();
      const last = await sendMany(made, 100);
      const [reason, ms] = gateway.confirmsNothing ?? [undefined, 3 * limits.silenceMs];
      const ping = async () => void socket.write(made.ping);
      await pass(ms + 3 * SWEEP_MS, () => endOf(made) !== undefined, ping);
      expect(endOf(made)).toBe(reason);
      socket.destroy();
      await othersGetTheirs();
      await comesBack(made, last, gateway.waiting(100));
    });

    test('OL3 OL4 one that floods is cut at once, and the others get theirs', async () => {
      const made = await gateway.make();
      const socket = await joined(made);
      socket.resume();
      const last = await sendMany(made, 1);
      const flood = Buffer.concat(Array.from({ length: FLOOD }, () => made.ping));
      const served = Array.from({ length: 5 }, othersGetTheirs);
      socket.write(flood);
      await Promise.all(served);
      await until(() => endOf(made) !== undefined);
      expect(endOf(made)).toBe(gateway.floods);
      socket.destroy();
      await othersGetTheirs();
      await comesBack(made, last, 1);
    });
  });
}

test('OL4 an MCS client that has its frames answered and reads no answer is cut', async () => {
  const made = await makeChromium();
  const socket = await joined(made);
  socket.pause();
  const upstream = clientFrames.upstream('up', 'x'.repeat(limits.mcsFrameBytes / 2), 1);
  for (let n = 0; n < limits.clientFrames / 2; n++) socket.write(upstream);
  await until(() => endOf(made) !== undefined);
  expect(endOf(made)).toBe('too slow');
  socket.destroy();
  await othersGetTheirs();
});
