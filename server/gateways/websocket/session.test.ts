import { describe, expect, test } from 'bun:test';
import { SmallTown } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { limits } from '../../../protocol/limits.ts';
import { parseSubchannel, type Subchannel } from '../../../protocol/subchannel.ts';
import type { Urgency } from '../../../protocol/urgency.ts';
import type { Version } from '../../../protocol/version.ts';
import {
  type ClientFrame,
  parseClientFrame,
  parseServerFrame,
  RESTING_CLOSE,
} from '../../../protocol/wire.ts';
import type { Device, Kept, StatedUrgency } from '../../core/store.ts';
import { HalfOpen } from '../../doors/half-open.ts';
import { type Events, silentEvents } from '../../observe/events.ts';
import { type House, type Line, Session, SWEEP_MS } from './session.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;

/** A line that writes down what a session says. */
class WrittenLine implements Line {
  readonly frames: Record<string, unknown>[] = [];
  closed: { code: number; reason: string } | undefined;
  unsent = 0;
  gone = false;

  sendText(text: string): number {
    if (this.gone || this.closed !== undefined) return 0;
    this.frames.push({ ...parseServerFrame(text) });
    return text.length;
  }
  getBufferedAmount(): number {
    return this.unsent;
  }
  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
  get types(): unknown[] {
    return this.frames.map(({ type }) => type);
  }
}

