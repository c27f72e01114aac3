import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SmallTown, type SmallTownOptions } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { limits } from '../../../protocol/limits.ts';
import { CONNECT_PATH, parseServerFrame, type ServerFrame } from '../../../protocol/wire.ts';
import { SWEEP_MS } from './session.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;

/** A real WebSocket that writes down what it hears, and lets a test wait for it. */
class Connection {
  readonly frames: ServerFrame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  #heard = Promise.withResolvers<void>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
    socket.addEventListener('message', ({ data }) => {
      const frame = parseServerFrame(String(data));
      if (frame.type === 'refused') throw new Error(`the server sent ${data}`);
      this.frames.push(frame);
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
  }

  async open(): Promise<this> {
    if (this.#socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve) => this.#socket.addEventListener('open', resolve));
    }
    return this;
  }

  send(frame: object | string | Uint8Array<ArrayBuffer>): void {
    const raw = typeof frame === 'string' || frame instanceof Uint8Array;
    this.#socket.send(raw ? frame : JSON.stringify(frame));
  }

  /** Waits until a frame of the type has come, the `count`th of its kind. */
  async until(type: ServerFrame['type'], count = 1): Promise<ServerFrame[]> {
    for (;;) {
      const found = this.frames.filter((frame) => frame.type === type);
      if (found.length >= count) return found;
      await this.#heard.promise;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

async function town(options: SmallTownOptions = {}) {
  const small = new SmallTown(options);
  small.rights.groups.set('anns', new Set(['ann']));
  small.rights.app(app, 'anns');
  small.rights.token('good', { dailyQuota: 0 });
  const { device, token } = await small.devices.register({ account: 'bob', app, name: 'laptop' });
  const hello = { type: 'hello', protocol: 1, client: 'test/1', device: device.id, token };
  const open = (headers: Record<string, string> = {}) => new Connection(small.connect(headers)).open();
  const join = async (headers: Record<string, string> = {}) => {
    const connection = await open(headers);
    connection.send(hello);
    await connection.until('live');
    return connection;
  };
  const send = async (payload: string, subchannelId = 0) => {
    const body = JSON.stringify({ channelId: device.channel.id, subchannelId, payload });
    const answer = await fetch(`${small.origin}/gcm_for_chrome/v1/messages?access_token=good`, {
      method: 'POST',
      body,
    });
    if (answer.status !== 204) throw new Error(await answer.text());
    return Number(answer.headers.get('reveille-message'));
  };
  return {
    small,
    device,
    hello,
    open,
    join,
    send,
    [Symbol.asyncDispose]: () => small[Symbol.asyncDispose](),
  };
}

describe('a real connection', () => {
  test('WW6 a message that is accepted arrives at once and is confirmed', async () => {
    await using t = await town();
    const connection = await t.join();
    const version = await t.send('hello', 2);
    const [message] = await connection.until('message');
    expect(message as unknown).toEqual({ type: 'message', version, subchannelId: 2, payload: 'hello' });
    connection.send({ type: 'taken', version });
    connection.send({ type: 'confirm', version });
    connection.send({ type: 'ping' });
    await connection.until('pong');
    connection.close();
    await connection.closed;
    expect((await (await t.join()).until('live')).length).toBe(1);
    expect((await t.small.devices.missed(t.device)).kept).toEqual([]);
  });

  test('FO3 messages sent while devices come and go arrive at each of them in order, the last one always', async () => {
    await using t = await town();
    const sending = (async () => {
      for (let n = 0; n < 200; n++) await t.send(String(n), n % 4);
    })();
    for (let n = 0; n < 10; n++) {
      const connection = await t.join();
      connection.close();
      await connection.closed;
    }
    await sending;
    const last = await t.join();
    const versions = (await last.until('message', 4)).map((frame) =>
      frame.type === 'message' ? frame.version : 0,
    );
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    const newest = last.frames.flatMap((frame) => (frame.type === 'message' ? [frame.payload] : []));
    expect(newest.slice(-4)).toEqual(['196', '197', '198', '199']);
  });

  test('WW8 the Origin header of the handshake counts', async () => {
    await using t = await town();
    await t.join({ Origin: `chrome-extension://${app}` });
    const foreign = await t.open({ Origin: 'https://evil.example' });
    foreign.send(t.hello);
    expect((await foreign.closed).code).toBe(4403);
  });

  test('WW4 the close of an unknown protocol reaches the client with its text', async () => {
    await using t = await town();
    const connection = await t.open();
    connection.send({ ...t.hello, protocol: 2 });
    expect(await connection.closed).toEqual({ code: 4426, reason: 'unknown protocol; known: 1' });
  });

  test('WW3 binary frames and frames over the limit end the connection', async () => {
    await using t = await town();
    const frames: readonly [string | Uint8Array<ArrayBuffer>, number][] = [
      [new TextEncoder().encode('{"type":"ping"}'), 4400],
      [JSON.stringify({ ...t.hello, pad: 'x'.repeat(limits.frameBytes) }), 4400],
      ['x'.repeat(10 * limits.frameBytes), 1009],
    ];
    for (const [frame, code] of frames) {
      const connection = await t.open();
      connection.send(frame);
      expect((await connection.closed).code).toBe(code);
    }
    expect(t.small.gateway.size).toBe(0);
  });

  test('WW2 random frames end the connection and nothing else', async () => {
    await using t = await town();
    const steady = await t.join();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), async (junk) => {
        const connection = await t.open();
        connection.send(typeof junk === 'string' ? junk : new Uint8Array(junk));
        expect((await connection.closed).code).toBe(4400);
      }),
      { seed: 4_400, numRuns: 60 },
    );
    await t.send('still here');
    await steady.until('message');
  });

  test('WW9 one sweep closes those who are silent and leaves those who speak', async () => {
    await using t = await town();
    const silent = await t.join();
    const { device, token } = await t.small.devices.register({ account: 'bob', app, name: 'phone' });
    const speaking = await t.open();
    speaking.send({ ...t.hello, device: device.id, token });
    const mute = await t.open();
    await speaking.until('live');
    for (let ms = 0; ms <= limits.silenceMs; ms += SWEEP_MS) {
      speaking.send({ type: 'ping' });
      await speaking.until('pong', ms / SWEEP_MS + 1);
      t.small.clock.advance(SWEEP_MS);
    }
    expect((await mute.closed).code).toBe(4408);
    expect((await silent.closed).code).toBe(4002);
    expect(t.small.gateway.size).toBe(1);
  });

  test('WW12 the same device from another window takes over', async () => {
    await using t = await town();
    const older = await t.join();
    const newer = await t.join();
    expect((await older.closed).code).toBe(4001);
    await t.send('a');
    await newer.until('message');
    expect(t.small.gateway.size).toBe(1);
  });
});

describe('before the socket opens', () => {
  test('WW7 a request that is no WebSocket is answered 426', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}${CONNECT_PATH}`);
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });

  test('WW14 an address with too many half-open connections is answered 429 until one of them speaks', async () => {
    await using t = await town({ halfOpenPerAddress: 2 });
    const [first] = [await t.open(), await t.open()];
    const knock = () =>
      fetch(`${t.small.origin}${CONNECT_PATH}`, {
        headers: {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
      });
    const answer = await knock();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '10']);
    first.send(t.hello);
    await first.until('live');
    await t.open();
    expect((await knock()).status).toBe(429);
  });
});

describe('shutdown', () => {
  test('WW13 closes every connection, takes no more, and what was not confirmed comes again after the restart', async () => {
    await using t = await town();
    const joined = await t.join();
    const half = await t.open();
    await t.send('not confirmed');
    await joined.until('message');
    await t.small.gateway.drain();
    expect((await joined.closed).code).toBe(4503);
    expect((await half.closed).code).toBe(4503);
    expect([t.small.gateway.size, t.small.deliveries.size]).toEqual([0, 0]);
    const answer = await fetch(`${t.small.origin}${CONNECT_PATH}`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);

    await using restarted = new SmallTown({ store: t.small.store });
    const again = await new Connection(restarted.connect()).open();
    again.send(t.hello);
    const [message] = await again.until('message');
    expect(message).toMatchObject({ payload: 'not confirmed' });
  });
});

describe('memory', () => {
  test('WW15 no connection, no timer; many connections, one', async () => {
    let timers = 0;
    await using t = await town();
    const after = t.small.clock.after.bind(t.small.clock);
    t.small.clock.after = (ms, run) => {
      if (ms === SWEEP_MS) timers++;
      return after(ms, run);
    };
    const connections = await Promise.all(Array.from({ length: 50 }, () => t.open()));
    expect(timers).toBe(1);
    t.small.clock.advance(SWEEP_MS);
    expect(timers).toBe(2);
    for (const connection of connections) connection.close();
    await Promise.all(connections.map(({ closed }) => closed));
    t.small.clock.advance(10 * SWEEP_MS);
    expect(timers).toBe(2);
  });
});
