import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { AppId } from '../../protocol/app-id.ts';
import { isChannelId } from '../../protocol/channel-id.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { limits, retentionMs } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { Clock, Random } from '../core/clock.ts';
import { ManualClock, seededRandom } from '../core/manual-clock.ts';
import type {
  Channel,
  ChannelKey,
  Device,
  DeviceTrace,
  Draft,
  Kept,
  MissedOf,
  Slot,
  Store,
  WakeableOf,
} from '../core/store.ts';
import type { Addressee, Subscription } from '../core/subscription.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens what it kept; absent when it keeps nothing. */
  reopen?(): Promise<Store>;
  close(): Promise<void>;
}

export type OpenStore = (options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly devicesPerChannel?: number;
}) => Promise<OpenedStore>;

const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;
const OTHER_APP = 'ponmlkjihgfedcbaponmlkjihgfedcba' as AppId;
const HOUR = 3_600_000;

/** A store under test, and short words for what the tests do with it. */
export class Bench {
  readonly clock = new ManualClock();
  #opened: OpenedStore | undefined;
  #store: Store | undefined;
  #devices = 0;

  async open(open: OpenStore, bounds: { readonly devicesPerChannel?: number } = {}): Promise<void> {
    this.#opened = await open({ clock: this.clock, random: seededRandom(7), ...bounds });
    this.#store = this.#opened.store;
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error('not open');
    return this.#store;
  }

  /** Opens the store again; false when it keeps nothing. */
  async reopen(): Promise<boolean> {
    if (this.#opened?.reopen === undefined) return false;
    this.#store = await this.#opened.reopen();
    return true;
  }

  channel(user = 'ada', app = APP): Promise<Channel> {
    return this.store.openChannel(user, app);
  }

  async device(channel: Channel, signIn: string | null = null): Promise<Device> {
    this.#devices += 1;
    const id = `device-${this.#devices}`;
    const draft = { id, channel: channel.key, tokenHash: `hash of ${id}`, name: `name of ${id}`, signIn };
    return (await this.store.register(draft)).device;
  }

  /** The subscription of a holder under a name. */
  async subscription(holder = 'mcs:1', name = 'wp:a'): Promise<Subscription> {
    const opened = await this.store.openSubscription(holder, name);
    if (opened === undefined) throw new Error('removed');
    return opened.subscription;
  }

  draft(
    channel: { readonly key: ChannelKey },
    slot: Slot,
    payload: string,
    rest: Partial<Draft> = {},
  ): Draft {
    return {
      channel: channel.key,
      slot,
      payload,
      expiresAt: this.clock.now() + retentionMs,
      project: '111111111111',
      dailyQuota: 0,
      quotaDay: '2026-11-24',
      ...rest,
    };
  }

  keep(
    channel: { readonly key: ChannelKey },
    slot: Slot,
    payload: string,
    rest: Partial<Draft> = {},
  ): Promise<Kept> {
    return this.store.keep(this.draft(channel, slot, payload, rest));
  }

  /** Payloads that wait for a device. */
  async waiting(device: Addressee, which?: MissedOf): Promise<readonly string[]> {
    const missed = await this.store.missed(device.key, limits.queuedPerChannel, which);
    return missed.kept.map((kept) => kept.payload);
  }

  /** How a message stands on a device; undefined when the trace has no such line. */
  async on(device: Addressee, kept: Kept): Promise<DeviceTrace | undefined> {
    const trace = await this.store.traced(kept.version);
    return trace?.devices.find((one) => one.deviceId === device.id);
  }

  async state(device: Addressee, kept: Kept): Promise<string | undefined> {
    return (await this.on(device, kept))?.state;
  }
}

/** The code with which a call is refused. */
export async function refusal(call: Promise<unknown>): Promise<ErrorCode | 'accepted'> {
  try {
    await call;
    return 'accepted';
  } catch (error) {
    return (error as { code: ErrorCode }).code;
  }
}

/**
 * Every promise of core/store.ts, as tests. Each engine calls this with a way to open a fresh, empty store.
 * `reopen` is given by engines that keep things; then the promises across a restart are tested too.
 */
export function storeContract(name: string, open: OpenStore): void {
  describe(`${name} keeps the promises of a store`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = new Bench();
      await bench.open(open);
    });
    afterEach(() => bench.close());
    const at = () => bench;

    test('ST6 a service may let a channel have another number of devices', async () => {
      const small = new Bench();
      await small.open(open, { devicesPerChannel: 2 });
      const channel = await small.channel();
      const first = await small.device(channel);
      await small.device(channel);
      await small.device(channel);
      expect(await small.store.devicesOf(channel.key)).toHaveLength(2);
      expect(await small.store.findDevice(first.id)).toBeUndefined();
      await small.close();
    });

    describe('channels', () => channelTests(at));
    describe('devices', () => deviceTests(at));
    describe('keep', () => keepTests(at));
    describe('what waits', () => waitingTests(at));
    describe('bounds', () => boundTests(at));
    describe('the queue', () => queueTests(at));
    describe('endings', () => endingTests(at));
    describe('leaving', () => leavingTests(at));
    describe('trace', () => traceTests(at));
    describe('what is told', () => toldTests(at));
    describe('pruning', () => pruningTests(at));
    describe('subscriptions', () => subscriptionTests(at));
    describe('restart', () => restartTests(at));
  });
}

function channelTests(at: () => Bench): void {
  test('CH1 the channel of a user and an app is made once and found by its id', async () => {
    const { store, clock } = at();
    const channel = await store.openChannel('ada', APP);
    expect(isChannelId(channel.id)).toBe(true);
    expect(channel).toMatchObject({ app: APP, user: 'ada', state: 'live', createdAt: clock.now() });
    expect(await store.openChannel('ada', APP)).toEqual(channel);
    expect(await store.findChannel(channel.id)).toEqual(channel);
  });

  test('CH1 another user or another app has another channel', async () => {
    const { store } = at();
    const channels = await Promise.all([
      store.openChannel('ada', APP),
      store.openChannel('bob', APP),
      store.openChannel('ada', OTHER_APP),
    ]);
    expect(new Set(channels.map((channel) => channel.id)).size).toBe(3);
    expect(new Set(channels.map((channel) => channel.key)).size).toBe(3);
    expect((await store.channelsOf('ada')).map((channel) => channel.app)).toEqual([APP, OTHER_APP]);
  });

  test('CH1 two first uses at the same time make one channel', async () => {
    const { store } = at();
    const [one, two] = await Promise.all([store.openChannel('ada', APP), store.openChannel('ada', APP)]);
    expect(one).toEqual(two);
  });

  test('CH1 an id that no channel has is not found', async () => {
    const bench = at();
    const channel = await bench.channel();
    const other = channel.id.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    expect(await bench.store.findChannel(other as typeof channel.id)).toBeUndefined();
  });

  test('CH1 a removed channel becomes live again with the same id', async () => {
    const bench = at();
    const channel = await bench.channel();
    await bench.store.setChannelState(channel.key, 'removed');
    expect((await bench.store.findChannel(channel.id))?.state).toBe('removed');
    expect(await bench.channel()).toEqual(channel);
    expect((await bench.store.findChannel(channel.id))?.state).toBe('live');
  });

  test('CH1 the id of a removed user is never given again and tells no user', async () => {
    const bench = at();
    const channel = await bench.channel();
    await bench.store.removeUser('ada');
    expect(await bench.store.findChannel(channel.id)).toMatchObject({ state: 'removed', user: '' });
    expect(await bench.store.channelsOf('ada')).toEqual([]);
    expect(await bench.store.channelsOf('')).toEqual([]);
    const again = await bench.channel();
    expect(again.id).not.toBe(channel.id);
    expect(again.key).not.toBe(channel.key);
    expect(await refusal(bench.store.setChannelState(channel.key, 'live'))).toBe('channel-invalid');
  });

  test('PA1 opening a paused channel leaves it paused', async () => {
    const bench = at();
    const channel = await bench.channel();
    expect(await bench.store.setChannelState(channel.key, 'paused')).toEqual([]);
    expect((await bench.channel()).state).toBe('paused');
  });

  test('CH1 the state of a channel that does not exist cannot be set', async () => {
    const bench = at();
    const channel = await bench.channel();
    const unknown = (channel.key + 1_000) as typeof channel.key;
    expect(await refusal(bench.store.setChannelState(unknown, 'paused'))).toBe('channel-invalid');
  });
}