/** The real core behind sessions that stand on written lines instead of sockets. */
async function gateway(events: Events = silentEvents) {
  const town = new SmallTown({ events });
  town.rights.app(app, 'anns');
  const { device, token } = await town.devices.register({ account: 'bob', app, name: 'laptop' });
  const halfOpen = new HalfOpen(10);
  const { devices, deliveries, rights: owners } = town;
  const house: House = { devices, deliveries, owners, events, halfOpen, sweeps: 1 };
  const open = (origin: string | null = null) => {
    const line = new WrittenLine();
    const session = new Session(house, '192.0.2.1', origin);
    session.opened(line);
    return { line, session };
  };
  const hello: ClientFrame = { type: 'hello', protocol: 1, client: 'test/1', device: device.id, token };
  const join = async (origin: string | null = null) => {
    const opened = open(origin);
    await opened.session.receive(hello);
    await settled();
    return opened;
  };
  const sweep = (session: Session, times: number) => {
    for (let n = 0; n < times; n++) {
      house.sweeps++;
      session.sweep();
    }
  };
  const keep = async (payload: string, subchannel = 0, urgency?: StatedUrgency) => {
    const slot = String(parseSubchannel(subchannel) as Subchannel);
    const expiresAt = town.clock.now() + 1e9;
    const rest = { project: 'p', dailyQuota: 0, quotaDay: '2026-11-24', ...(urgency && { urgency }) };
    return town.store.keep({ channel: device.channel.key, slot, payload, expiresAt, ...rest });
  };
  const waiting = async () => (await devices.missed(device)).kept.map(({ payload }) => payload);
  const dispose = () => town[Symbol.asyncDispose]();
  return {
    town,
    device,
    hello,
    house,
    halfOpen,
    open,
    join,
    sweep,
    keep,
    waiting,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Lets everything that is under way in memory come to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const sweepsIn = (ms: number) => Math.ceil(ms / SWEEP_MS);

describe('greeting', () => {
  test('WW6 welcome, what waited, live', async () => {
    await using g = await gateway();
    await g.keep('old');
    const kept = await g.keep('waits');
    const { line } = await g.join();
    expect(line.frames).toEqual([
      { type: 'welcome', protocol: 1, channelId: g.device.channel.id, pingMs: limits.pingMs },
      { type: 'message', version: kept.version, subchannelId: 0, payload: 'waits' },
      { type: 'live' },
    ]);
  });

  test('WW7 another frame first is answered with a close', async () => {
    await using g = await gateway();
    for (const frame of [{ type: 'ping' }, { type: 'taken', version: 1 as Version }] as const) {
      const { line, session } = g.open();
      await session.receive(frame);
      expect(line.closed).toEqual({ code: 4400, reason: 'bad frame: the first frame must be hello' });
    }
    expect(g.halfOpen.size).toBe(0);
  });

  test('WW7 a second hello is answered with a close', async () => {
    await using g = await gateway();
    const { line, session } = await g.join();
    await session.receive(g.hello);
    expect(line.closed?.code).toBe(4400);
  });

  test('WW7 what comes before welcome, other than a ping, is answered with a close', async () => {
    await using g = await gateway();
    const { line, session } = g.open();
    const proving = session.receive(g.hello);
    await session.receive({ type: 'ping' });
    expect(line.types).toEqual(['pong']);
    await session.receive({ type: 'confirm', version: 1 as Version });
    await proving;
    expect([line.closed?.code, line.types]).toEqual([4400, ['pong']]);
    expect(g.town.deliveries.size).toBe(0);
  });

  test('WW7 no hello for ten seconds is too late', async () => {
    await using g = await gateway();
    const { line, session } = g.open();
    g.sweep(session, sweepsIn(limits.helloMs));
    expect(line.closed).toBeUndefined();
    g.sweep(session, 1);
    expect(line.closed?.code).toBe(4408);
    expect(g.halfOpen.size).toBe(0);
  });

  test('WW8 a wrong token and an unknown device are closed alike', async () => {
    await using g = await gateway();
    const frames = [
      { ...g.hello, token: 'guessed' },
      { ...g.hello, device: 'nobody' },
    ];
    const closed = await Promise.all(
      frames.map(async (frame) => {
        const { line, session } = g.open('https://evil.example');
        await session.receive(frame as ClientFrame);
        return [line.closed, line.frames];
      }),
    );
    expect(closed[0]).toEqual([
      { code: 4401, reason: 'the device is unknown or its token was ended: register again' },
      [],
    ]);
    expect(closed[1]).toEqual(closed[0]);
    expect(g.halfOpen.size).toBe(0);
  });

  test('WW8 a foreign origin is told to who has the token', async () => {
    await using g = await gateway();
    const { line } = await g.join('https://evil.example');
    expect([line.closed?.code, line.frames]).toEqual([4403, []]);
    for (const origin of [null, `chrome-extension://${app}`, 'moz-extension://1']) {
      expect((await g.join(origin)).line.types).toEqual(['welcome', 'live']);
    }
  });

  test('WW4 a hello of another protocol is closed with the known numbers', async () => {
    await using g = await gateway();
    const { line, session } = g.open();
    await session.receive({ type: 'refused', close: 'protocol-unknown', why: 'unknown protocol; known: 1' });
    expect(line.closed).toEqual({ code: 4426, reason: 'unknown protocol; known: 1' });
  });

  test('WW5 a check that fails inside is told to the events and closed as internal', async () => {
    const failed: unknown[] = [];
    await using g = await gateway({ ...silentEvents, failed: (where) => failed.push(where) });
    const authenticate = () => Promise.reject(new TypeError('broken'));
    const devices = { authenticate, setLowestUrgency: authenticate };
    const broken = { ...g.house, devices };
    const session = new Session(broken, 'x', null);
    const line = new WrittenLine();
    session.opened(line);
    await session.receive(g.hello);
    expect([line.closed?.code, failed]).toEqual([4500, ['websocket']]);
    expect(line.closed?.reason).not.toContain('broken');
  });

  test('WW13 a connection that closes while its token is checked joins nothing', async () => {
    await using g = await gateway();
    const { session, line } = g.open();
    const proving = session.receive(g.hello);
    session.closed(1006);
    await proving;
    await settled();
    expect([g.town.deliveries.size, g.halfOpen.size, line.frames]).toEqual([0, 0, []]);
  });
});

describe('acknowledging', () => {
  test('WW10 a confirm ends the message', async () => {
    await using g = await gateway();
    const kept = await g.keep('a');
    const { session } = await g.join();
    await session.receive({ type: 'taken', version: kept.version });
    expect(await g.waiting()).toEqual(['a']);
    await session.receive({ type: 'confirm', version: kept.version });
    expect(await g.waiting()).toEqual([]);
  });

  test('WW10 a refusal brings it again after the delay of HA1', async () => {
    await using g = await gateway();
    const kept = await g.keep('a');
    const { session, line } = await g.join();
    await session.receive({ type: 'refuse', version: kept.version, kind: 'failed', reason: 'threw' });
    g.town.clock.advance(limits.reofferMs - 1);
    expect(line.types).toEqual(['welcome', 'message', 'live']);
    g.town.clock.advance(1);
    expect(line.types).toEqual(['welcome', 'message', 'live', 'message']);
  });

  test('WW10 a long reason is cut', async () => {
    const reasons: string[] = [];
    await using g = await gateway({
      ...silentEvents,
      runFailed: (_v, _d, _n, reason) => reasons.push(reason),
    });
    const kept = await g.keep('a');
    const { session } = await g.join();
    await session.receive({
      type: 'refuse',
      version: kept.version,
      kind: 'failed',
      reason: 'x'.repeat(5_000),
    });
    expect(reasons).toEqual(['x'.repeat(limits.reasonCharacters)]);
  });

  test('WW10 a version that never was changes nothing and closes nothing', async () => {
    await using g = await gateway();
    await g.keep('a');
    const { session, line } = await g.join();
    for (const type of ['taken', 'confirm'] as const) await session.receive({ type, version: 3 as Version });
    await session.receive({ type: 'refuse', version: 3 as Version, kind: 'no-listener', reason: '' });
    expect([line.closed, await g.waiting()]).toEqual([undefined, ['a']]);
  });

  test('WW10 when the confirm cannot be kept the connection stays and the events are told', async () => {
    const failed: unknown[] = [];
    await using g = await gateway({ ...silentEvents, failed: (where) => failed.push(where) });
    const kept = await g.keep('a');
    const { session, line } = await g.join();
    g.town.store.confirm = () => Promise.reject(new Error('disk'));
    await session.receive({ type: 'confirm', version: kept.version });
    expect([line.closed, failed]).toEqual([undefined, ['websocket']]);
  });
});

describe('a connection that lasts', () => {
  test('WW9 a ping is answered, and keeps the connection', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    for (let n = 0; n < 10; n++) {
      g.sweep(session, sweepsIn(limits.pingMs));
      await session.receive({ type: 'ping' });
    }
    expect(line.closed).toBeUndefined();
    expect(line.types.filter((type) => type === 'pong')).toHaveLength(10);
  });

  test('WW9 silence for 65 seconds ends it', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    g.sweep(session, sweepsIn(limits.silenceMs));
    expect(line.closed).toBeUndefined();
    g.sweep(session, 1);
    expect(line.closed?.code).toBe(4002);
    expect(g.town.deliveries.size).toBe(0);
  });

  test('WW9 a protocol ping is heard too', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    g.sweep(session, sweepsIn(limits.silenceMs));
    session.heard();
    g.sweep(session, 1);
    expect(line.closed).toBeUndefined();
  });

  test('WW11 a full line gets no more until it has drained, and then everything', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    line.unsent = limits.socketBufferBytes + 1;
    const outbox = g.town.deliveries.outboxOf(g.device.key);
    const kept = [await g.keep('a', 0), await g.keep('b', 1)];
    for (const one of kept) outbox?.announced(one);
    expect(line.types).toEqual(['welcome', 'live']);
    session.drained();
    expect(line.types).toEqual(['welcome', 'live']);
    line.unsent = 0;
    session.drained();
    expect(line.types).toEqual(['welcome', 'live', 'message', 'message']);
  });

  test('WW11 a line that does not drain for 65 seconds is closed, however often it pings', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    line.unsent = limits.socketBufferBytes + 1;
    g.town.deliveries.outboxOf(g.device.key)?.announced(await g.keep('a'));
    for (let n = 0; n < sweepsIn(limits.silenceMs); n++) {
      await session.receive({ type: 'ping' });
      g.sweep(session, 1);
    }
    expect(line.closed).toBeUndefined();
    await session.receive({ type: 'ping' });
    g.sweep(session, 1);
    expect(line.closed?.code).toBe(4003);
    expect(await g.waiting()).toEqual(['a']);
  });

  test('OL4 a frame too many closes with 4429; each message allows four more, and time for as many again', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    const ping = async (count: number) => {
      for (let n = 0; n < count; n++) await session.receive({ type: 'ping' });
    };
    g.town.deliveries.outboxOf(g.device.key)?.announced(await g.keep('a'));
    // The hello was one of them.
    await ping(limits.clientFrames + limits.clientFramesPerMessage - 1);
    g.sweep(session, 1);
    await ping(limits.clientFrames - 1);
    session.heard();
    expect(line.closed).toBeUndefined();
    session.heard();
    expect(line.closed?.code).toBe(4429);
    expect(await g.waiting()).toEqual(['a']);
  });

  test('WW11 a ping on a full line is not answered', async () => {
    await using g = await gateway();
    const { session, line } = await g.join();
    line.unsent = limits.socketBufferBytes + 1;
    await session.receive({ type: 'ping' });
    expect(line.types).toEqual(['welcome', 'live']);
    g.sweep(session, 1);
    line.unsent = 0;
    session.drained();
    await session.receive({ type: 'ping' });
    expect(line.types).toEqual(['welcome', 'live', 'pong']);
  });

  test('WW11 what was offered to a line that is gone waits in the store', async () => {
    await using g = await gateway();
    const { line } = await g.join();
    line.gone = true;
    g.town.deliveries.outboxOf(g.device.key)?.announced(await g.keep('a'));
    expect(await g.waiting()).toEqual(['a']);
  });

  test('WW12 a newer connection of the device closes the older, and gets what the older did not confirm', async () => {
    await using g = await gateway();
    await g.keep('a');
    const older = await g.join();
    const newer = await g.join();
    expect(older.line.closed?.code).toBe(4001);
    expect(newer.line.types).toEqual(['welcome', 'message', 'live']);
    older.session.closed(4001);
    await settled();
    expect(g.town.deliveries.size).toBe(1);
    expect(newer.line.closed).toBeUndefined();
  });

  test('WW12 the end of the device closes its connection', async () => {
    await using g = await gateway();
    const { line } = await g.join();
    await g.town.receiving.signOutDevice('bob', g.device.id);
    expect(line.closed?.code).toBe(4410);
  });

  test('WW13 a closed session offers nothing and hears nothing', async () => {
    await using g = await gateway();
    const told: string[] = [];
    g.house.events.disconnected = (_device, _gateway, reason) => told.push(reason);
    const { session, line } = await g.join();
    const { frames } = line;
    const before = frames.length;
    session.closed(1001);
    await session.receive({ type: 'ping' });
    expect(session.offer((await g.keep('a')) satisfies Kept)).toBe('gone');
    session.closed(1001);
    session.close('silent');
    g.sweep(session, 100);
    expect([frames.length, line.closed, told]).toEqual([before, undefined, ['1001']]);
    await settled();
    expect(g.town.deliveries.outboxOf((g.device satisfies Device).key)).toBeUndefined();
  });
});

