import { describe, expect, test } from 'bun:test';
import type { AppId } from '../../protocol/app-id.ts';
import { limits, retentionMs } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import { MemoryBus } from '../buses/memory.ts';
import { MemoryPresence } from '../buses/presence-memory.ts';
import { type Events, silentEvents } from '../observe/events.ts';
import { MemoryStore } from '../stores/memory.ts';
import { Announcer } from './announcer.ts';
import { Deliveries } from './deliver.ts';
import { Devices } from './devices.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';
import type { Outbox } from './outbox.ts';
import { Receiving } from './receiving.ts';
import type { Recipient } from './recipient.ts';
import type { Device, Kept, StatedUrgency, Store } from './store.ts';
import { Wakes } from './wake.ts';
import type { Waker, Woken } from './waker.ts';

const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Long enough for everything that needs no clock. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A connection that takes everything and says nothing. */
const mute: Recipient = { offer: () => 'taken', caughtUp: () => {}, end: () => {} };

/** The core with a push service of the test's own. */
class Bench {
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly deliveries: Deliveries;
  readonly devices: Devices;
  readonly receiving: Receiving;
  readonly announcer: Announcer;
  readonly failures: string[] = [];
  /** "transport payload" of each wake-up, in order. */
  readonly woken: string[] = [];
  answer: Woken | (() => Promise<Woken>) = 'sent';
  readonly #shared: {
    store: Store;
    bus: MemoryBus;
    presence: MemoryPresence;
    clock: ManualClock;
    events: Events;
  };
  wakes: Wakes;

  constructor() {
    const { clock } = this;
    const random = seededRandom(5);
    this.store = new MemoryStore({ clock, random });
    const events: Events = {
      ...silentEvents,
      failed: (where, error) => this.failures.push(`${where} ${error}`),
    };
    this.#shared = { store: this.store, bus: new MemoryBus(), presence: new MemoryPresence(), clock, events };
    this.deliveries = new Deliveries({ ...this.#shared, node: 'here' });
    this.devices = new Devices({ ...this.#shared, deliveries: this.deliveries, random });
    this.receiving = new Receiving(this.#shared);
    this.announcer = new Announcer(this.#shared);
    this.wakes = this.#start();
  }

  /** As after a restart: what was in memory is lost. */
  async restart(): Promise<void> {
    this.wakes.stop();
    this.wakes = this.#start();
    this.wakes.start();
    await this.pass(limits.wakeSettleMs);
  }

  async device(transport: string | null = 'push', user = 'ada'): Promise<Device> {
    const { device } = await this.devices.register({ account: user, app: APP, name: 'laptop' });
    await this.devices.setTransport(device, transport);
    return device;
  }

  /** Keeps a message as Acceptance does. */
  async send(
    payload: string,
    { slot = '0', user = 'ada', urgency }: { slot?: string; user?: string; urgency?: StatedUrgency } = {},
  ): Promise<Kept> {
    const channel = await this.store.openChannel(user, APP);
    const kept = await this.store.keep({
      channel: channel.key,
      slot,
      payload,
      expiresAt: this.clock.now() + retentionMs,
      project: '1',
      dailyQuota: 0,
      quotaDay: '2026-11-24',
      ...(urgency && { urgency }),
    });
    if (channel.state === 'live') {
      await this.announcer.announce(kept);
      await this.wakes.kept(kept);
    }
    await settle();
    return kept;
  }

  async connect(device: Device, recipient: Recipient = mute): Promise<Outbox> {
    const outbox = this.deliveries.connect(device, recipient);
    await settle();
    return outbox;
  }

  async leave(outbox: Outbox, rests = false): Promise<void> {
    await this.deliveries.disconnect(outbox, undefined, rests);
    await settle();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }

  /** Seconds from one wake-up to the next, of the next few. */
  async gaps(count: number): Promise<readonly number[]> {
    const gaps: number[] = [];
    let seconds = 0;
    for (let seen = this.woken.length; gaps.length < count && seconds < 100_000; ) {
      await this.pass(SECOND);
      seconds += 1;
      if (this.woken.length === seen) continue;
      seen = this.woken.length;
      gaps.push(seconds);
      seconds = 0;
    }
    return gaps;
  }

  #start(): Wakes {
    const waker: Waker = {
      wake: async (transport, kept) => {
        this.woken.push(`${transport} ${kept.payload}`);
        return typeof this.answer === 'function' ? this.answer() : this.answer;
      },
    };
    const { deliveries } = this;
    return new Wakes({ ...this.#shared, deliveries, waker, endDevice: (key) => this.devices.remove(key) });
  }
}

describe('a message that is kept', () => {
  test('WK1 wakes at once every device with a transport and without a connection, and nobody else', async () => {
    const bench = new Bench();
    await bench.device('phone');
    await bench.device(null);
    await bench.device('of another', 'eve');
    await bench.connect(await bench.device('connected'));
    await bench.device('laptop');
    await bench.send('hello');
    expect(bench.woken).toEqual(['phone hello', 'laptop hello']);
  });

  test('WK1 each subchannel wakes by itself, the newer message of one also while the push service answers', async () => {
    const bench = new Bench();
    await bench.device();
    let answer = (_: Woken): void => {};
    bench.answer = () => new Promise((resolve) => (answer = resolve));
    await bench.send('first');
    await bench.send('second');
    await bench.send('third');
    await bench.send('other', { slot: '1' });
    expect(bench.woken).toEqual(['push first']);
    bench.answer = 'sent';
    answer('sent');
    await settle();
    expect(bench.woken).toEqual(['push first', 'push third', 'push other']);
  });

  test('WK2 a connected device that says nothing for 2 s is woken as well', async () => {
    const bench = new Bench();
    await bench.connect(await bench.device());
    await bench.send('hello');
    await bench.pass(limits.takenMs - 1);
    expect(bench.woken).toEqual([]);
    await bench.pass(1);
    expect(bench.woken).toEqual(['push hello']);
  });

  test('WK2 one that has begun, ended or refused it is not, and one without a transport cannot be', async () => {
    const bench = new Bench();
    const outboxes = await Promise.all(
      ['a', 'b', 'c', null].map(async (name) => bench.connect(await bench.device(name))),
    );
    const kept = await bench.send('hello');
    await outboxes[0]?.taken(kept.version);
    await outboxes[1]?.confirm(kept.version);
    await outboxes[2]?.refuse(kept.version, 'no-listener', '');
    await bench.pass(limits.takenMs);
    expect(bench.woken).toEqual([]);
  });

  test('WK2 messages are watched each for its own 2 s', async () => {
    const bench = new Bench();
    const outbox = await bench.connect(await bench.device());
    const first = await bench.send('first');
    await bench.pass(SECOND);
    await bench.send('second', { slot: '1' });
    await outbox.taken(first.version);
    await bench.pass(SECOND);
    expect(bench.woken).toEqual([]);
    await bench.pass(SECOND);
    expect(bench.woken).toEqual(['push second']);
  });
});

describe('waking again', () => {
  test('WK3 the delays are 30 s, doubling to an hour, until it has ended', async () => {
    const bench = new Bench();
    const device = await bench.device();
    const kept = await bench.send('hello');
    expect(await bench.gaps(9)).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    await bench.devices.acknowledge(device, [{ outcome: 'handled', version: kept.version }]);
    await bench.pass(10 * 3_600_000);
    expect(bench.woken.length).toBe(10);
  });

  test('WK3 a newer message is told at once, and begins the delays anew', async () => {
    const bench = new Bench();
    await bench.device();
    await bench.send('first');
    await bench.gaps(4);
    await bench.send('second');
    expect(bench.woken.at(-1)).toBe('push second');
    expect(await bench.gaps(2)).toEqual([30, 60]);
    expect(bench.woken.at(-1)).toBe('push second');
  });

  test('WK3 while the device is connected its connection offers; 30 s after its end it is woken', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.send('hello');
    const outbox = await bench.connect(device);
    await bench.pass(10 * MINUTE);
    expect(bench.woken.length).toBe(1);
    await bench.leave(outbox);
    expect(await bench.gaps(3)).toEqual([30, 60, 120]);
  });

  test('WK3 a device that comes, does not confirm and goes is woken ever more seldom', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.send('hello');
    const waited: number[] = [];
    for (let n = 0; n < 4; n++) {
      await bench.leave(await bench.connect(device));
      waited.push(...(await bench.gaps(1)));
    }
    expect(waited).toEqual([30, 60, 120, 240]);
  });

  test('WK3 a connection that ended in the middle of a run wakes after 30 s, one that left nothing does not', async () => {
    const bench = new Bench();
    const device = await bench.device();
    const running = await bench.connect(device);
    const kept = await bench.send('hello');
    await running.taken(kept.version);
    await bench.leave(running);
    expect(await bench.gaps(1)).toEqual([30]);
    const ending = await bench.connect(device);
    await ending.confirm(kept.version);
    await bench.leave(ending);
    await bench.pass(2 * 3_600_000);
    expect(bench.woken.length).toBe(1);
  });

  test('CL36 what crossed with the close of a connection that goes to rest wakes at once', async () => {
    const bench = new Bench();
    const outbox = await bench.connect(await bench.device());
    await bench.send('crossed');
    await bench.send('older', { slot: '1' });
    await bench.send('newer', { slot: '1' });
    await bench.leave(outbox, true);
    expect(bench.woken).toEqual(['push crossed', 'push newer']);
    expect(await bench.gaps(2)).toEqual([30, 60]);
  });

  test('CL36 a message that was kept for a connection, and announced after its end, wakes at once', async () => {
    const bench = new Bench();
    const device = await bench.device();
    const outbox = await bench.connect(device);
    // Kept, and both announcer and waker have seen the connection; its end comes before the announcement.
    const draft = { channel: device.channel.key, slot: '0', payload: 'late', expiresAt: 9e15 };
    await bench.store.keep({ ...draft, project: '1', dailyQuota: 0, quotaDay: '2026-11-24' });
    await bench.leave(outbox, true);
    expect(bench.woken).toEqual(['push late']);
  });

  test('CL36 what had waited before the connection keeps its delays, however often the connection goes to rest', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.send('hello');
    const waited: number[] = [];
    for (let n = 0; n < 4; n++) {
      await bench.pass(SECOND);
      await bench.leave(await bench.connect(device), true);
      waited.push(...(await bench.gaps(1)));
    }
    expect(waited).toEqual([30, 60, 120, 240]);
  });

  test('CL36 what failed, or is being confirmed, does not wake at once when the connection goes to rest', async () => {
    const bench = new Bench();
    const device = await bench.device();
    const outbox = await bench.connect(device);
    const failed = await bench.send('failed');
    await outbox.refuse(failed.version, 'failed', '');
    const handled = await bench.send('handled', { slot: '1' });
    let synced = (): void => {};
    const disk = new Promise<void>((resolve) => (synced = resolve));
    const confirm = bench.store.confirm.bind(bench.store);
    bench.store.confirm = (...of) => disk.then(() => confirm(...of));
    const confirmed = outbox.confirm(handled.version);
    await bench.leave(outbox, true);
    expect(bench.woken).toEqual([]);
    synced();
    await confirmed;
    expect(await bench.gaps(1)).toEqual([30]);
    expect(bench.woken).toEqual(['push failed']);
  });

  test('WK3 a message that failed for good, expired or was taken with its device wakes nobody', async () => {
    const bench = new Bench();
    const failing = await bench.device('failing');
    const kept = await bench.send('hello');
    for (let n = 0; n < limits.failedRuns; n++)
      await bench.devices.acknowledge(failing, [{ outcome: 'failed', version: kept.version, reason: '' }]);
    const leaving = await bench.device('leaving', 'eve');
    await bench.send('hello', { user: 'eve' });
    await bench.devices.remove(leaving);
    await bench.device('away', 'bob');
    await bench.send('hello', { user: 'bob' });
    bench.woken.splice(0);
    await bench.pass(MINUTE);
    await bench.pass(retentionMs);
    expect(new Set(bench.woken)).toEqual(new Set(['away hello']));
    bench.woken.splice(0);
    await bench.pass(2 * 3_600_000);
    expect(bench.woken).toEqual([]);
  });
});

describe('what memory does not hold', () => {
  test('WK4 after a restart the devices for which something waits are woken, and no others', async () => {
    const bench = new Bench();
    await bench.device('phone');
    await bench.device('nothing waits', 'eve');
    await bench.send('first');
    await bench.send('other', { slot: '1' });
    bench.woken.splice(0);
    await bench.restart();
    expect(bench.woken).toEqual(['phone other']);
    expect(await bench.gaps(2)).toEqual([30, 60]);
  });

  test('WK4 devices that came back by themselves are left to their connection', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.send('hello');
    bench.woken.splice(0);
    await bench.connect(device);
    await bench.restart();
    expect(bench.woken).toEqual([]);
  });

  test('WK4 the look goes on page by page, and comes again after an hour', async () => {
    const bench = new Bench();
    const users = Array.from({ length: limits.wakeLookPage + 1 }, (_, n) => `user ${n}`);
    for (const user of users) await bench.device(user, user);
    for (const user of users) await bench.send('hello', { user });
    bench.woken.splice(0);
    await bench.restart();
    expect(bench.woken.length).toBe(limits.wakeLookPage);
    await bench.pass(limits.wakeLookPauseMs);
    expect(bench.woken.length).toBe(users.length);
    // A device that memory knows nothing of: its transport was set while the message waited.
    const late = await bench.device(null, 'late');
    await bench.send('hello', { user: 'late' });
    await bench.devices.setTransport(late, 'late');
    await bench.pass(limits.wakeLookMs);
    for (let n = 0; n < 3; n++) await bench.pass(limits.wakeLookPauseMs);
    expect(bench.woken).toContain('late hello');
  });

  test('WK4 nobody is woken after the stop', async () => {
    const bench = new Bench();
    await bench.device();
    await bench.send('hello');
    bench.wakes.stop();
    await bench.pass(10 * 3_600_000);
    await bench.send('more');
    expect(bench.woken).toEqual(['push hello']);
  });
});

describe('the budget', () => {
  test('WK5 the 61st message of an hour waits a minute, and then the newest alone is told', async () => {
    const bench = new Bench();
    await bench.device();
    for (let n = 1; n <= 60; n++) await bench.send(`m${n}`);
    expect(bench.woken.length).toBe(60);
    for (let n = 61; n <= 70; n++) await bench.send(`m${n}`, { slot: String(n % 4) });
    expect(bench.woken.length).toBe(60);
    expect(await bench.gaps(1)).toEqual([60]);
    expect(bench.woken.at(-1)).toBe('push m70');
    await bench.send('m71');
    expect(bench.woken.length).toBe(61);
    expect(await bench.gaps(1)).toEqual([120]);
    expect(
      bench.wakes.spentBy(
        (await bench.store.devicesOf((await bench.store.openChannel('ada', APP)).key))[0]?.key ??
          (0 as never),
      ),
    ).toBe(62);
  });

  test('WK5 what is urgent wakes at once, also beyond the budget, and costs none of it', async () => {
    const bench = new Bench();
    const device = await bench.device();
    for (let n = 1; n <= 61; n++) await bench.send(`m${n}`);
    expect(bench.woken.length).toBe(60);
    for (let n = 1; n <= 3; n++) await bench.send(`urgent ${n}`, { slot: '1', urgency: 'high' });
    expect(bench.woken.slice(60)).toEqual(['push urgent 1', 'push urgent 2', 'push urgent 3']);
    expect(bench.wakes.spentBy(device.key)).toBe(60);
    // Both become ready while the push service answers: the one that is held back holds nothing else back.
    let answer = (_: Woken): void => {};
    bench.answer = () => new Promise((resolve) => (answer = resolve));
    const urgent = [await bench.send('urgent 4', { slot: '1', urgency: 'high' })];
    await bench.send('m62');
    urgent.push(await bench.send('urgent 5', { slot: '2', urgency: 'high' }));
    bench.answer = 'sent';
    answer('sent');
    await settle();
    expect(bench.woken.slice(63)).toEqual(['push urgent 4', 'push urgent 5']);
    const acks = urgent.map(({ version }) => ({ outcome: 'handled', version }) as const);
    await bench.devices.acknowledge(device, acks);
    expect(await bench.gaps(1)).toEqual([60]);
    expect([bench.woken.at(-1), bench.wakes.spentBy(device.key)]).toEqual(['push m62', 61]);
  });

  test('WK5 waking a connected device costs nothing', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.connect(device);
    for (let n = 1; n <= 70; n++) {
      await bench.send(`m${n}`);
      await bench.pass(limits.takenMs);
    }
    expect(bench.woken.length).toBe(70);
    expect(bench.wakes.spentBy(device.key)).toBe(0);
  });
});

describe('what the push service says', () => {
  test('WK6 a transport that is gone is removed, the device stays', async () => {
    const bench = new Bench();
    const { id } = await bench.device();
    bench.answer = 'gone';
    await bench.send('hello');
    expect((await bench.store.findDevice(id))?.transport).toBeNull();
    await bench.pass(10 * 3_600_000);
    expect(bench.woken.length).toBe(1);
  });

  test('WK6 a device that was not heard of for 60 days leaves with its transport', async () => {
    const bench = new Bench();
    const { id } = await bench.device();
    bench.answer = 'gone';
    await bench.pass((limits.silentDeviceDays + 1) * 86_400_000);
    await bench.send('hello');
    expect(await bench.store.findDevice(id)).toBeUndefined();
  });

  test('WK6 a transport that the client replaced meanwhile stays, and is used', async () => {
    const bench = new Bench();
    const device = await bench.device('old');
    bench.answer = async () => {
      bench.answer = 'sent';
      await bench.devices.setTransport(device, 'fresh');
      return 'gone';
    };
    await bench.send('hello');
    await bench.pass(0);
    expect((await bench.store.findDevice(device.id))?.transport).toBe('fresh');
    expect(bench.woken).toEqual(['old hello', 'fresh hello']);
  });

  test('WK7 a push service that named a time is asked after it', async () => {
    const bench = new Bench();
    await bench.device();
    bench.answer = { laterMs: 7 * SECOND, why: 'It is down.' };
    await bench.send('hello');
    expect(await bench.gaps(2)).toEqual([7, 7]);
    bench.answer = 'sent';
    expect(await bench.gaps(2)).toEqual([7, 30]);
  });

  test('WK7 one that named none is asked after 30 s, doubling', async () => {
    const bench = new Bench();
    await bench.device();
    bench.answer = { laterMs: undefined, why: 'It is down.' };
    await bench.send('hello');
    expect(await bench.gaps(3)).toEqual([30, 60, 120]);
  });

  test('WK20 after a rest the newest of each subchannel is pushed, not the last alone', async () => {
    const bench = new Bench();
    const device = await bench.device();
    bench.answer = { laterMs: 10 * SECOND, why: 'It is down.' };
    await bench.send('old');
    await bench.send('new');
    await bench.send('handled', { slot: '1' });
    const { version } = await bench.send('other', { slot: '2' });
    await bench.devices.acknowledge(device, [{ outcome: 'handled', version: (version - 1) as Version }]);
    bench.woken.length = 0;
    bench.answer = 'sent';
    await bench.pass(10 * SECOND);
    expect(bench.woken).toEqual(['push new', 'push other']);
  });

  test('WK20 a message that comes just then brings the others along', async () => {
    const bench = new Bench();
    await bench.device();
    bench.answer = { laterMs: 10 * SECOND, why: 'It is down.' };
    await bench.send('waits');
    bench.woken.length = 0;
    bench.answer = 'sent';
    await bench.send('comes', { slot: '1' });
    expect(bench.woken).toEqual(['push comes', 'push waits']);
    // What was taken is offered again like any other.
    expect(await bench.gaps(1)).toEqual([30]);
    expect(bench.woken.slice(2)).toEqual(['push comes']);
  });

  test('WK20 nothing is pushed after a rest to a device that has connected meanwhile', async () => {
    const bench = new Bench();
    const device = await bench.device();
    bench.answer = { laterMs: 10 * SECOND, why: 'It is down.' };
    await bench.send('hello');
    await bench.connect(device);
    bench.answer = 'sent';
    await bench.pass(10 * SECOND);
    expect(bench.woken).toEqual(['push hello']);
  });

  test('WK22 the last failure of a device is remembered, and the end of its subscription', async () => {
    const bench = new Bench();
    const device = await bench.device();
    expect(bench.wakes.failureOf(device.key)).toBeUndefined();
    bench.answer = { laterMs: SECOND, why: 'It is down.' };
    await bench.send('hello');
    const at = bench.clock.now();
    bench.answer = { laterMs: SECOND, why: undefined };
    await bench.pass(SECOND);
    expect(bench.wakes.failureOf(device.key)).toEqual({ at, why: 'It is down.' });
    bench.answer = 'gone';
    await bench.pass(SECOND);
    expect(bench.wakes.failureOf(device.key)?.why).toContain('has ended');
  });

  test('WK10 a wake-up that fails unforeseen is reported and tried again; others go their way', async () => {
    const bench = new Bench();
    await bench.device('broken');
    bench.answer = async () => {
      bench.answer = 'sent';
      throw new Error('no such push service');
    };
    await bench.send('hello');
    expect(bench.failures).toEqual(['wake Error: no such push service']);
    expect(await bench.gaps(1)).toEqual([30]);
  });

  test('WK10 a store that cannot be read costs delay, and does not reach the sender', async () => {
    const bench = new Bench();
    const { wakeable } = bench.store;
    await bench.device();
    bench.store.wakeable = () => Promise.reject(new Error('disk'));
    await bench.send('hello');
    expect([bench.woken, bench.failures]).toEqual([[], ['wake Error: disk']]);
    bench.store.wakeable = wakeable.bind(bench.store);
    await bench.restart();
    expect(bench.woken).toEqual(['push hello']);
  });
});

describe('channels and bounds', () => {
  test('WK8 a paused channel wakes nobody; resuming it wakes', async () => {
    const bench = new Bench();
    await bench.device();
    await bench.send('before');
    await bench.receiving.pause('ada', APP);
    await bench.send('while paused');
    await bench.pass(10 * 3_600_000);
    expect(bench.woken).toEqual(['push before']);
    await bench.receiving.resume('ada', APP);
    await settle();
    expect(bench.woken).toEqual(['push before', 'push while paused']);
  });

  test('WK8 a channel paused between the message and its turn wakes nobody', async () => {
    const bench = new Bench();
    await bench.device();
    const channel = await bench.store.openChannel('ada', APP);
    const sending = bench.send('hello');
    void bench.store.setChannelState(channel.key, 'paused');
    await sending;
    expect(bench.woken).toEqual([]);
  });

  test('WK9 at most 64 wake-ups are under way, the rest wait for their turn', async () => {
    const bench = new Bench();
    const answers: ((woken: Woken) => void)[] = [];
    bench.answer = () => new Promise((resolve) => answers.push(resolve));
    for (let n = 0; n < 70; n++) {
      await bench.device(`${n}`, `user ${n}`);
      await bench.send('hello', { user: `user ${n}` });
    }
    expect(bench.woken.length).toBe(limits.wakesUnderWay);
    answers[3]?.('sent');
    await settle();
    expect(bench.woken.length).toBe(limits.wakesUnderWay + 1);
    expect(bench.woken.at(-1)).toBe('64 hello');
    for (const answer of answers) answer('sent');
    await settle();
    expect(bench.woken.length).toBe(70);
  });
});

describe('the lowest urgency that a device wants', () => {
  test('DV11 what is less urgent does not wake the device that is away, and wakes the others', async () => {
    const bench = new Bench();
    const phone = await bench.device('phone');
    await bench.device('laptop');
    await bench.devices.setTransport(phone, 'phone', 'high');
    await bench.send('normal');
    await bench.send('low', { slot: '1', urgency: 'low' });
    await bench.send('high', { slot: '2', urgency: 'high' });
    expect(bench.woken).toEqual(['laptop normal', 'laptop low', 'phone high', 'laptop high']);
  });

  test('DV11 the bound named in the last hello holds after the connection has ended', async () => {
    const bench = new Bench();
    const device = await bench.device();
    const outbox = await bench.connect(await bench.devices.setLowestUrgency(device, 'normal'));
    await bench.send('low', { urgency: 'low' });
    await bench.pass(limits.takenMs);
    await bench.leave(outbox);
    await bench.pass(10 * MINUTE);
    await bench.restart();
    await bench.pass(limits.wakeLookPauseMs);
    await bench.pass(limits.wakeLookMs);
    expect(bench.woken).toEqual([]);
    await bench.send('normal', { slot: '1' });
    expect(bench.woken).toEqual(['push normal']);
  });

  test('DV11 a bound that was lowered wakes for what was withheld, at the latest with the hourly look', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.devices.setTransport(device, 'push', 'high');
    await bench.send('low', { urgency: 'low' });
    await bench.restart();
    await bench.devices.setTransport(device, 'push');
    await bench.pass(limits.wakeLookPauseMs);
    await bench.pass(limits.wakeLookMs);
    expect(bench.woken).toEqual(['push low']);
  });

  test('DV13 a message that wakes is told no more once a newer one, which is withheld, took its place', async () => {
    const bench = new Bench();
    const device = await bench.device();
    await bench.devices.setTransport(device, 'push', 'high');
    await bench.send('high', { urgency: 'high' });
    await bench.send('low', { urgency: 'low' });
    await bench.pass(10 * MINUTE);
    expect(bench.woken).toEqual(['push high']);
  });
});