function deviceTests(at: () => Bench): void {
  test('FO2 a registered device is found by its public name, with its channel', async () => {
    const bench = at();
    const channel = await bench.channel();
    const { device, evicted } = await bench.store.register({
      id: 'abc',
      channel: channel.key,
      tokenHash: 'ffff',
      name: 'laptop',
      signIn: null,
    });
    expect(evicted).toBeNull();
    const now = bench.clock.now();
    const told = { id: 'abc', channel, tokenHash: 'ffff', name: 'laptop', transport: null };
    const bound = { lowestUrgency: 'very-low' as const };
    expect(device).toEqual({ ...told, ...bound, key: device.key, registeredAt: now, seenAt: now });
    expect(await bench.store.findDevice('abc')).toEqual(device);
    expect(await bench.store.findDevice('abd')).toBeUndefined();
    expect(await bench.store.devicesOf(channel.key)).toEqual([device]);
  });

  test('FO2 a device cannot register on a channel that is unknown or removed', async () => {
    const bench = at();
    const channel = await bench.channel();
    const draft = { id: 'x', channel: channel.key, tokenHash: '', name: '', signIn: null };
    const unknown = (channel.key + 1_000) as typeof channel.key;
    expect(await refusal(bench.store.register({ ...draft, channel: unknown }))).toBe('channel-invalid');
    await bench.store.setChannelState(channel.key, 'removed');
    expect(await refusal(bench.store.register(draft))).toBe('channel-invalid');
    expect(await bench.store.findDevice('x')).toBeUndefined();
  });

  test('FO2 a public name is given once, also when its device has left', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const draft = { id: device.id, channel: channel.key, tokenHash: '', name: '', signIn: null };
    expect(await refusal(bench.store.register(draft))).toBe('input-invalid');
    await bench.store.removeDevice(device.key);
    expect(await refusal(bench.store.register(draft))).toBe('input-invalid');
  });

  test('FO2 token, transport and name of a device can be changed, each by itself', async () => {
    const bench = at();
    const device = await bench.device(await bench.channel());
    await bench.store.updateDevice(device.key, { tokenHash: 'other' });
    await bench.store.updateDevice(device.key, { transport: '{"kind":"gcm"}' });
    await bench.store.updateDevice(device.key, { name: 'tablet' });
    const changed = { tokenHash: 'other', transport: '{"kind":"gcm"}', name: 'tablet' };
    expect(await bench.store.findDevice(device.id)).toEqual({ ...device, ...changed });
    await bench.store.updateDevice(device.key, { transport: null });
    expect((await bench.store.findDevice(device.id))?.transport).toBeNull();
  });

  test('ST12 a device that left cannot be changed, and hearing of it changes nothing', async () => {
    const bench = at();
    const device = await bench.device(await bench.channel());
    await bench.store.removeDevice(device.key);
    expect(await refusal(bench.store.updateDevice(device.key, { name: 'x' }))).toBe('device-unknown');
    await bench.store.seen(device.key);
    expect(await bench.store.findDevice(device.id)).toBeUndefined();
  });

  test('WK11 devices with a transport are told for a channel, and in pages for all', async () => {
    const bench = at();
    const [ofAda, ofBob] = [await bench.channel(), await bench.channel('bob')];
    const devices = [];
    for (const channel of [ofBob, ofAda, ofBob, ofAda]) devices.push(await bench.device(channel));
    const [bob, ada, bobToo, adaToo] = devices as [Device, Device, Device, Device];
    expect(await bench.store.wakeable({ channel: ofBob.key })).toEqual([]);
    for (const { key } of [bob, ada, bobToo, adaToo])
      await bench.store.updateDevice(key, { transport: '{}' });
    const names = async (of: WakeableOf) => (await bench.store.wakeable(of)).map(({ id }) => id);
    expect(await names({ channel: ofBob.key })).toEqual([bob.id, bobToo.id]);
    expect(await bench.store.wakeable({ channel: ofAda.key })).toContainEqual({ ...ada, transport: '{}' });
    expect(await names({ after: null, limit: 3 })).toEqual([ada.id, adaToo.id, bob.id]);
    expect(await names({ after: bob, limit: 3 })).toEqual([bobToo.id]);
    expect(await names({ after: bobToo, limit: 3 })).toEqual([]);
    await bench.store.updateDevice(ada.key, { transport: null });
    await bench.store.removeDevice(bob.key);
    expect(await names({ after: null, limit: 9 })).toEqual([adaToo.id, bobToo.id]);
    expect(await names({ channel: ofAda.key })).toEqual([adaToo.id]);
    await bench.store.updateDevice(adaToo.key, { transport: null });
    expect(await names({ channel: ofAda.key })).toEqual([]);
    await bench.store.updateDevice(adaToo.key, { transport: '{}' });
    expect(await names({ channel: ofAda.key })).toEqual([adaToo.id]);
  });

  test('PA1 a device sees the state of its channel as it is', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    expect((await bench.store.findDevice(device.id))?.channel.state).toBe('live');
    await bench.store.setChannelState(channel.key, 'paused');
    expect((await bench.store.findDevice(device.id))?.channel.state).toBe('paused');
  });

  test('ST6 the device not heard of for longest leaves when one too many registers', async () => {
    const bench = at();
    const channel = await bench.channel();
    const devices: Device[] = [];
    for (let i = 0; i < limits.devicesPerChannel; i++) {
      devices.push(await bench.device(channel));
      bench.clock.advance(1_000);
    }
    const [first, second] = devices;
    if (first === undefined || second === undefined) throw new Error('no devices');
    await bench.store.seen(first.key);
    const kept = await bench.keep(channel, '0', 'waits');
    const draft = { id: 'one-too-many', channel: channel.key, tokenHash: '', name: '', signIn: null };
    const { evicted } = await bench.store.register(draft);
    expect(evicted).toBe(second.key);
    expect(await bench.store.findDevice(second.id)).toBeUndefined();
    expect(await bench.state(second, kept)).toBe('withdrawn');
    expect(await bench.store.devicesOf(channel.key)).toHaveLength(limits.devicesPerChannel);
  });

  test('ST6 of devices silent for equally long the one registered first leaves', async () => {
    const bench = at();
    const channel = await bench.channel();
    const first = await bench.device(channel);
    for (let i = 1; i < limits.devicesPerChannel; i++) await bench.device(channel);
    const draft = { id: 'one-too-many', channel: channel.key, tokenHash: '', name: '', signIn: null };
    expect((await bench.store.register(draft)).evicted).toBe(first.key);
  });
}

function keepTests(at: () => Bench): void {
  test('AC1 keep answers the message as it was committed', async () => {
    const bench = at();
    const channel = await bench.channel();
    const draft = bench.draft(channel, '2', 'hällo 🎈');
    const kept = await bench.store.keep(draft);
    expect(kept).toEqual({
      version: (bench.clock.now() * 1_000) as Version,
      channel: channel.key,
      slot: '2',
      payload: 'hällo 🎈',
      acceptedAt: bench.clock.now(),
      expiresAt: draft.expiresAt,
    });
  });

  test('OR2 versions rise by one within a microsecond and follow the clock', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one, two] = await Promise.all([
      bench.keep(channel, '0', 'a'),
      bench.keep(await bench.channel('bob'), null, 'b'),
    ]);
    expect(two.version).toBe((one.version + 1) as Version);
    bench.clock.advance(5);
    expect((await bench.keep(channel, '0', 'c')).version).toBe((bench.clock.now() * 1_000) as Version);
  });

  test('OR2 versions rise through a clock step back', async () => {
    const bench = at();
    const channel = await bench.channel();
    const before = await bench.keep(channel, '0', 'a');
    bench.clock.advance(-24 * HOUR);
    const after = await bench.keep(channel, '0', 'b');
    expect(after.version).toBe((before.version + 1) as Version);
    expect(after.acceptedAt).toBe(bench.clock.now());
  });

  test('AC3 a paused channel keeps, one without devices keeps, an unknown or removed one refuses', async () => {
    const bench = at();
    const channel = await bench.channel();
    const unknown = { ...channel, key: (channel.key + 1_000) as typeof channel.key };
    expect(await refusal(bench.keep(unknown, '0', 'a'))).toBe('channel-invalid');
    expect(await refusal(bench.keep(channel, '0', 'a'))).toBe('accepted');
    await bench.store.setChannelState(channel.key, 'paused');
    expect(await refusal(bench.keep(channel, '0', 'a'))).toBe('accepted');
    await bench.store.setChannelState(channel.key, 'removed');
    expect(await refusal(bench.keep(channel, '0', 'a'))).toBe('channel-invalid');
  });

  test('QU1 accepted messages count for their project and day; the one above the quota is refused', async () => {
    const bench = at();
    const channel = await bench.channel();
    const quota = { dailyQuota: 2 };
    await bench.keep(channel, '0', 'a', quota);
    await bench.keep(channel, '0', 'b', quota);
    expect(await refusal(bench.keep(channel, '0', 'c', quota))).toBe('quota-exceeded');
    expect(await bench.store.acceptedOn('111111111111', '2026-11-24')).toBe(2);
    expect(await refusal(bench.keep(channel, '0', 'd', { ...quota, project: '222222222222' }))).toBe(
      'accepted',
    );
    expect(await refusal(bench.keep(channel, '0', 'e', { ...quota, quotaDay: '2026-11-25' }))).toBe(
      'accepted',
    );
    expect(await bench.store.acceptedOn('111111111111', '2026-11-25')).toBe(1);
    expect(await bench.store.acceptedOn('333333333333', '2026-11-24')).toBe(0);
  });

  test('QU1 a quota of 0 is none, and its messages count all the same', async () => {
    const bench = at();
    const channel = await bench.channel();
    for (const payload of ['a', 'b', 'c']) await bench.keep(channel, '0', payload);
    expect(await bench.store.acceptedOn('111111111111', '2026-11-24')).toBe(3);
    expect(await refusal(bench.keep(channel, '0', 'd', { dailyQuota: 3 }))).toBe('quota-exceeded');
  });

  test('QU1 at the same time no more than the quota are accepted; the refused ones use up no version', async () => {
    const bench = at();
    const channel = await bench.channel();
    const calls = Array.from({ length: 10 }, (_, i) =>
      bench.keep(channel, '0', String(i), { dailyQuota: 4 }),
    );
    const answers = await Promise.all(calls.map(refusal));
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(4);
    const next = await bench.keep(channel, '0', 'next');
    expect(next.version).toBe((bench.clock.now() * 1_000 + 4) as Version);
  });

  test('ST2 writes of one moment are done in the order in which they were asked for', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = await Promise.all(
      Array.from({ length: 200 }, (_, i) => bench.keep(channel, null, String(i))),
    );
    const versions = kept.map((one) => one.version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(await bench.waiting(device)).toEqual(kept.map((one) => one.payload));
  });

  test('ST2 a refused write does not touch the others of its moment', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const unknown = { ...channel, key: (channel.key + 1_000) as typeof channel.key };
    const answers = await Promise.all([
      refusal(bench.keep(channel, '0', 'a')),
      refusal(bench.keep(unknown, '0', 'b')),
      refusal(bench.keep(channel, '1', 'c', { dailyQuota: 1 })),
      refusal(bench.keep(channel, '2', 'd')),
    ]);
    expect(answers).toEqual(['accepted', 'channel-invalid', 'quota-exceeded', 'accepted']);
    expect(await bench.waiting(device)).toEqual(['a', 'd']);
  });
}