describe('what the owner of a device is shown', () => {
  test('CO19 the gateway, since when, last heard, and the close by its name', async () => {
    await using g = await gateway();
    const { deliveries, clock } = g.town;
    const since = clock.now();
    const { session } = await g.join();
    g.sweep(session, 2);
    clock.advance(2 * SWEEP_MS);
    expect(deliveries.connectionOf(g.device.key)).toEqual({
      current: { gateway: 'websocket', since, heardAt: since },
      ended: undefined,
    });
    session.close('too-slow');
    await settled();
    const ended = { at: clock.now(), gateway: 'websocket', reason: 'too-slow' };
    expect(deliveries.connectionOf(g.device.key)).toEqual({ current: undefined, ended });
  });
});

describe('going to rest', () => {
  test('CL36 a close with 4000 or 1001 is told as a rest, any other is not', async () => {
    await using g = await gateway();
    const left: unknown[] = [];
    g.town.deliveries.onLeft((device, _left, rests) => left.push([device.id, rests]));
    for (const code of [RESTING_CLOSE, 1001, 1000, 1006]) {
      const { session } = await g.join();
      session.closed(code);
      await settled();
      left.push(g.town.deliveries.connectionOf(g.device.key).ended?.reason);
    }
    const { id } = g.device;
    expect(left).toEqual([
      ...[[id, true], '4000', [id, true], '1001'],
      ...[[id, false], '1000', [id, false], '1006'],
    ]);
  });
});

