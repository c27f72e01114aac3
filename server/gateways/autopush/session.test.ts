import { describe, expect, test } from 'bun:test';
import { AutopushTown } from '../../../dev-env/autopush-town.ts';
import { pushTownKeys } from '../../../dev-env/push-town.ts';
import { limits } from '../../../protocol/limits.ts';
import { HalfOpen } from '../../doors/half-open.ts';
import { RateLimit } from '../../doors/rate-limit.ts';
import { decode } from './codec.ts';
import { AutopushSession, type House, type Line, SWEEP_MS } from './session.ts';
import { holderOf, Uaids } from './uaid.ts';

const channelID = 'd9b74644-4f97-46aa-b8fa-9393985cd6cd';
const other = '0f0e0d0c-4f97-46aa-b8fa-9393985cd6cd';
const senderKey = 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8';
const sweepsIn = (ms: number) => Math.ceil(ms / SWEEP_MS);
/** Lets everything that is under way in memory come to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A line that writes down what a session says. */
class WrittenLine implements Line {
  readonly said: Record<string, unknown>[] = [];
  closed: { code: number; reason: string } | undefined;
  unsent = 0;
  pings = 0;

  sendText(text: string): number {
    if (this.closed !== undefined) return 0;
    this.said.push(JSON.parse(text) as Record<string, unknown>);
    return text.length;
  }
  ping(): void {
    this.pings++;
  }
  getBufferedAmount(): number {
    return this.unsent;
  }
  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
  of(messageType: string): Record<string, unknown>[] {
    return this.said.filter((frame) => frame.messageType === messageType);
  }
}

function gateway(options: { readonly house?: Partial<House>; readonly keys?: string } = {}) {
  const told: string[] = [];
  const keys = pushTownKeys(options.keys);
  const town = new AutopushTown({
    keys,
    events: {
      answered: (version, device, answer) => told.push(`${version} ${device} ${answer}`),
      unsubscribed: (holder, _, reason) => told.push(`${holder} unsubscribed: ${reason}`),
      connected: (device) => told.push(`${device} connected`),
      disconnected: (device, _, reason) => told.push(`${device} left: ${reason}`),
    },
  });
  const house: House = {
    pushes: town.pushes,
    holdings: town.holdings,
    uaids: new Uaids(keys, (bytes) => crypto.getRandomValues(new Uint8Array(bytes))),
    events: town.events,
    halfOpen: new HalfOpen(10),
    registrations: new RateLimit(town.clock, 3, 60_000),
    origin: () => 'https://push.example',
    sweeps: 1,
    ...options.house,
  };
  const open = () => {
    const line = new WrittenLine();
    const session = new AutopushSession(house, '192.0.2.1');
    session.opened(line);
    const say = async (frame: unknown) => {
      await session.receive(decode(typeof frame === 'string' ? frame : JSON.stringify(frame)));
      await settled();
    };
    return { line, session, say };
  };
  const join = async (hello: object = {}) => {
    const opened = open();
    await opened.say({ messageType: 'hello', use_webpush: true, ...hello });
    return { ...opened, uaid: String(opened.line.of('hello')[0]?.uaid) };
  };
  const register = async (browser: Awaited<ReturnType<typeof join>>, id = channelID, key?: string) => {
    await browser.say({ messageType: 'register', channelID: id, key });
    return String(browser.line.of('register').at(-1)?.pushEndpoint).split('/').at(-1) ?? '';
  };
  const sweep = (session: AutopushSession, times: number) => {
    for (let n = 0; n < times; n++) {
      house.sweeps++;
      session.sweep();
    }
  };
  return {
    town,
    house,
    told,
    open,
    join,
    register,
    sweep,
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  };
}

const ack = (version: string, code = 100, id = channelID) => ({
  messageType: 'ack',
  updates: [{ channelID: id, version, code }],
});