function waitingTests(at: () => Bench): void {
  test('FO2 a device gets what was kept after it registered and nothing from before', async () => {
    const bench = at();
    const channel = await bench.channel();
    await bench.keep(channel, '0', 'before');
    const device = await bench.device(channel);
    expect(await bench.waiting(device)).toEqual([]);
    await bench.keep(channel, '0', 'after');
    expect(await bench.waiting(device)).toEqual(['after']);
  });

  test('FO2 the order of commits decides, also in one and the same moment', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [, device] = await Promise.all([
      bench.keep(channel, '0', 'before'),
      bench.device(channel),
      bench.keep(channel, '1', 'after'),
    ]);
    expect(await bench.waiting(device)).toEqual(['after']);
  });

  test('SC2 the newest message of each slot waits, by version, in every slot and topic', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    for (const [slot, payload] of [
      ['3', 'three'],
      ['0', 'old'],
      ['topic', 'topical'],
      ['0', 'newest'],
      ['1', 'one'],
    ] as const) {
      await bench.keep(channel, slot, payload);
    }
    expect(await bench.waiting(device)).toEqual(['three', 'topical', 'newest', 'one']);
  });

  test('SC2 what was replaced while the device was away is recorded as superseded', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const older = await bench.keep(channel, '0', 'a');
    const newer = await bench.keep(channel, '0', 'b');
    expect(await bench.state(device, older)).toBe('waiting');
    bench.clock.advance(1_000);
    await bench.waiting(device);
    expect(await bench.on(device, older)).toMatchObject({ state: 'superseded', at: bench.clock.now() });
    expect(await bench.on(device, newer)).toMatchObject({ state: 'waiting', at: null });
  });

  test('FO1 every device has its own way through the messages', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one, two] = [await bench.device(channel), await bench.device(channel)];
    const kept = await bench.keep(channel, '0', 'a');
    await bench.store.confirm(one.key, kept.version);
    expect(await bench.waiting(one)).toEqual([]);
    expect(await bench.waiting(two)).toEqual(['a']);
  });

  test('ST13 what waits is offered again and again until it ends', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = await bench.keep(channel, '0', 'a');
    expect((await bench.store.missed(device.key, 10)).kept).toEqual([kept]);
    await bench.store.taken(device.key, kept.version);
    await bench.store.runFailed(device.key, kept.version);
    expect((await bench.store.missed(device.key, 10)).kept).toEqual([kept]);
    await bench.store.confirm(device.key, kept.version);
    expect(await bench.store.missed(device.key, 10)).toEqual({ kept: [], more: false });
  });

  test('ST13 an expired message is not offered, and what it had replaced does not come back', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const older = await bench.keep(channel, '0', 'long');
    await bench.keep(channel, '0', 'short', { expiresAt: bench.clock.now() + 1_000 });
    await bench.keep(channel, null, 'queued', { expiresAt: bench.clock.now() + 1_000 });
    bench.clock.advance(999);
    expect(await bench.waiting(device)).toEqual(['short', 'queued']);
    bench.clock.advance(1);
    expect(await bench.waiting(device)).toEqual([]);
    expect(await bench.state(device, older)).toBe('superseded');
  });

  test('ST13 the newest one that ended hides nothing older: that is superseded', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = [];
    for (const payload of ['a', 'b', 'c']) kept.push(await bench.keep(channel, '0', payload));
    const [a, b, c] = kept as [Kept, Kept, Kept];
    await bench.store.supersede(device.key, c.version);
    expect(await bench.waiting(device)).toEqual([]);
    expect([await bench.state(device, a), await bench.state(device, b)]).toEqual([
      'superseded',
      'superseded',
    ]);
  });

  test('PA1 a paused channel has nothing to offer and keeps it for later', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const older = await bench.keep(channel, '0', 'a');
    await bench.store.setChannelState(channel.key, 'paused');
    await bench.keep(channel, '0', 'b');
    await bench.keep(channel, null, 'c');
    expect(await bench.store.missed(device.key, 10)).toEqual({ kept: [], more: false });
    expect(await bench.state(device, older)).toBe('waiting');
    await bench.store.setChannelState(channel.key, 'live');
    expect(await bench.waiting(device)).toEqual(['b', 'c']);
  });

  test('ST13 a device that does not exist has nothing to wait for', async () => {
    const bench = at();
    const device = await bench.device(await bench.channel());
    const unknown = (device.key + 1_000) as typeof device.key;
    expect(await bench.store.missed(unknown, 10)).toEqual({ kept: [], more: false });
  });
}

function boundTests(at: () => Bench): void {
  test('DV11 what is below a bound is left out, in each slot, and waits on', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const low = await bench.keep(channel, '0', 'low', { urgency: 'low' });
    await bench.keep(channel, '1', 'normal');
    await bench.keep(channel, '2', 'high', { urgency: 'high' });
    await bench.keep(channel, '3', 'very-low', { urgency: 'very-low' });
    expect(await bench.waiting(device, { lowest: 'high' })).toEqual(['high']);
    expect(await bench.waiting(device, { lowest: 'normal' })).toEqual(['normal', 'high']);
    expect(await bench.waiting(device, { lowest: 'low' })).toEqual(['low', 'normal', 'high']);
    expect(await bench.waiting(device)).toEqual(['low', 'normal', 'high', 'very-low']);
    expect(await bench.state(device, low)).toBe('waiting');
  });

  test('DV13 a newer message supersedes as always, also one that is withheld, and nothing takes its place', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const urgent = await bench.keep(channel, '0', 'urgent', { urgency: 'high' });
    const newest = await bench.keep(channel, '0', 'newest', { urgency: 'low' });
    expect(await bench.waiting(device, { lowest: 'high' })).toEqual([]);
    expect(await bench.state(device, urgent)).toBe('superseded');
    expect(await bench.state(device, newest)).toBe('waiting');
    expect(await bench.waiting(device)).toEqual(['newest']);
  });

  test('DV13 what is withheld expires at its time, and one that was superseded does not come back', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const brief = { urgency: 'low', expiresAt: bench.clock.now() + 1_000 } as const;
    const kept = await bench.keep(channel, '0', 'brief', brief);
    expect(await bench.waiting(device, { lowest: 'normal' })).toEqual([]);
    bench.clock.advance(1_000);
    expect(await bench.waiting(device)).toEqual([]);
    expect(await bench.state(device, kept)).toBe('expired');
  });

  test('DV11 a device keeps the bound that it named, until it names another', async () => {
    const bench = at();
    const device = await bench.device(await bench.channel());
    const bound = async () => (await bench.store.findDevice(device.id))?.lowestUrgency;
    await bench.store.updateDevice(device.key, { lowestUrgency: 'high' });
    await bench.store.updateDevice(device.key, { transport: 'x' });
    expect(await bound()).toBe('high');
    expect((await bench.store.wakeable({ channel: device.channel.key }))[0]?.lowestUrgency).toBe('high');
    await bench.reopen();
    expect(await bound()).toBe('high');
    await bench.store.updateDevice(device.key, { lowestUrgency: 'very-low' });
    expect(await bound()).toBe('very-low');
  });
}