describe('the lowest urgency', () => {
  test('DV11 a hello names it, and one without it wants everything again', async () => {
    await using g = await gateway();
    const low = await g.keep('low', 0, 'low');
    await g.keep('high', 1, 'high');
    const hear = async (urgency?: Urgency) => {
      const { line, session } = g.open();
      await session.receive({ ...g.hello, urgency });
      await settled();
      session.close('going-away');
      await settled();
      return line.frames.flatMap(({ payload }) => payload ?? []);
    };
    const bound = async () => (await g.town.store.findDevice(g.device.id))?.lowestUrgency;
    expect([await hear('high'), await bound()]).toEqual([['high'], 'high']);
    expect([await hear('low'), await bound()]).toEqual([['low', 'high'], 'low']);
    expect([await hear('normal'), await bound()]).toEqual([['high'], 'normal']);
    expect([await hear(), await bound()]).toEqual([['low', 'high'], 'very-low']);
    expect((await g.town.store.traced(low.version))?.devices[0]?.state).toBe('waiting');
  });

  test('DV11 a hello with an urgency of no such name is a bad frame', () => {
    for (const urgency of ['urgent', '', null, 3]) {
      const text = JSON.stringify({
        type: 'hello',
        protocol: 1,
        client: 't',
        device: 'd',
        token: 't',
        urgency,
      });
      expect(parseClientFrame(text)).toMatchObject({
        close: 'frame-bad',
        why: expect.stringContaining('urgency'),
      });
    }
  });
});
