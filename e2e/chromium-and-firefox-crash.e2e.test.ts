import { expect, test } from 'bun:test';
import { createECDH, randomBytes } from 'node:crypto';
import { Town } from '../dev-env/town.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';

const ROUNDS = 10;
const SENDERS = 4;
const KILL_AFTER_MS = { least: 40, spread: 160 };
const channelID = 'd9b74644-4f97-46aa-b8fa-9393985cd6cd';

const ecdh = createECDH('prime256v1');
const point = ecdh.generateKeys();

/** A body with the head of RFC 8188 that a server checks, and random bytes that no two share. */
function encryptedBody(): Uint8Array<ArrayBuffer> {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4_096);
  return new Uint8Array(
    Buffer.concat([randomBytes(16), size, Buffer.from([point.length]), point, randomBytes(40)]),
  );
}

/** A push client that comes back after each loss, acknowledges everything, and notes what it got. */
class Client {
  readonly got = new Set<string>();
  readonly #url: string;
  #uaid: string | undefined;
  #socket: WebSocket | undefined;
  #endpoint = Promise.withResolvers<string>();
  #ended = false;
  onPush: () => void = () => {};

  constructor(origin: string) {
    this.#url = origin.replace(/^http/, 'ws') + AUTOPUSH_PATH;
    this.#connect();
  }

  get endpoint(): Promise<string> {
    return this.#endpoint.promise;
  }

  close(): void {
    this.#ended = true;
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, 'push-notification');
    this.#socket = socket;
    const say = (frame: object) => socket.send(JSON.stringify(frame));
    socket.addEventListener('open', () => say({ messageType: 'hello', uaid: this.#uaid, use_webpush: true }));
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Record<string, string>;
      if (frame.messageType === 'hello' && this.#uaid === undefined)
        say({ messageType: 'register', channelID });
      if (frame.messageType === 'hello') {
        if (this.#uaid !== undefined && this.#uaid !== frame.uaid) throw new Error('the uaid was not kept');
        this.#uaid = frame.uaid;
      }
      if (frame.messageType === 'register') this.#endpoint.resolve(frame.pushEndpoint ?? '');
      if (frame.messageType !== 'notification') return;
      this.got.add(frame.data ?? '');
      say({ messageType: 'ack', updates: [{ channelID, version: frame.version, code: 100 }] });
      this.onPush();
    });
    socket.addEventListener('close', () => {
      if (!this.#ended) setTimeout(() => this.#connect(), 50);
    });
  }
}

/** Sends at full speed until the server is gone; notes what was answered 201. */
async function sendUntilKilled(endpoint: string, accepted: Set<string>): Promise<void> {
  for (;;) {
    const body = encryptedBody();
    let status: number;
    try {
      const headers = { TTL: '600', 'Content-Encoding': 'aes128gcm' };
      ({ status } = await fetch(endpoint, { method: 'POST', headers, body }));
    } catch {
      return;
    }
    if (status === 201) accepted.add(Buffer.from(body).toString('base64url'));
    // A full queue is told so; nothing was accepted then.
    else if (status !== 429) throw new Error(`refused: ${status}`);
  }
}

test('FX10 ten rounds of load with kill -9: every push that was answered 201 reaches an autopush client', async () => {
  await using town = await Town.start({ seeded: false });
  const client = new Client(town.origin);
  const endpoint = await client.endpoint;
  const accepted = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const load = Array.from({ length: SENDERS }, () => sendUntilKilled(endpoint, accepted));
    await Bun.sleep(KILL_AFTER_MS.least + Math.random() * KILL_AFTER_MS.spread);
    await town.kill9();
    await Promise.all(load);
    await town.startAgain();
  }
  const missing = () => [...accepted].filter((data) => !client.got.has(data)).length;
  await new Promise<void>((resolve) => {
    client.onPush = () => missing() === 0 && resolve();
    client.onPush();
  });
  client.close();
  console.log(`autopush: accepted ${accepted.size}, lost ${missing()}, in ${ROUNDS} rounds of kill -9`);
  expect(accepted.size).toBeGreaterThan(ROUNDS);
}, 170_000);