describe('hello', () => {
  test('FX3 each hello without a uaid gets a fresh one, in the form that others know', async () => {
    await using g = gateway();
    const [first, second] = [await g.join(), await g.join({ uaid: '', channelIDs: [] })];
    expect(first.line.said).toEqual([
      { messageType: 'hello', status: 200, uaid: first.uaid, use_webpush: true, broadcasts: {} },
    ]);
    expect(first.uaid).toMatch(/^[0-9a-f]{96}$/);
    expect(second.uaid).not.toBe(first.uaid);
    expect(g.house.halfOpen.size).toBe(0);
  });

  test('FX3 a uaid that was issued is kept, by a server that knows nothing of it too', async () => {
    await using g = gateway();
    const { uaid } = await g.join();
    await using lost = gateway();
    expect((await lost.join({ uaid })).uaid).toBe(uaid);
  });

  test('FX3 any other uaid gets a fresh one', async () => {
    await using g = gateway();
    const { uaid } = await g.join();
    await using foreign = gateway({ keys: 'other keys' });
    const last = uaid.endsWith('0') ? '1' : '0';
    for (const wrong of [
      '0123456789abcdef0123456789abcdef',
      uaid.toUpperCase(),
      `${uaid.slice(0, -1)}${last}`,
      'x',
    ])
      expect((await g.join({ uaid: wrong })).uaid).not.toBe(wrong);
    expect((await foreign.join({ uaid })).uaid).not.toBe(uaid);
  });

  test('FX4 neither endpoint nor events nor holder show the uaid', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    browser.session.closed(1001);
    expect(g.told.join()).not.toContain(browser.uaid);
    expect(g.told.join()).toContain(holderOf(browser.uaid));
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain(browser.uaid);
  });

  test('FX5 anything before the hello, and a second hello, close the connection', async () => {
    await using g = gateway();
    for (const frame of ['{}', { messageType: 'register', channelID }, ack('1')]) {
      const { line, say } = g.open();
      await say(frame);
      expect(line.closed).toEqual({ code: 1008, reason: 'bad frame: the first frame must be hello' });
    }
    const { line, say } = await g.join();
    await say({ messageType: 'hello' });
    expect(line.closed).toEqual({ code: 1008, reason: 'bad frame: hello comes once' });
    expect(g.house.halfOpen.size).toBe(0);
  });

  test('FX5 a hello that does not come closes the connection', async () => {
    await using g = gateway();
    const { line, session } = g.open();
    g.sweep(session, sweepsIn(limits.helloMs));
    expect(line.closed).toBeUndefined();
    g.sweep(session, 1);
    expect(line.closed?.reason).toBe('no hello arrived in time');
  });

  test('FX3 a store that cannot be read closes the connection, so that the client comes back', async () => {
    const holdings = { hold: () => Promise.reject(new Error('disk')), release: async () => {} };
    await using g = gateway({ house: { holdings } });
    expect((await g.join()).line.closed?.code).toBe(1011);
  });
});

describe('subscriptions', () => {
  test('FX6 the endpoint says whether it is bound to a key; asked again it is the same', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    expect(await g.register(browser)).toBe(token);
    await g.register(browser, other, `${senderKey}=`);
    const [first, , third] = browser.line.of('register');
    expect(first).toEqual({
      messageType: 'register',
      status: 200,
      channelID,
      pushEndpoint: `https://push.example/wpush/v1/${token}`,
    });
    expect(String(third?.pushEndpoint)).toStartWith('https://push.example/wpush/v2/');
    const { senderKey: bound } = await g.town.pushes.open(String(third?.pushEndpoint).split('/')[5] ?? '');
    expect(bound).toBe(senderKey);
  });

  test('FX6 a wrong key is refused, and so are registrations beyond the limit of an address', async () => {
    await using g = gateway();
    const browser = await g.join();
    const offCurve = `${senderKey.slice(0, -1)}4`;
    for (const key of ['AAAA', offCurve, 'x'.repeat(200)]) await g.register(browser, channelID, key);
    await g.register(browser);
    expect(browser.line.of('register')).toEqual([
      ...[400, 400, 400, 429].map((status) => ({ messageType: 'register', status, channelID })),
    ]);
    expect(browser.line.closed).toBeUndefined();
  });

  test('FX6 a registration that fails in the house gets its status', async () => {
    const subscribe = () => Promise.reject(new Error('disk'));
    await using g = gateway({ house: { pushes: { subscribe, unsubscribe: subscribe } } });
    const browser = await g.join();
    await g.register(browser);
    await browser.say({ messageType: 'unregister', channelID });
    expect(browser.line.said.slice(1)).toEqual([
      { messageType: 'register', status: 500, channelID },
      { messageType: 'unregister', status: 500, channelID },
    ]);
  });

  test('FX7 an unregister ends the endpoint, and is answered 200 for an unknown channel', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    await g.town.push(token, 'before');
    for (const id of [channelID, other])
      await browser.say({ messageType: 'unregister', channelID: id, code: 201 });
    expect(browser.line.of('unregister')).toEqual(
      [channelID, other].map((id) => ({ messageType: 'unregister', status: 200, channelID: id })),
    );
    expect(g.told).toContain(`${holderOf(browser.uaid)} unsubscribed: quota`);
    expect(g.town.push(token, 'after')).rejects.toThrow('ended');
    expect(browser.line.closed).toBeUndefined();
  });
});