function queueTests(at: () => Bench): void {
  test('QE1 messages without a slot wait in order behind those of slots, each until it ends by itself', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const queued = [];
    for (const payload of ['a', 'b', 'c']) queued.push(await bench.keep(channel, null, payload));
    await bench.keep(channel, '0', 'slot');
    expect(await bench.waiting(device)).toEqual(['slot', 'a', 'b', 'c']);
    const [, b] = queued as [Kept, Kept, Kept];
    await bench.store.confirm(device.key, b.version);
    await bench.store.taken(device.key, b.version);
    expect(await bench.waiting(device)).toEqual(['slot', 'a', 'c']);
  });

  test('DV11 what is below a bound is left out of the queue and its pages, and stays', async () => {
    const bench = at();
    const device = await bench.subscription();
    const { channel } = device;
    const [a] = [
      await bench.keep(channel, null, 'a', { urgency: 'high' }),
      await bench.keep(channel, null, 'b', { urgency: 'low' }),
      await bench.keep(channel, null, 'c'),
      await bench.keep(channel, null, 'd', { urgency: 'very-low' }),
      await bench.keep(channel, null, 'e', { urgency: 'high' }),
    ];
    const page = async (limit: number, which: MissedOf) => {
      const { kept, more } = await bench.store.missed(device.key, limit, which);
      return [...kept.map((one) => one.payload), more];
    };
    expect(await page(2, { lowest: 'normal' })).toEqual(['a', 'c', true]);
    expect(await page(2, { lowest: 'high' })).toEqual(['a', 'e', false]);
    expect(await page(1, { lowest: 'low', after: a.version })).toEqual(['b', true]);
    expect(await page(1, { lowest: 'high', after: a.version })).toEqual(['e', false]);
    expect(await page(9, {})).toEqual(['a', 'b', 'c', 'd', 'e', false]);
  });

  test('QE1 a queue is read in pages, the later ones without the slots', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    await bench.keep(channel, '0', 'slot');
    const queued = [];
    for (const payload of ['a', 'b', 'c', 'd']) queued.push(await bench.keep(channel, null, payload));
    const first = await bench.store.missed(device.key, 2);
    expect(first.kept.map((kept) => kept.payload)).toEqual(['slot', 'a', 'b']);
    expect(first.more).toBe(true);
    const second = await bench.store.missed(device.key, 2, { after: queued[1]?.version });
    expect(second.kept.map((kept) => kept.payload)).toEqual(['c', 'd']);
    expect(second.more).toBe(false);
    expect(await bench.store.missed(device.key, 2, { after: queued[3]?.version })).toEqual({
      kept: [],
      more: false,
    });
  });

  test('ST5 a queue takes 1,000 messages, refuses one more, and has room again when one ends', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const drafts = Array.from({ length: limits.queuedPerChannel }, (_, i) =>
      bench.keep(channel, null, `${i}`),
    );
    const [first] = await Promise.all(drafts);
    expect(await refusal(bench.keep(channel, null, 'too many'))).toBe('queue-full');
    expect(await refusal(bench.keep(channel, '0', 'a slot is no queue'))).toBe('accepted');
    expect(await bench.store.acceptedOn('111111111111', '2026-11-24')).toBe(limits.queuedPerChannel + 1);
    await bench.store.confirm(device.key, first?.version ?? (0 as Version));
    expect(await refusal(bench.keep(channel, null, 'fits'))).toBe('accepted');
    expect(await refusal(bench.keep(channel, null, 'too many'))).toBe('queue-full');
    expect(await refusal(bench.keep(await bench.channel('bob'), null, 'of another'))).toBe('accepted');
  });

  test('ST5 expired messages and those that wait for nobody take no room', async () => {
    const bench = at();
    const channel = await bench.channel();
    const fill = (expiresAt: number) =>
      Promise.all(
        Array.from({ length: limits.queuedPerChannel }, () => bench.keep(channel, null, 'x', { expiresAt })),
      );
    await fill(bench.clock.now() + HOUR);
    const device = await bench.device(channel);
    await fill(bench.clock.now() + HOUR);
    expect(await refusal(bench.keep(channel, null, 'too many'))).toBe('queue-full');
    bench.clock.advance(HOUR);
    await fill(bench.clock.now() + HOUR);
    expect(await refusal(bench.keep(channel, null, 'too many'))).toBe('queue-full');
    await bench.store.removeDevice(device.key);
    expect(await refusal(bench.keep(channel, null, 'fits'))).toBe('accepted');
  });

  test('ST5 a message takes room until the last of several devices has ended it', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one, two] = [await bench.device(channel), await bench.device(channel)];
    const drafts = Array.from({ length: limits.queuedPerChannel }, (_, i) =>
      bench.keep(channel, null, `${i}`),
    );
    const first = (await Promise.all(drafts))[0]?.version ?? (0 as Version);
    await bench.store.confirm(one.key, first);
    expect(await refusal(bench.keep(channel, null, 'too many'))).toBe('queue-full');
    await bench.store.confirm(two.key, first);
    expect(await refusal(bench.keep(channel, null, 'fits'))).toBe('accepted');
  });
}

function endingTests(at: () => Bench): void {
  /** Three messages in one slot for one device. */
  async function three(
    bench: Bench,
  ): Promise<{ channel: Channel; device: Device; kept: [Kept, Kept, Kept] }> {
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = [];
    for (const payload of ['a', 'b', 'c']) {
      kept.push(await bench.keep(channel, '0', payload));
      bench.clock.advance(10);
    }
    return { channel, device, kept: kept as [Kept, Kept, Kept] };
  }
  const states = (bench: Bench, device: Device, kept: readonly Kept[]) =>
    Promise.all(kept.map((one) => bench.state(device, one)));

  test('ME2 a confirmed message has ended at the time of the confirm', async () => {
    const bench = at();
    const { device, kept } = await three(bench);
    await bench.store.confirm(device.key, kept[2].version);
    expect(await bench.on(device, kept[2])).toEqual({
      deviceId: device.id,
      deviceName: device.name,
      state: 'confirmed',
      at: bench.clock.now(),
      failedRuns: 0,
    });
  });

  test('OR1 a confirm supersedes what is older in its slot, and nothing else', async () => {
    const bench = at();
    const { channel, device, kept } = await three(bench);
    const other = await bench.keep(channel, '1', 'other slot');
    const newer = await bench.keep(channel, '0', 'newer');
    await bench.store.confirm(device.key, kept[2].version);
    expect(await states(bench, device, [...kept, other, newer])).toEqual([
      'superseded',
      'superseded',
      'confirmed',
      'waiting',
      'waiting',
    ]);
  });

  test('OR1 once a run began what is older in its slot is superseded, itself it waits on', async () => {
    const bench = at();
    const { device, kept } = await three(bench);
    await bench.store.taken(device.key, kept[1].version);
    expect(await states(bench, device, kept)).toEqual(['superseded', 'waiting', 'waiting']);
    await bench.store.runFailed(device.key, kept[2].version);
    expect(await states(bench, device, kept)).toEqual(['superseded', 'superseded', 'waiting']);
  });

  test('SC2 one that gave way in a full window is superseded alone', async () => {
    const bench = at();
    const { device, kept } = await three(bench);
    await bench.store.supersede(device.key, kept[1].version);
    expect(await states(bench, device, kept)).toEqual(['waiting', 'superseded', 'waiting']);
    await bench.store.confirm(device.key, kept[0].version);
    await bench.store.confirm(device.key, kept[2].version);
    expect(await states(bench, device, kept)).toEqual(['confirmed', 'superseded', 'confirmed']);
  });

  test('ST10 a late confirm takes the place of superseded, and is not undone', async () => {
    const bench = at();
    const { device, kept } = await three(bench);
    await bench.waiting(device);
    expect(await bench.state(device, kept[0])).toBe('superseded');
    bench.clock.advance(1_000);
    const confirmedAt = bench.clock.now();
    await bench.store.confirm(device.key, kept[0].version);
    expect(await bench.on(device, kept[0])).toMatchObject({ state: 'confirmed', at: confirmedAt });
    bench.clock.advance(1_000);
    await bench.store.confirm(device.key, kept[2].version);
    await bench.store.confirm(device.key, kept[0].version);
    await bench.store.supersede(device.key, kept[0].version);
    expect(await bench.on(device, kept[0])).toMatchObject({ state: 'confirmed', at: confirmedAt });
    expect(await states(bench, device, kept)).toEqual(['confirmed', 'superseded', 'confirmed']);
  });

  test('ST10 a confirm after the expiry is a confirm', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = await bench.keep(channel, '0', 'a', { expiresAt: bench.clock.now() + 1_000 });
    bench.clock.advance(2_000);
    expect(await bench.on(device, kept)).toMatchObject({ state: 'expired', at: kept.expiresAt });
    expect(await bench.store.runFailed(device.key, kept.version)).toEqual({ failedRuns: 0, ended: true });
    await bench.store.confirm(device.key, kept.version);
    expect(await bench.state(device, kept)).toBe('confirmed');
  });

  test('HA2 a version fails at its eighth failed run, and stays failed', async () => {
    const bench = at();
    const { device, kept } = await three(bench);
    const { version } = kept[2];
    for (let run = 1; run < limits.failedRuns; run++) {
      expect(await bench.store.runFailed(device.key, version)).toEqual({ failedRuns: run, ended: false });
    }
    expect(await bench.on(device, kept[2])).toMatchObject({ state: 'waiting', failedRuns: 7 });
    const last = { failedRuns: limits.failedRuns, ended: true };
    expect(await bench.store.runFailed(device.key, version)).toEqual(last);
    expect(await bench.store.runFailed(device.key, version)).toEqual(last);
    expect(await bench.waiting(device)).toEqual([]);
    await bench.store.confirm(device.key, version);
    expect(await bench.state(device, kept[2])).toBe('failed');
  });

  test('HA2 failed runs count per device, and not after the end', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one, two] = [await bench.device(channel), await bench.device(channel)];
    const kept = await bench.keep(channel, '0', 'a');
    await bench.store.runFailed(one.key, kept.version);
    expect(await bench.store.runFailed(two.key, kept.version)).toEqual({ failedRuns: 1, ended: false });
    await bench.store.confirm(two.key, kept.version);
    expect(await bench.store.runFailed(two.key, kept.version)).toEqual({ failedRuns: 1, ended: true });
  });

  test('HA2 a queued message that failed makes room for the next', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const [a] = [await bench.keep(channel, null, 'a'), await bench.keep(channel, null, 'b')];
    for (let run = 1; run <= limits.failedRuns; run++) await bench.store.runFailed(device.key, a.version);
    expect(await bench.waiting(device)).toEqual(['b']);
  });

  test('ME2 what a message was superseded at after it had expired is its expiry', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const short = await bench.keep(channel, '0', 'a', { expiresAt: bench.clock.now() + 1_000 });
    const gaveWay = await bench.keep(channel, '1', 'b', { expiresAt: bench.clock.now() + 1_000 });
    const newer = await bench.keep(channel, '0', 'c');
    bench.clock.advance(5_000);
    await bench.store.taken(device.key, newer.version);
    await bench.store.supersede(device.key, gaveWay.version);
    expect(await bench.on(device, short)).toMatchObject({ state: 'expired', at: short.expiresAt });
    expect(await bench.on(device, gaveWay)).toMatchObject({ state: 'expired', at: gaveWay.expiresAt });
  });

  test('FO2 what a device says of messages that are not its own changes nothing', async () => {
    const bench = at();
    const { channel, device, kept } = await three(bench);
    const late = await bench.device(channel);
    const stranger = await bench.device(await bench.channel('bob'));
    const nobody = { ...device, key: (device.key + 1_000) as typeof device.key };
    const none = { failedRuns: 0, ended: true };
    for (const { key } of [late, stranger, nobody]) {
      await bench.store.taken(key, kept[2].version);
      await bench.store.supersede(key, kept[0].version);
      await bench.store.confirm(key, kept[2].version);
      expect(await bench.store.runFailed(key, kept[2].version)).toEqual(none);
    }
    expect(await bench.store.runFailed(device.key, (kept[2].version + 1) as Version)).toEqual(none);
    await bench.store.confirm(device.key, (kept[2].version + 1) as Version);
    expect(await states(bench, device, kept)).toEqual(['waiting', 'waiting', 'waiting']);
    expect(await bench.state(late, kept[2])).toBeUndefined();
  });
}

