import { McsClient } from '../../dev-env/mcs-client.ts';
import { tags } from '../../server/gateways/mcs/codec.ts';
import { readFields } from '../../server/gateways/mcs/fields.ts';

/** Plain sockets in the place of browsers: how long a push is in the server, one after the other. */
export interface PushSocketsOrder {
  readonly origin: string;
  readonly mcsPort: number;
  /** The authority (PEM) behind the TLS door. */
  readonly ca: string;
  readonly pushes: number;
  /** Sent before, and not counted. */
  readonly warmUp: number;
}

/** From before the POST is written until the bytes for the browser are read, in milliseconds. */
export interface Passage {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface PushSockets {
  readonly firefox: Passage;
  readonly chromium: Passage;
}

/** Where pushes go, and what happens when one is there. */
interface Held {
  readonly endpoint: string;
  onPush: () => void;
}

const order = JSON.parse(process.argv[2] ?? '') as PushSocketsOrder;
/** As long as a short text: salt, record size, the length of the sender's key, the key, a record (RFC 8188). */
const body = Buffer.concat([
  Buffer.alloc(16, 1),
  Uint8Array.of(0, 0, 16, 0, 65),
  Buffer.alloc(65, 4),
  Buffer.alloc(100, 1),
]);

async function holdAutopush(): Promise<Held> {
  const socket = new WebSocket(`${order.origin.replace('http', 'ws')}/autopush`);
  const say = (frame: object) => socket.send(JSON.stringify(frame));
  const registered = Promise.withResolvers<Held>();
  let held: Held | undefined;
  socket.onopen = () => say({ messageType: 'hello', use_webpush: true });
  socket.onmessage = ({ data }) => {
    const { messageType, channelID, version, pushEndpoint } = JSON.parse(String(data));
    if (messageType === 'hello') say({ messageType: 'register', channelID: crypto.randomUUID() });
    if (messageType === 'register') {
      held = { endpoint: pushEndpoint, onPush() {} };
      registered.resolve(held);
    }
    if (messageType !== 'notification') return;
    held?.onPush();
    say({ messageType: 'ack', updates: [{ channelID, version, code: 100 }] });
  };
  return await registered.promise;
}

async function holdMcs(): Promise<Held> {
  const answer = await fetch(`${order.origin}/checkin`, { method: 'POST', body: new Uint8Array() });
  const device = { id: 0n, token: 0n };
  readFields(
    new Uint8Array(await answer.arrayBuffer()),
    (number, field, into) => {
      if (number === 7) into.id = field.fixed64() ?? 0n;
      else if (number === 8) into.token = field.fixed64() ?? 0n;
    },
    device,
  );
  const registration = await fetch(`${order.origin}/register3`, {
    method: 'POST',
    headers: { Authorization: `AidLogin ${device.id}:${device.token}` },
    body: new URLSearchParams({ app: 'org.chromium.linux', 'X-subtype': 'wp:bench', sender: 'bench' }),
  });
  const token = (await registration.text()).replace('token=', '');
  const client = await McsClient.connect(order.mcsPort, order.ca);
  await client.login(String(device.id), String(device.token));
  const held: Held = { endpoint: `${order.origin}/wpush/${token}`, onPush() {} };
  client.onHeard = ({ tag }) => {
    if (tag !== tags.data) return;
    held.onPush();
    // The frame that is heard now is among those that it counts only afterwards.
    queueMicrotask(() => client.acknowledge());
  };
  return held;
}

async function passage(held: Held): Promise<Passage> {
  const times: number[] = [];
  for (let n = -order.warmUp; n < order.pushes; n += 1) {
    const here = Promise.withResolvers<void>();
    held.onPush = here.resolve;
    const begin = performance.now();
    const headers = { TTL: '600', 'Content-Encoding': 'aes128gcm' };
    const posted = fetch(held.endpoint, { method: 'POST', headers, body });
    const arrived = here.promise.then(() => performance.now() - begin);
    const answer = await posted;
    const { status } = answer;
    if (status !== 201) throw new Error(`a push was answered ${status}: ${await answer.text()}`);
    const took = await arrived;
    if (n >= 0) times.push(took);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor((times.length - 1) * part)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

const sockets: PushSockets = {
  firefox: await passage(await holdAutopush()),
  chromium: await passage(await holdMcs()),
};
console.log(JSON.stringify(sockets));
process.exit(0);