describe('pushes', () => {
  test('FX8 what is accepted comes in order, with the version as its id', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    const versions = [
      await g.town.push(token, 'one'),
      await g.town.push(token, 'two'),
      await g.town.push(token, ''),
    ];
    await settled();
    const head = { messageType: 'notification', channelID, ttl: 60 };
    const headers = { encoding: 'aes128gcm' };
    expect(browser.line.of('notification')).toEqual([
      { ...head, version: versions[0], data: btoa('one'), headers },
      { ...head, version: versions[1], data: btoa('two'), headers },
      { ...head, version: versions[2] },
    ]);
  });

  test('FX8 what waits comes right after the hello: of a topic the last, of TTL 0 nothing', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    browser.session.closed(1001);
    await settled();
    await g.town.push(token, 'queued');
    await g.town.push(token, 'old', { topic: 'score' });
    await g.town.push(token, 'new', { topic: 'score' });
    await g.town.push(token, 'now or never', { ttl: 0 });
    g.town.clock.advance(limits.instantMs + 1);
    const back = await g.join({ uaid: browser.uaid });
    expect(back.line.said.map(({ messageType }) => messageType)).toEqual([
      'hello',
      'notification',
      'notification',
    ]);
    expect(
      back.line
        .of('notification')
        .map(({ data }) => atob(String(data)))
        .sort(),
    ).toEqual(['new', 'queued']);
  });

  test('FX9 each ack is final and counted by its code', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    const outcomes = { 100: 'delivered', 101: 'undecryptable', 102: 'undelivered' };
    for (const [code, outcome] of Object.entries(outcomes)) {
      const version = await g.town.push(token, outcome);
      await settled();
      await browser.say(ack(version, Number(code)));
      expect(g.told.at(-1)).toStartWith(`${version} `);
      expect(g.told.at(-1)).toEndWith(` ${outcome}`);
    }
    expect(await g.town.waiting(browser.uaid, channelID)).toEqual([]);
  });

  test('FX9 an ack of what is not on its way changes nothing; a nack is counted', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    const version = await g.town.push(token, 'waits');
    await settled();
    for (const [wrong, id] of [
      ['1', channelID],
      ['x', channelID],
      [version, other],
    ] as const)
      await browser.say(ack(wrong, 100, id));
    await browser.say({ messageType: 'nack', version, code: 302 });
    await browser.say({ messageType: 'nack', version: 'x' });
    expect(await g.town.waiting(browser.uaid, channelID)).toEqual(['waits']);
    expect(g.told.filter((line) => line.startsWith(version))).toEqual([
      `${version} ${holderOf(browser.uaid)} handler rejected`,
    ]);
  });

  test('FX10 what was not acknowledged comes again after a reconnect, and while connected, with the same id', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    const version = await g.town.push(token, 'again');
    await settled();
    g.town.clock.advance(limits.reofferMs);
    expect(browser.line.of('notification').map((frame) => frame.version)).toEqual([version, version]);
    browser.session.closed(1006);
    const back = await g.join({ uaid: browser.uaid });
    expect(back.line.of('notification').map((frame) => frame.version)).toEqual([version]);
    await back.say(ack(version, 102));
    expect(await g.town.waiting(browser.uaid, channelID)).toEqual([]);
  });

  test('FX11 a newer connection of a uaid closes the older and gets what waits', async () => {
    await using g = gateway();
    const older = await g.join();
    const token = await g.register(older);
    const version = await g.town.push(token, 'for whoever is there');
    await settled();
    const newer = await g.join({ uaid: older.uaid });
    expect(older.line.closed).toEqual({ code: 1000, reason: 'a newer connection of this client took over' });
    expect(newer.line.of('notification').map((frame) => frame.version)).toEqual([version]);
    await older.say(ack(version));
    expect(await g.town.waiting(older.uaid, channelID)).toHaveLength(1);
    await newer.say(ack(version));
    expect(await g.town.waiting(older.uaid, channelID)).toEqual([]);
    expect(newer.line.closed).toBeUndefined();
  });

  test('FX11 a client without a subscription is taken over too', async () => {
    await using g = gateway();
    const older = await g.join();
    await g.join({ uaid: older.uaid });
    expect(older.line.closed?.code).toBe(1000);
  });

  test('FX16 a line that is full gets no more until it has drained', async () => {
    await using g = gateway();
    const { line, session, ...rest } = await g.join();
    const token = await g.register({ line, session, ...rest });
    line.unsent = limits.socketBufferBytes + 1;
    await g.town.push(token, 'later');
    await settled();
    expect(line.of('notification')).toEqual([]);
    await session.drained();
    expect(line.of('notification')).toEqual([]);
    line.unsent = 0;
    await session.drained();
    expect(line.of('notification')).toHaveLength(1);
  });

  test('FX16 a line that does not drain is closed', async () => {
    await using g = gateway();
    const browser = await g.join();
    const token = await g.register(browser);
    browser.line.unsent = limits.socketBufferBytes + 1;
    await g.town.push(token, 'later');
    await settled();
    g.sweep(browser.session, sweepsIn(limits.silenceMs));
    expect(browser.line.closed).toBeUndefined();
    g.sweep(browser.session, 1);
    expect(browser.line.closed).toEqual({ code: 1008, reason: 'you do not read what is sent to you' });
  });
});