function leavingTests(at: () => Bench): void {
  test('ST12 what waits for a device that leaves ends as withdrawn; what had ended stays', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [device, other] = [await bench.device(channel), await bench.device(channel)];
    const done = await bench.keep(channel, '0', 'done');
    await bench.store.confirm(device.key, done.version);
    const short = await bench.keep(channel, '1', 'short', { expiresAt: bench.clock.now() + 500 });
    const slot = await bench.keep(channel, '2', 'slot');
    const queued = await bench.keep(channel, null, 'queued');
    bench.clock.advance(1_000);
    await bench.store.removeDevice(device.key);
    const states = await Promise.all([done, short, slot, queued].map((kept) => bench.state(device, kept)));
    expect(states).toEqual(['confirmed', 'expired', 'withdrawn', 'withdrawn']);
    expect(await bench.on(device, slot)).toMatchObject({ deviceName: device.name, at: bench.clock.now() });
    expect(await bench.waiting(other)).toEqual(['done', 'slot', 'queued']);
    expect(await bench.waiting(device)).toEqual([]);
  });

  test('ST12 a device that left is not found, hears of nothing kept later, and leaves once', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    await bench.store.removeDevice(device.key);
    await bench.store.removeDevice(device.key);
    const kept = await bench.keep(channel, '0', 'a');
    await bench.store.confirm(device.key, kept.version);
    expect(await bench.store.findDevice(device.id)).toBeUndefined();
    expect(await bench.store.devicesOf(channel.key)).toEqual([]);
    expect((await bench.store.traced(kept.version))?.devices).toEqual([]);
  });

  test('ST12 removing a channel ends its devices; reopened it has none, and nothing from before', async () => {
    const bench = at();
    const channel = await bench.channel();
    const devices = [await bench.device(channel), await bench.device(channel)];
    const kept = await bench.keep(channel, '0', 'a');
    const left = await bench.store.setChannelState(channel.key, 'removed');
    expect(left).toEqual(devices.map(leftBy));
    for (const device of devices) expect(await bench.state(device, kept)).toBe('withdrawn');
    await bench.channel();
    expect(await bench.store.devicesOf(channel.key)).toEqual([]);
    expect(await bench.waiting(await bench.device(channel))).toEqual([]);
  });

  test('ST12 signing out ends the devices of that sign-in and no other', async () => {
    const bench = at();
    const channel = await bench.channel();
    const other = await bench.channel('ada', OTHER_APP);
    const one = await bench.device(channel, 'here');
    const two = await bench.device(other, 'here');
    const there = await bench.device(channel, 'there');
    const program = await bench.device(channel);
    const kept = await bench.keep(channel, '0', 'a');
    expect(await bench.store.removeSignIn('here')).toEqual([one, two].map(leftBy));
    expect(await bench.store.removeSignIn('here')).toEqual([]);
    expect(await bench.state(one, kept)).toBe('withdrawn');
    for (const device of [there, program]) expect(await bench.store.findDevice(device.id)).toEqual(device);
  });

  test('WH14 who left after a moment is known, newest first, also after a restart', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one, two, three] = [
      await bench.device(channel),
      await bench.device(channel),
      await bench.device(channel),
    ];
    await bench.device(channel);
    await bench.store.removeDevice(one.key);
    const moment = bench.clock.now();
    bench.clock.advance(1);
    await bench.store.removeDevice(three.key);
    await bench.store.removeDevice(two.key);
    await bench.reopen();
    const leftAt = moment + 1;
    const later = [three, two].map((device) => ({ ...leftBy(device), leftAt }));
    expect(await bench.store.leftAfter(moment, 9)).toEqual(later);
    expect(await bench.store.leftAfter(moment - 1, 3)).toEqual([
      ...later,
      { ...leftBy(one), leftAt: moment },
    ]);
    expect(await bench.store.leftAfter(0, 1)).toEqual(later.slice(0, 1));
  });

  test('ST12 removing a user ends all channels and blanks the names of devices', async () => {
    const bench = at();
    const channel = await bench.channel();
    const one = await bench.device(channel);
    const two = await bench.device(await bench.channel('ada', OTHER_APP));
    const stranger = await bench.device(await bench.channel('bob'));
    const kept = await bench.keep(channel, '0', 'a');
    expect(await bench.store.removeUser('ada')).toEqual([one, two].map(leftBy));
    expect(await bench.on(one, kept)).toMatchObject({ state: 'withdrawn', deviceName: '' });
    expect(await refusal(bench.keep(channel, '0', 'b'))).toBe('channel-invalid');
    expect(await bench.store.findDevice(stranger.id)).toEqual(stranger);
    expect(await bench.store.removeUser('ada')).toEqual([]);
  });

  test('ST12 removing an app ends its channels for every user, however many', async () => {
    const bench = at();
    const devices: Device[] = [];
    for (let i = 0; i < 250; i++) devices.push(await bench.device(await bench.channel(`user ${i}`)));
    const other = await bench.device(await bench.channel('user 0', OTHER_APP));
    expect(await bench.store.removeApp(APP)).toEqual(devices.map(leftBy));
    expect((await bench.store.channelsOf('user 0')).map((channel) => channel.state)).toEqual([
      'removed',
      'live',
    ]);
    expect(await bench.store.findDevice(other.id)).toEqual(other);
  });
}

function traceTests(at: () => Bench): void {
  test('ST11 the trace of a project or a channel lists the newest first, at most as many as asked', async () => {
    const bench = at();
    const [ada, bob] = [await bench.channel(), await bench.channel('bob')];
    const device = await bench.device(ada);
    const a = await bench.keep(ada, '0', 'a');
    const b = await bench.keep(bob, null, 'b');
    const c = await bench.keep(ada, '1', 'c', { project: '222222222222' });
    const d = await bench.keep(ada, '0', 'd');
    const payloads = async (of: Parameters<Store['trace']>[0], limit = 10) =>
      (await bench.store.trace(of, limit)).map((message) => message.payload);
    expect(await payloads({ project: '111111111111' })).toEqual(['d', 'b', 'a']);
    expect(await payloads({ project: '111111111111' }, 2)).toEqual(['d', 'b']);
    expect(await payloads({ project: '333333333333' })).toEqual([]);
    expect(await payloads({ channel: ada.key })).toEqual(['d', 'c', 'a']);
    expect(await payloads({ channel: ada.key }, 1)).toEqual(['d']);
    expect(await bench.store.traced(c.version)).toEqual({
      version: c.version,
      channelId: ada.id,
      slot: '1',
      project: '222222222222',
      payload: 'c',
      acceptedAt: c.acceptedAt,
      expiresAt: c.expiresAt,
      devices: [{ deviceId: device.id, deviceName: device.name, state: 'waiting', at: null, failedRuns: 0 }],
    });
    expect((await bench.store.traced(b.version))?.devices).toEqual([]);
    expect(await bench.store.traced((d.version + 1) as Version)).toBeUndefined();
    expect(a.version).toBeLessThan(b.version);
  });

  test('ST11 devices are listed in the order of their registration, without those that came later', async () => {
    const bench = at();
    const channel = await bench.channel();
    const before = [await bench.device(channel), await bench.device(channel)];
    const kept = await bench.keep(channel, '0', 'a');
    await bench.device(channel);
    const listed = (await bench.store.traced(kept.version))?.devices.map((one) => one.deviceId);
    expect(listed).toEqual(before.map((device) => device.id));
  });
}

