import { describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { AutopushTown } from '../../../dev-env/autopush-town.ts';
import { AUTOPUSH_PATH } from '../../../protocol/browser-settings.ts';
import { limits } from '../../../protocol/limits.ts';
import { SWEEP_MS } from './session.ts';

const channelID = 'd9b74644-4f97-46aa-b8fa-9393985cd6cd';

/** A real WebSocket as Firefox opens it, which writes down what it hears. */
class Client {
  readonly socket: WebSocket;
  readonly heard: Record<string, unknown>[] = [];
  readonly closed: Promise<number>;
  #next = Promise.withResolvers<void>();

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${AUTOPUSH_PATH}?tenant=acme`, 'push-notification');
    this.closed = new Promise((resolve) =>
      this.socket.addEventListener('close', ({ code }) => resolve(code)),
    );
    this.socket.addEventListener('message', ({ data }) => {
      this.heard.push(JSON.parse(String(data)) as Record<string, unknown>);
      this.#next.resolve();
      this.#next = Promise.withResolvers();
    });
  }

  async say(frame: object): Promise<void> {
    if (this.socket.readyState === WebSocket.CONNECTING)
      await new Promise((resolve) => this.socket.addEventListener('open', resolve));
    this.socket.send(JSON.stringify(frame));
  }

  async until(messageType: string, count = 1): Promise<Record<string, unknown>[]> {
    for (;;) {
      const found = this.heard.filter((frame) => frame.messageType === messageType);
      if (found.length >= count) return found;
      await this.#next.promise;
    }
  }
}

async function subscribed(town: AutopushTown) {
  const client = new Client(town.port);
  await client.say({ messageType: 'hello', use_webpush: true });
  const [hello] = await client.until('hello');
  await client.say({ messageType: 'register', channelID });
  const [answer] = await client.until('register');
  return {
    client,
    uaid: String(hello?.uaid),
    token: String(answer?.pushEndpoint).split('/').at(-1) ?? '',
  };
}

/** A bare TCP connection that has shaken hands, and never answers a close. */
async function bare(port: number): Promise<{ socket: Socket; data: Buffer[]; ended: Promise<number> }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const data: Buffer[] = [];
  const ended = new Promise<number>((resolve) => socket.on('end', () => resolve(Date.now())));
  const shaken = new Promise((resolve) => socket.once('data', resolve));
  socket.write(
    `GET ${AUTOPUSH_PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await shaken;
  socket.on('data', (chunk) => data.push(Buffer.from(chunk)));
  return { socket, data, ended };
}

/** A text frame with a mask of zeros. */
const textFrame = (text: string) =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

describe('a real connection', () => {
  test('FX8 a burst arrives in order, each once', async () => {
    await using town = new AutopushTown();
    const { client, token, uaid } = await subscribed(town);
    const sent = await Promise.all(Array.from({ length: 500 }, (_, n) => town.push(token, String(n))));
    client.socket.addEventListener('message', ({ data }) => {
      const { messageType, version } = JSON.parse(String(data)) as Record<string, unknown>;
      if (messageType === 'notification')
        void client.say({ messageType: 'ack', updates: [{ channelID, version, code: 100 }] });
    });
    // The first ones came before the listener above was there.
    for (const { version } of client.heard.filter((one) => one.messageType === 'notification'))
      await client.say({ messageType: 'ack', updates: [{ channelID, version, code: 100 }] });
    const got = (await client.until('notification', 500)).map(({ version }) => version);
    expect(got).toEqual(sent.toSorted((a, b) => Number(a) - Number(b)));
    await client.say({});
    while ((await town.waiting(uaid, channelID)).length > 0) await Bun.sleep(5);
  });

  test('FX10 a restart of the server loses nothing that was not acknowledged', async () => {
    await using town = new AutopushTown();
    const { token, uaid } = await subscribed(town);
    const version = await town.push(token, 'kept');
    await town[Symbol.asyncDispose]();
    await using again = new AutopushTown({ store: town.store });
    const back = new Client(again.port);
    await back.say({ messageType: 'hello', uaid });
    expect((await back.until('notification'))[0]?.version).toBe(version);
  });

  test('FX17 the subprotocol is confirmed when it is offered', async () => {
    await using town = new AutopushTown();
    const { client } = await subscribed(town);
    expect(client.socket.protocol).toBe('push-notification');
    const plain = new WebSocket(`ws://127.0.0.1:${town.port}${AUTOPUSH_PATH}`);
    await new Promise((resolve) => plain.addEventListener('open', resolve));
    expect(plain.protocol).toBe('');
    plain.close();
  });

  test('FX17 without an upgrade 426, with too many half-open connections 429, during shutdown 503', async () => {
    await using town = new AutopushTown();
    const ask = () => fetch(`http://127.0.0.1:${town.port}${AUTOPUSH_PATH}`);
    expect((await ask()).status).toBe(426);
    expect((await ask()).headers.get('upgrade')).toBe('websocket');
    const open = await Promise.all(Array.from({ length: limits.halfOpenPerAddress }, () => bare(town.port)));
    expect((await ask()).status).toBe(429);
    for (const { socket } of open) socket.destroy();
    town.gateway.drain();
    expect((await ask()).status).toBe(503);
  });

  test('FX17 at shutdown each connection is closed as going away', async () => {
    await using town = new AutopushTown();
    const { client } = await subscribed(town);
    town.gateway.drain();
    expect(await client.closed).toBe(1001);
  });

  test('FX14 TCP ends right after the close, though the client never answers it', async () => {
    await using town = new AutopushTown();
    const { socket, data, ended } = await bare(town.port);
    const before = Date.now();
    socket.write(textFrame('no JSON'));
    expect((await ended) - before).toBeLessThan(1_000);
    const frame = Buffer.concat(data);
    expect(frame.readUInt8(0)).toBe(0x88);
    expect(frame.readUInt16BE(2)).toBe(1008);
    socket.destroy();
    while (town.gateway.size > 0) await Bun.sleep(5);
  });

  test('FX2 binary and oversized frames end the connection', async () => {
    await using town = new AutopushTown();
    const binary = await subscribed(town);
    binary.client.socket.send(new Uint8Array([1, 2, 3]));
    expect(await binary.client.closed).toBe(1003);
    const large = await subscribed(town);
    large.client.socket.send(`"${'x'.repeat(limits.autopushFrameBytes)}"`);
    expect(await large.client.closed).toBe(1009);
  });

  test('FX12 the sweep runs while there are connections, and a protocol ping is answered by any WebSocket', async () => {
    await using town = new AutopushTown();
    const { client, token } = await subscribed(town);
    for (let ms = 0; ms < 2 * limits.autopushPingMs; ms += SWEEP_MS) {
      town.clock.advance(SWEEP_MS);
      if (ms % 60_000 === 0) await Bun.sleep(5);
    }
    await town.push(token, 'still there');
    await client.until('notification');
    client.socket.close();
    await client.closed;
  });
});

describe('bad input', () => {
  test('FX2 random bytes, and frames that are cut off, end their connection and nothing else', async () => {
    const left: string[] = [];
    await using town = new AutopushTown({
      events: { disconnected: (_device, _, reason) => left.push(reason) },
    });
    const steady = await subscribed(town);
    const suffer = async (bytes: Uint8Array) => {
      const { socket } = await bare(town.port);
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.on('error', () => {});
      socket.end(bytes);
      await closed;
    };
    const junk = fc.uint8Array({ minLength: 1, maxLength: 200 });
    const text = fc.string({ maxLength: 100 }).map((one) => textFrame(JSON.stringify(one).slice(0, 120)));
    const hello = textFrame('{"messageType":"hello"}');
    const cut = fc.nat({ max: hello.length - 1 }).map((at) => hello.subarray(0, at));
    await fc.assert(fc.asyncProperty(fc.oneof(junk, text, cut), suffer), { seed: 2, numRuns: 60 });
    const anonymous = town.gateway.size;
    await town.push(steady.token, 'still here');
    await steady.client.until('notification');
    expect(anonymous).toBe(1);
    // None of them was ever anyone.
    expect(left).toEqual([]);
  });

  test('FX9 FX13 of 100,000 acks of what was never sent the client is shed, and the next one gets its push', async () => {
    const left: string[] = [];
    await using town = new AutopushTown({
      events: { disconnected: (_device, _, reason) => left.push(reason) },
    });
    const { client, token, uaid } = await subscribed(town);
    const steady = new Client(town.port);
    await steady.say({ messageType: 'hello' });
    await steady.until('hello');
    const version = await town.push(token, 'waits');
    await client.until('notification');
    const updates = Array.from({ length: 1_000 }, (_, n) => ({
      channelID,
      version: String(n + 1),
      code: 100,
    }));
    for (let n = 0; n < 100; n++) await client.say({ messageType: 'ack', updates });
    expect(await client.closed).toBe(4774);
    expect(left).toHaveLength(1);
    expect(await town.waiting(uaid, channelID)).toEqual(['waits']);
    await steady.say({ messageType: 'register', channelID });
    await steady.until('register');
    const again = new Client(town.port);
    await again.say({ messageType: 'hello', uaid });
    expect((await again.until('notification'))[0]?.version).toBe(version);
  });

  test('FX3 a storm of hellos is answered one by one', async () => {
    await using town = new AutopushTown();
    const uaids = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const client = new Client(town.port);
        await client.say({ messageType: 'hello' });
        return (await client.until('hello'))[0]?.uaid;
      }),
    );
    expect(new Set(uaids).size).toBe(100);
  });

  test('FX17 a connection that says hello frees its place among the half-open ones of its address', async () => {
    await using town = new AutopushTown();
    const open = await Promise.all(Array.from({ length: limits.halfOpenPerAddress }, () => bare(town.port)));
    const [first] = open;
    first?.socket.write(textFrame('{"messageType":"hello"}'));
    await new Promise((resolve) => first?.socket.once('data', resolve));
    const { client } = await subscribed(town);
    client.socket.close();
    for (const { socket } of open) socket.destroy();
    while (town.gateway.size > 0) await Bun.sleep(5);
  });
});