describe('life signs', () => {
  test('FX12 pings are answered; too many of them end the connection, others much later do not', async () => {
    await using g = gateway();
    const { line, session, say } = await g.join();
    const ping = async (times: number) => {
      for (let n = 0; n < times; n++) await say(n % 2 === 0 ? '{}' : { messageType: 'ping' });
    };
    await ping(limits.autopushPings);
    g.sweep(session, sweepsIn(limits.autopushIdleMs));
    await ping(limits.autopushPings);
    expect(line.said.slice(1)).toEqual(Array.from({ length: 2 * limits.autopushPings }, () => ({})));
    await ping(1);
    expect(line.closed).toEqual({ code: 1008, reason: 'bad frame: too many pings' });
  });

  test('FX12 a silent client is asked for a sign of life, and closed when it gives none', async () => {
    await using g = gateway();
    const { line, session } = await g.join();
    g.sweep(session, sweepsIn(limits.autopushPingMs));
    expect(line.pings).toBe(1);
    session.pinged();
    g.sweep(session, sweepsIn(limits.autopushPingMs));
    expect(line.pings).toBe(2);
    g.sweep(session, sweepsIn(limits.autopushPongMs));
    expect(line.closed).toBeUndefined();
    g.sweep(session, 1);
    expect(line.closed?.reason).toBe('nothing was heard of you for too long');
  });

  test('FX13 a flood of messages that ask for nothing is shed, and costs the store nothing', async () => {
    await using g = gateway();
    const browser = await g.join();
    const updates = Array.from({ length: 1_000 }, (_, n) => ({
      channelID,
      version: String(n + 1),
      code: 100,
    }));
    for (let n = 0; n < limits.autopushIdleFrames / 1_000; n++)
      await browser.say({ messageType: 'ack', updates });
    expect(browser.line.closed).toBeUndefined();
    await browser.say({ messageType: 'no such type' });
    expect(browser.line.closed?.code).toBe(4774);
  });

  test("FX15 broadcasts: Mozilla's own get no answer, another is unknown", async () => {
    await using g = gateway();
    const { line, say } = await g.join({ broadcasts: { 'remote-settings/monitor_changes': '"0"' } });
    await say({ messageType: 'broadcast_subscribe', broadcasts: { 'remote-settings/x': '1' } });
    expect(line.said).toHaveLength(1);
    await say({ messageType: 'broadcast_subscribe', broadcasts: { 'remote-settings/x': '1', ours: '1' } });
    expect(line.said.slice(1)).toEqual([
      { messageType: 'broadcast', broadcasts: { errors: { ours: 'Broadcast not found' } } },
    ]);
  });
});