function toldTests(at: () => Bench): void {
  const told = (bench: Bench): string[] => {
    const seen: string[] = [];
    bench.store.onEnded((ended) => {
      for (const { version, project, app, ending, acceptedAt } of ended)
        seen.push(`${version} ${project} ${app} ${ending} ${acceptedAt}`);
    });
    return seen;
  };
  const line = ({ version, acceptedAt }: Kept, ending: string): string =>
    `${version} 111111111111 ${APP} ${ending} ${acceptedAt}`;

  test('ST15 each ending is told once, with the project and the app, a late confirm too', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const seen = told(bench);
    const [a, b] = [await bench.keep(channel, '0', 'a'), await bench.keep(channel, '0', 'b')];
    await bench.store.confirm(device.key, b.version);
    await bench.store.confirm(device.key, b.version);
    expect(seen.splice(0).sort()).toEqual([line(a, 'superseded'), line(b, 'confirmed')]);
    await bench.store.confirm(device.key, a.version);
    expect(seen.splice(0)).toEqual([line(a, 'confirmed')]);
    const c = await bench.keep(channel, '1', 'c');
    for (let run = 0; run < limits.failedRuns; run += 1) await bench.store.runFailed(device.key, c.version);
    const d = await bench.keep(channel, null, 'd');
    await bench.store.removeDevice(device.key);
    expect(seen.splice(0)).toEqual([line(c, 'failed'), line(d, 'withdrawn')]);
  });

  test('ST15 what ends unseen is told when pruning comes to it, once for each device', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one] = [await bench.device(channel), await bench.device(channel)];
    const seen = told(bench);
    const [a, b] = [await bench.keep(channel, '0', 'a'), await bench.keep(channel, '0', 'b')];
    await bench.store.confirm(one.key, b.version);
    expect(seen.splice(0).sort()).toEqual([line(a, 'superseded'), line(b, 'confirmed')]);
    bench.clock.advance(limits.traceHours * HOUR);
    await bench.store.prune();
    expect(seen.splice(0)).toEqual([line(a, 'superseded')]);
    bench.clock.advance(b.expiresAt - bench.clock.now());
    await bench.store.prune();
    await bench.store.prune();
    expect(seen).toEqual([line(b, 'expired')]);
  });
}

function pruningTests(at: () => Bench): void {
  const DAY = limits.traceHours * HOUR;

  test('ST4 a message that has ended everywhere goes when it leaves the trace after a day, not before', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = await bench.keep(channel, '0', 'a');
    await bench.store.confirm(device.key, kept.version);
    bench.clock.advance(DAY - 1);
    expect(await bench.store.prune()).toBe(0);
    expect(await bench.state(device, kept)).toBe('confirmed');
    bench.clock.advance(1);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.store.traced(kept.version)).toBeUndefined();
    expect(await bench.store.prune()).toBe(0);
  });

  test('ST4 what still waits stays for as long as it may, then goes', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [one, two] = [await bench.device(channel), await bench.device(channel)];
    const slot = await bench.keep(channel, '0', 'a');
    const queued = await bench.keep(channel, null, 'b');
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(0);
    await bench.store.confirm(one.key, slot.version);
    await bench.store.confirm(one.key, queued.version);
    expect(await bench.store.prune()).toBe(0);
    bench.clock.advance(slot.expiresAt - bench.clock.now() - 1);
    expect(await bench.store.prune()).toBe(0);
    expect(await bench.waiting(two)).toEqual(['a', 'b']);
    bench.clock.advance(1);
    expect(await bench.store.prune()).toBe(2);
    expect(await bench.waiting(two)).toEqual([]);
  });

  test('ST4 one that waited for long goes once the last device has ended it', async () => {
    const bench = at();
    const channel = await bench.channel();
    const devices = [await bench.device(channel), await bench.device(channel), await bench.device(channel)];
    const [one, two, three] = devices as [Device, Device, Device];
    const slot = await bench.keep(channel, '0', 'a');
    const queued = await bench.keep(channel, null, 'b');
    bench.clock.advance(2 * DAY);
    await bench.store.prune();
    for (const { version } of [slot, queued]) {
      await bench.store.confirm(one.key, version);
      expect(await bench.store.prune()).toBe(0);
      await bench.store.confirm(two.key, version);
    }
    await bench.store.removeDevice(three.key);
    expect(await bench.store.prune()).toBe(2);
  });

  test('ST4 however the last device ends one that waited for long, it goes', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const confirmed = await bench.keep(channel, '0', 'a');
    const failed = await bench.keep(channel, null, 'b');
    const gaveWay = await bench.keep(channel, '1', 'c');
    const replaced = await bench.keep(channel, '2', 'd');
    bench.clock.advance(2 * DAY);
    const newer = await bench.keep(channel, '2', 'e');
    expect(await bench.store.prune()).toBe(0);
    await bench.store.confirm(device.key, confirmed.version);
    expect(await bench.store.prune()).toBe(1);
    for (let run = 1; run <= limits.failedRuns; run++) {
      await bench.store.runFailed(device.key, failed.version);
    }
    expect(await bench.store.prune()).toBe(1);
    await bench.store.supersede(device.key, gaveWay.version);
    expect(await bench.store.prune()).toBe(1);
    await bench.store.taken(device.key, newer.version);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.store.traced(replaced.version)).toBeUndefined();
    expect(await bench.waiting(device)).toEqual(['e']);
  });

  test('ST4 one replaced in its slot goes when the newer one leaves the trace too', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const older = await bench.keep(channel, '0', 'a');
    bench.clock.advance(DAY - HOUR);
    const newer = await bench.keep(channel, '0', 'b');
    const other = await bench.keep(channel, '1', 'c');
    bench.clock.advance(HOUR);
    expect(await bench.store.prune()).toBe(0);
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.store.traced(older.version)).toBeUndefined();
    expect((await bench.store.missed(device.key, 10)).kept).toEqual([newer, other]);
    await bench.store.confirm(device.key, older.version);
    expect(await bench.store.runFailed(device.key, older.version)).toEqual({ failedRuns: 0, ended: true });
    expect((await bench.store.missed(device.key, 10)).kept).toEqual([newer, other]);
  });

  test('ST4 one that waits for nobody goes when it leaves the trace', async () => {
    const bench = at();
    const channel = await bench.channel();
    await bench.keep(channel, '0', 'a');
    await bench.keep(channel, null, 'b');
    const late = await bench.device(channel);
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(2);
    expect(await bench.waiting(late)).toEqual([]);
  });

  test('ST4 beyond the newest 10,000 a message leaves the trace early, but not while it may be running', async () => {
    const bench = at();
    const channel = await bench.channel();
    const first = await bench.keep(channel, '0', 'first');
    await Promise.all(Array.from({ length: limits.traceMessages }, () => bench.keep(channel, '0', 'more')));
    bench.clock.advance(limits.silenceMs - 1);
    expect(await bench.store.prune()).toBe(0);
    bench.clock.advance(1);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.store.traced(first.version)).toBeUndefined();
    expect(await bench.store.trace({ channel: channel.key }, 20_000)).toHaveLength(limits.traceMessages);
  }, 30_000);

  test('ST4 a message from a clock that was ahead does not hold up the rest', async () => {
    const bench = at();
    const channel = await bench.channel();
    bench.clock.advance(365 * 24 * HOUR);
    await bench.keep(channel, '0', 'from the future');
    bench.clock.advance(-365 * 24 * HOUR);
    await bench.keep(channel, '1', 'a');
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(2);
  });

  test('OR2 versions rise although every message was pruned and the clock stepped back', async () => {
    const bench = at();
    const channel = await bench.channel();
    const before = await bench.keep(channel, '0', 'a');
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(1);
    bench.clock.advance(-3 * DAY);
    await bench.reopen();
    const device = await bench.device(channel);
    const after = await bench.keep(channel, '0', 'b');
    expect(after.version).toBe((before.version + 1) as Version);
    expect(await bench.waiting(device)).toEqual(['b']);
  });

  test('ST4 devices that left are forgotten when no message can list them any more', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const draft = { id: device.id, channel: channel.key, tokenHash: '', name: '', signIn: null };
    await bench.store.removeDevice(device.key);
    bench.clock.advance(retentionMs + DAY - 1);
    await bench.store.prune();
    expect(await refusal(bench.store.register(draft))).toBe('input-invalid');
    bench.clock.advance(1);
    await bench.store.prune();
    expect(await refusal(bench.store.register(draft))).toBe('accepted');
  });

  test('QU1 counts of long ago are forgotten, those of late are not', async () => {
    const bench = at();
    const channel = await bench.channel();
    await bench.keep(channel, '0', 'a', { quotaDay: '2026-08-01' });
    await bench.keep(channel, '0', 'b', { quotaDay: '2026-10-01' });
    await bench.store.prune();
    expect(await bench.store.acceptedOn('111111111111', '2026-08-01')).toBe(0);
    expect(await bench.store.acceptedOn('111111111111', '2026-10-01')).toBe(1);
  });

  test('ST4 messages kept while pruning is at work are all there', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => bench.keep(channel, '0', `old ${i}`)));
    bench.clock.advance(DAY);
    const pruned = bench.store.prune();
    const kept = await Promise.all(
      Array.from({ length: 100 }, (_, i) => bench.keep(channel, null, `during ${i}`)),
    );
    expect(await pruned).toBe(999);
    expect(await bench.waiting(device)).toEqual(['old 999', ...kept.map((one) => one.payload)]);
  });
}

function subscriptionTests(at: () => Bench): void {
  test('SU1 a subscription is made once and found by its holder and name', async () => {
    const { store, clock } = at();
    const made = await store.openSubscription('mcs:1', 'wp:a');
    const createdAt = clock.now();
    expect(made).toMatchObject({ fresh: true, subscription: { holder: 'mcs:1', name: 'wp:a', createdAt } });
    clock.advance(1_000);
    const again = await store.openSubscription('mcs:1', 'wp:a');
    expect(again).toEqual({ subscription: made?.subscription as Subscription, fresh: false });
    expect(await store.renewSubscription('mcs:1', 'wp:a')).toEqual(again as never);
    expect(await store.subscriptionsOf('mcs:1')).toEqual([made?.subscription as Subscription]);
  });

  test('SU1 another holder or another name is another subscription', async () => {
    const bench = at();
    const all = await Promise.all([
      bench.subscription('mcs:1', 'a'),
      bench.subscription('mcs:1', 'b'),
      bench.subscription('mcs:2', 'a'),
    ]);
    expect(new Set(all.map((one) => one.key)).size).toBe(3);
    expect(new Set(all.map((one) => one.id)).size).toBe(3);
    expect(new Set(all.map((one) => one.channel.key)).size).toBe(3);
    expect((await bench.store.subscriptionsOf('mcs:1')).map((one) => one.name)).toEqual(['a', 'b']);
    expect(await bench.store.subscriptionsOf('mcs:3')).toEqual([]);
  });

  test('SU1 two first uses at the same time make one', async () => {
    const { store } = at();
    const [one, two] = await Promise.all([
      store.openSubscription('h', 'a'),
      store.openSubscription('h', 'a'),
    ]);
    expect(one?.subscription).toEqual(two?.subscription as Subscription);
    expect([one?.fresh, two?.fresh]).toEqual([true, false]);
  });

  test("SU1 its channel and device are nobody's: not to be found, registered on, paused or removed", async () => {
    const bench = at();
    const { store } = bench;
    const subscription = await bench.subscription();
    const channel = subscription.channel.key;
    const draft = { id: 'x', channel, tokenHash: 'x', name: '', signIn: null };
    expect(await store.findDevice(subscription.id)).toBeUndefined();
    expect(await store.devicesOf(channel)).toEqual([]);
    expect(await store.channelsOf('')).toEqual([]);
    expect(await store.findChannel('' as never)).toBeUndefined();
    expect(await refusal(store.register(draft))).toBe('channel-invalid');
    expect(await refusal(store.setChannelState(channel, 'removed'))).toBe('channel-invalid');
    await store.removeUser('');
    expect(await store.subscriptionsOf('mcs:1')).toEqual([subscription]);
  });

  test('SU1 messages reach it as they reach any device, in the order of queue and topics', async () => {
    const bench = at();
    const subscription = await bench.subscription();
    const { channel } = subscription;
    const first = await bench.keep(channel, null, 'a');
    await bench.keep(channel, 't:news', 'old news');
    const news = await bench.keep(channel, 't:news', 'news');
    await bench.keep(channel, null, 'b');
    expect(await bench.waiting(subscription)).toEqual(['news', 'a', 'b']);
    await bench.store.confirm(subscription.key, first.version);
    await bench.store.confirm(subscription.key, news.version);
    expect(await bench.waiting(subscription)).toEqual(['b']);
    expect(await bench.state(subscription, news)).toBe('confirmed');
    expect((await bench.store.traced(news.version))?.channelId).toBe('');
  });

  test('SU2 a removed subscription stays removed, and what waited ends as withdrawn', async () => {
    const bench = at();
    const { store } = bench;
    const subscription = await bench.subscription();
    const kept = await bench.keep(subscription.channel, null, 'a');
    expect(await store.removeSubscription('mcs:1', 'wp:a')).toBe(true);
    expect(await store.openSubscription('mcs:1', 'wp:a')).toBeUndefined();
    expect(await store.subscriptionsOf('mcs:1')).toEqual([]);
    expect(await bench.waiting(subscription)).toEqual([]);
    expect(await bench.state(subscription, kept)).toBe('withdrawn');
    expect(await refusal(bench.keep(subscription.channel, null, 'b'))).toBe('channel-invalid');
    expect(await store.removeSubscription('mcs:1', 'wp:a')).toBe(false);
    expect(await store.removeSubscription('mcs:1', 'never')).toBe(false);
  });

  test('SU2 a removed subscription is forgotten after its time, not before', async () => {
    const bench = at();
    const { store, clock } = bench;
    const before = await bench.subscription();
    await store.removeSubscription('mcs:1', 'wp:a');
    clock.advance(limits.removedSubscriptionDays * 24 * HOUR - 1);
    await store.prune();
    expect(await store.openSubscription('mcs:1', 'wp:a')).toBeUndefined();
    clock.advance(1);
    await store.prune();
    const after = await bench.subscription();
    expect(after.channel.key).not.toBe(before.channel.key);
    expect(await refusal(bench.keep(before.channel, null, 'a'))).toBe('channel-invalid');
  });

  test('SU3 a removed subscription made anew has its channel and nothing from before', async () => {
    const bench = at();
    const { store } = bench;
    const before = await bench.subscription();
    const old = await bench.keep(before.channel, null, 'old');
    await store.removeSubscription('mcs:1', 'wp:a');
    const { subscription: after, fresh } = await store.renewSubscription('mcs:1', 'wp:a');
    expect(fresh).toBe(true);
    expect(after.channel).toEqual(before.channel);
    expect(after.key).not.toBe(before.key);
    await bench.keep(after.channel, null, 'fresh');
    expect(await bench.waiting(after)).toEqual(['fresh']);
    expect(await bench.state(before, old)).toBe('withdrawn');
    expect(await bench.subscription()).toEqual(after);
  });

  test("SU4 ending a holder ends its subscriptions, and no other's", async () => {
    const bench = at();
    await bench.subscription('h', 'a');
    await bench.subscription('h', 'b');
    await bench.subscription('i', 'a');
    await bench.store.removeSubscription('h', 'b');
    expect(await bench.store.removeHolder('h')).toEqual(['a']);
    expect(await bench.store.removeHolder('h')).toEqual([]);
    expect(await bench.store.openSubscription('h', 'a')).toBeUndefined();
    expect(await bench.store.subscriptionsOf('i')).toHaveLength(1);
  });

  test('SU4 holders that were silent for long are named, those that connected or have nothing are not', async () => {
    const bench = at();
    const { store, clock } = bench;
    for (const holder of ['a', 'b', 'c', 'd']) {
      await bench.subscription(holder);
      clock.advance(1_000);
    }
    await store.heldNow('a');
    await store.heldNow('unknown');
    await store.removeSubscription('d', 'wp:a');
    clock.advance(1);
    expect(await store.silentHolders(clock.now(), 10)).toEqual(['b', 'c', 'a']);
    expect(await store.silentHolders(clock.now(), 1)).toEqual(['b']);
    expect(await store.silentHolders(clock.now() - 1, 10)).toEqual(['b', 'c']);
  });

  test('SU5 topics that wait are limited; replacing one, an end and an expiry are not held up by it', async () => {
    const bench = at();
    const { store, clock } = bench;
    const subscription = await bench.subscription();
    const { channel } = subscription;
    const topics = limits.topicsPerSubscription;
    const expiresAt = clock.now() + 1_000;
    const brief = await bench.keep(channel, 't:0', 'x', { expiresAt });
    await Promise.all(Array.from({ length: topics - 1 }, (_, i) => bench.keep(channel, `t:${i + 1}`, 'x')));
    expect(await refusal(bench.keep(channel, 't:more', 'x'))).toBe('queue-full');
    expect(await refusal(bench.keep(channel, 't:1', 'y'))).toBe('accepted');
    expect(await refusal(bench.keep(channel, null, 'queued'))).toBe('accepted');
    clock.advance(1_000);
    expect(await refusal(bench.keep(channel, 't:more', 'x'))).toBe('accepted');
    expect(await refusal(bench.keep(channel, 't:even more', 'x'))).toBe('queue-full');
    await store.confirm(subscription.key, brief.version);
    const [head] = (await store.missed(subscription.key, 1)).kept;
    await store.confirm(subscription.key, head?.version as Version);
    expect(await refusal(bench.keep(channel, 't:even more', 'x'))).toBe('accepted');
    await store.removeSubscription('mcs:1', 'wp:a');
    const after = (await store.renewSubscription('mcs:1', 'wp:a')).subscription;
    expect(await refusal(bench.keep(after.channel, 't:first again', 'x'))).toBe('accepted');
  });

  test('SU6 a holder has a limited number of subscriptions', async () => {
    const { store } = at();
    const names = Array.from({ length: limits.subscriptionsPerHolder }, (_, i) => `name ${i}`);
    await Promise.all(names.map((name) => store.openSubscription('h', name)));
    expect(await refusal(store.openSubscription('h', 'one more'))).toBe('rate-limited');
    expect(await refusal(store.renewSubscription('h', 'one more'))).toBe('rate-limited');
    expect(await refusal(store.openSubscription('h', 'name 1'))).toBe('accepted');
    expect(await refusal(store.openSubscription('i', 'one more'))).toBe('accepted');
    await store.removeSubscription('h', 'name 1');
    expect(await refusal(store.openSubscription('h', 'one more'))).toBe('accepted');
  });

  test('SU7 the headers of a push come back with it, and none where there were none', async () => {
    const bench = at();
    const subscription = await bench.subscription();
    const headers = { encoding: 'aesgcm', encryption: 'salt=x', cryptoKey: 'dh=y' } as const;
    const kept = await bench.keep(subscription.channel, null, 'a', { headers });
    expect(kept.headers).toEqual(headers);
    const topic = await bench.keep(subscription.channel, 't:x', 'b', { headers: { encoding: 'aes128gcm' } });
    const plain = await bench.keep(subscription.channel, null, '');
    expect('headers' in plain).toBe(false);
    expect((await bench.store.missed(subscription.key, 10)).kept).toEqual([topic, kept, plain]);
  });

  test('SU7 the urgency of a push comes back with it, unless it is normal', async () => {
    const bench = at();
    const { channel, key } = await bench.subscription();
    const high = await bench.keep(channel, null, 'a', { urgency: 'high' });
    const normal = await bench.keep(channel, null, 'b', { headers: { encoding: 'aes128gcm' } });
    expect([high.urgency, 'urgency' in normal]).toEqual(['high', false]);
    expect((await bench.store.missed(key, 10)).kept).toEqual([high, normal]);
  });

  test('SU8 the messages of receipts are asked for together, newest first', async () => {
    const bench = at();
    const subscription = await bench.subscription();
    const other = await bench.subscription('mcs:2', 'other');
    const one = await bench.keep(subscription.channel, null, 'a', { receipts: 'r' });
    await bench.keep(subscription.channel, null, 'b');
    await bench.keep(other.channel, null, 'c', { receipts: 's' });
    const two = await bench.keep(other.channel, null, 'd', { receipts: 'r' });
    expect((await bench.store.missed(other.key, 9)).kept.map((kept) => kept.receipts)).toEqual(['s', 'r']);
    expect([one.receipts, (await bench.keep(subscription.channel, 't:x', 'e')).receipts]).toEqual([
      'r',
      undefined,
    ]);
    await bench.store.confirm(subscription.key, one.version);
    const trace = await bench.store.trace({ receipts: 'r' }, 10);
    expect(trace.map((message) => message.version)).toEqual([two.version, one.version]);
    expect(trace.map((message) => message.devices[0]?.state)).toEqual(['waiting', 'confirmed']);
    expect(await bench.store.trace({ receipts: 'r' }, 1)).toHaveLength(1);
    expect(await bench.store.trace({ receipts: 't' }, 10)).toEqual([]);
  });

  test('SU9 a message taken back waits for nobody, and makes room; one that has ended cannot be', async () => {
    const bench = at();
    const { store, clock } = bench;
    const subscription = await bench.subscription();
    const { channel, key } = subscription;
    const kept = await bench.keep(channel, null, 'a');
    const topic = await bench.keep(channel, 't:x', 'b');
    const done = await bench.keep(channel, null, 'c');
    const brief = await bench.keep(channel, null, 'd', { expiresAt: clock.now() + 1 });
    await store.confirm(key, done.version);
    expect(await store.withdraw(kept.version)).toBe(channel.key);
    expect(await store.withdraw(topic.version)).toBe(channel.key);
    expect(await store.withdraw(kept.version)).toBeUndefined();
    expect(await store.withdraw(done.version)).toBeUndefined();
    expect(await store.withdraw((brief.version + 1) as Version)).toBeUndefined();
    clock.advance(1);
    expect(await store.withdraw(brief.version)).toBeUndefined();
    expect(await bench.waiting(subscription)).toEqual([]);
    expect(await bench.state(subscription, kept)).toBe('withdrawn');
    await store.confirm(key, kept.version);
    expect(await bench.state(subscription, kept)).toBe('withdrawn');
    expect(await bench.state(subscription, done)).toBe('confirmed');
  });

  test('SU9 taking back the newest of a topic does not bring an older one back', async () => {
    const bench = at();
    const subscription = await bench.subscription();
    await bench.keep(subscription.channel, 't:x', 'old');
    const { version } = await bench.keep(subscription.channel, 't:x', 'newest');
    await bench.store.withdraw(version);
    expect(await bench.waiting(subscription)).toEqual([]);
  });

  test('SU10 what expired is named until it was told, also when pruning has removed it', async () => {
    const bench = at();
    const { store, clock } = bench;
    const subscription = await bench.subscription();
    const { channel } = subscription;
    const brief = () => ({ expiresAt: clock.now() + limits.instantMs + 1 });
    const untold = () => store.expiredUntold(subscription);
    await bench.keep(channel, null, 'a', brief());
    const newest = await bench.keep(channel, 't:x', 'b', brief());
    await bench.keep(channel, null, 'stays');
    expect(await untold()).toBeUndefined();
    clock.advance(limits.instantMs + 1);
    expect(await untold()).toBe(newest.version);
    clock.advance(limits.traceHours * HOUR);
    await store.prune();
    expect(await store.traced(newest.version)).toBeUndefined();
    expect(await untold()).toBe(newest.version);
    await store.expiredTold(subscription, newest.version);
    expect(await untold()).toBeUndefined();
    const next = await bench.keep(channel, null, 'c', brief());
    clock.advance(limits.instantMs + 1);
    await store.expiredTold(subscription, newest.version);
    expect(await untold()).toBe(next.version);
    await store.expiredTold(subscription, next.version);
    clock.advance(limits.traceHours * HOUR);
    await store.prune();
    expect(await untold()).toBeUndefined();
    expect(await bench.waiting(subscription)).toEqual(['stays']);
  });

  test('SU10 what was got, replaced, taken back or for connected browsers alone is not missed', async () => {
    const bench = at();
    const { store, clock } = bench;
    const subscription = await bench.subscription();
    const { channel, key } = subscription;
    const expiresAt = clock.now() + limits.instantMs + 1;
    const got = await bench.keep(channel, null, 'got', { expiresAt });
    const late = await bench.keep(channel, null, 'got, and acknowledged late', { expiresAt });
    const back = await bench.keep(channel, 't:y', 'taken back', { expiresAt });
    await bench.keep(channel, 't:x', 'replaced', { expiresAt });
    await bench.keep(channel, 't:x', 'its replacement');
    await bench.keep(channel, null, 'instant', { expiresAt: expiresAt - 1 });
    await store.confirm(key, got.version);
    await store.withdraw(back.version);
    clock.advance(limits.instantMs + 1);
    expect(await store.expiredUntold(subscription)).toBe(late.version);
    await store.confirm(key, late.version);
    for (const hours of [0, limits.traceHours]) {
      clock.advance(hours * HOUR);
      await store.prune();
      expect(await store.expiredUntold(subscription)).toBeUndefined();
    }
  });

  test('SU10 a subscription made anew missed nothing, and the one before it names nothing', async () => {
    const bench = at();
    const { store, clock } = bench;
    const before = await bench.subscription();
    const other = await bench.subscription('mcs:2', 'other');
    await bench.keep(before.channel, null, 'a', { expiresAt: clock.now() + limits.instantMs + 1 });
    clock.advance(limits.traceHours * HOUR);
    await store.prune();
    expect(await store.expiredUntold(before)).toBeDefined();
    expect(await store.expiredUntold(other)).toBeUndefined();
    await store.removeSubscription('mcs:1', 'wp:a');
    expect(await store.expiredUntold(before)).toBeUndefined();
    const { subscription: after } = await store.renewSubscription('mcs:1', 'wp:a');
    expect(await store.expiredUntold(after)).toBeUndefined();
    expect(await store.expiredUntold(before)).toBeUndefined();
  });

  test('ST1 subscriptions, removed ones and holders are as they were after a restart', async () => {
    const bench = at();
    const subscription = await bench.subscription('h', 'a');
    await bench.subscription('h', 'b');
    await bench.store.removeSubscription('h', 'b');
    const kept = await bench.keep(subscription.channel, 't:x', 'a', { headers: { encoding: 'aes128gcm' } });
    const brief = { expiresAt: bench.clock.now() + limits.instantMs + 1 };
    const expired = await bench.keep(subscription.channel, null, 'b', brief);
    bench.clock.advance(limits.instantMs + 1);
    await bench.reopen();
    expect(await bench.store.expiredUntold(subscription)).toBe(expired.version);
    await bench.store.expiredTold(subscription, expired.version);
    await bench.reopen();
    expect(await bench.store.expiredUntold(subscription)).toBeUndefined();
    expect(await bench.store.subscriptionsOf('h')).toEqual([subscription]);
    expect(await bench.store.openSubscription('h', 'b')).toBeUndefined();
    expect((await bench.store.missed(subscription.key, 1)).kept).toEqual([kept]);
    expect(await bench.store.silentHolders(bench.clock.now() + 1, 10)).toEqual(['h']);
  });
}

function restartTests(at: () => Bench): void {
  test('ST1 everything is as it was after a restart', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel, 'here');
    const [a, b, c] = [
      await bench.keep(channel, '0', 'a', { dailyQuota: 9 }),
      await bench.keep(channel, '0', 'b'),
      await bench.keep(channel, null, 'c'),
    ];
    await bench.store.runFailed(device.key, b.version);
    await bench.store.updateDevice(device.key, { transport: 'x', lowestUrgency: 'low' });
    const told = async () => ({
      channel: await bench.store.findChannel(channel.id),
      device: await bench.store.findDevice(device.id),
      trace: await bench.store.trace({ project: '111111111111' }, 10),
      missed: await bench.store.missed(device.key, 10),
      quota: await bench.store.acceptedOn('111111111111', '2026-11-24'),
    });
    const before = await told();
    await bench.reopen();
    expect(await told()).toEqual(before);
    expect(before.missed.kept).toEqual([b, c]);
    expect(await bench.state(device, a)).toBe('superseded');
    expect(await bench.store.runFailed(device.key, b.version)).toEqual({ failedRuns: 2, ended: false });
  });

  test('OR2 versions rise through a restart with a clock step back', async () => {
    const bench = at();
    const channel = await bench.channel();
    const before = await bench.keep(channel, '0', 'a');
    bench.clock.advance(-24 * HOUR);
    await bench.reopen();
    expect((await bench.keep(channel, '0', 'b')).version).toBe((before.version + 1) as Version);
  });

  test('ST1 closing waits for the writes under way, and refuses later ones', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const keeps = Array.from({ length: 50 }, (_, i) => bench.keep(channel, null, String(i)));
    const { store } = bench;
    await store.close();
    expect(await Promise.all(keeps)).toHaveLength(50);
    expect(await refusal(store.keep(bench.draft(channel, '0', 'late')))).toBe('unavailable');
    expect(await refusal(store.missed(device.key, 10))).toBe('unavailable');
    if (await bench.reopen()) expect(await bench.waiting(device)).toHaveLength(50);
  });
}

const leftBy = ({ key, channel }: Device) => ({ key, channelId: channel.id });
