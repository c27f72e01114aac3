import { beforeEach, describe, expect, test } from 'bun:test';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
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
import type { Presence } from './presence.ts';
import { Receiving } from './receiving.ts';
import type { EndReason, OfferAnswer, Recipient } from './recipient.ts';
import type { ChannelKey, Device, Draft, Kept, Seen, Slot, Store } from './store.ts';

const app = 'a'.repeat(32) as AppId;

/** A device that notes what it is offered. */
class Inbox implements Recipient {
  readonly offers: Kept[] = [];
  readonly seenHere: Seen[] = [];
  answer: OfferAnswer = 'taken';
  live = false;
  ended: EndReason | undefined;
  onLive: () => void = () => {};

  offer(kept: Kept): OfferAnswer {
    if (this.answer === 'taken') this.offers.push(kept);
    return this.answer;
  }

  caughtUp(): void {
    this.live = true;
    this.onLive();
  }

  seen(seen: Seen): void {
    this.seenHere.push(seen);
  }

  end(reason: EndReason): void {
    this.ended = reason;
    this.onLive();
  }

  get payloads(): string[] {
    return this.offers.map((kept) => kept.payload);
  }

  /** Settles when the device is live, or its connection has ended. */
  settled(): Promise<void> {
    return this.live || this.ended !== undefined
      ? Promise.resolve()
      : new Promise((resolve) => (this.onLive = resolve));
  }
}

let clock: ManualClock;
let store: Store;
let presence: Presence;
let announcer: Announcer;
let deliveries: Deliveries;
let devices: Devices;
let receiving: Receiving;
/** What the events told of messages that went out. */
let told: [version: number, devices: readonly string[]][];

beforeEach(() => {
  clock = new ManualClock();
  const random = seededRandom(7);
  store = new MemoryStore({ clock, random });
  presence = new MemoryPresence();
  const bus = new MemoryBus();
  announcer = new Announcer({ presence, bus, events: silentEvents });
  told = [];
  const events: Events = {
    ...silentEvents,
    offered: (version, devices) => void told.push([version, [...devices]]),
  };
  deliveries = new Deliveries({ node: 'here', store, presence, bus, clock, events });
  devices = new Devices({ store, deliveries, bus, random, events: silentEvents });
  receiving = new Receiving({ store, bus });
});

async function register(account = 'ann', name = 'laptop'): Promise<Device> {
  return (await devices.register({ account, app, name })).device;
}

async function connect(device: Device): Promise<{ inbox: Inbox; outbox: Outbox }> {
  const inbox = new Inbox();
  const outbox = deliveries.connect(device, inbox);
  await inbox.settled();
  return { inbox, outbox };
}

/** Keeps a message and announces it, as the intake does. */
async function send(
  channel: ChannelKey,
  slot: Slot,
  payload: string,
  rest: Partial<Draft> = {},
): Promise<Kept> {
  const kept = await store.keep({
    channel,
    slot,
    payload,
    expiresAt: clock.now() + limits.retentionDays * 86_400_000,
    project: 'p',
    dailyQuota: 0,
    quotaDay: '2026-11-24',
    ...rest,
  });
  await announcer.announce(kept);
  return kept;
}

describe('delivering to devices', () => {
  test('FO1 a message reaches every device of its user: at once if connected, else when it returns', async () => {
    const [laptop, phone, away] = [
      await register(),
      await register('ann', 'phone'),
      await register('ann', 'away'),
    ];
    const stranger = await connect(await register('bob'));
    const [first, second] = [await connect(laptop), await connect(phone)];
    await send(laptop.channel.key, '0', 'hello');
    expect([first.inbox.payloads, second.inbox.payloads]).toEqual([['hello'], ['hello']]);
    expect((await connect(away)).inbox.payloads).toEqual(['hello']);
    expect(stranger.inbox.payloads).toEqual([]);
  });

  test('OB1 a message to all devices of a channel is told of once, with those that it went to; others one by one', async () => {
    const laptop = await register();
    const phone = await register('ann', 'phone');
    const full = await register('ann', 'full');
    for (const device of [laptop, phone]) await connect(device);
    const slow = await connect(full);
    slow.inbox.answer = 'full';
    const { version } = await send(laptop.channel.key, '0', 'hello');
    expect(told).toEqual([[version, [laptop.id, phone.id]]]);
    slow.inbox.answer = 'taken';
    slow.outbox.drained();
    expect(told[1]).toEqual([version, [full.id]]);
    clock.advance(30_000);
    expect(
      told
        .slice(2)
        .flatMap(([, devices]) => devices)
        .sort(),
    ).toEqual([laptop.id, phone.id, full.id].sort());
  });

  test('FO2 a device gets nothing from before its registration', async () => {
    const laptop = await register();
    await send(laptop.channel.key, '0', 'before');
    const late = await register('ann', 'late');
    await send(laptop.channel.key, '1', 'after');
    expect((await connect(late)).inbox.payloads).toEqual(['after']);
  });

  test('FO3 messages that arrive between registration of the session and reading the store come once', async () => {
    const laptop = await register();
    await send(laptop.channel.key, '0', 'waited');
    const inbox = new Inbox();
    const register_ = presence.register.bind(presence);
    presence.register = async (session) => {
      await register_(session);
      await send(laptop.channel.key, '0', 'between');
      await send(laptop.channel.key, '1', 'beside');
    };
    deliveries.connect(laptop, inbox);
    await inbox.settled();
    await send(laptop.channel.key, '2', 'live');
    expect(inbox.payloads.sort()).toEqual(['beside', 'between', 'live']);
  });

  test('FO3 a store that cannot be read ends the connection, so that the device comes back', async () => {
    const laptop = await register();
    store.missed = () => Promise.reject(new Error('disk'));
    const { inbox } = await connect(laptop);
    expect(inbox.ended).toBe('going-away');
  });

  test('FO4 a newer connection of a device ends the older one, and leaving the older one harms nothing', async () => {
    const laptop = await register();
    const older = await connect(laptop);
    const newer = await connect(laptop);
    expect(older.inbox.ended).toBe('replaced');
    await deliveries.disconnect(older.outbox);
    await send(laptop.channel.key, '0', 'hello');
    expect([older.inbox.payloads, newer.inbox.payloads]).toEqual([[], ['hello']]);
    await deliveries.disconnect(newer.outbox);
    expect(deliveries.size).toBe(0);
    expect(await presence.sessions(laptop.channel.key)).toEqual([]);
  });

  test('SC2 a device that was away gets the newest of each subchannel, one that confirms gets all', async () => {
    const [laptop, phone] = [await register(), await register('ann', 'phone')];
    const { inbox, outbox } = await connect(laptop);
    for (let i = 0; i < 40; i++) {
      const kept = await send(laptop.channel.key, String(i % 2), `m${i}`);
      await outbox.confirm(kept.version);
    }
    expect(inbox.offers).toHaveLength(40);
    expect((await connect(phone)).inbox.payloads.sort()).toEqual(['m38', 'm39']);
  });

  test('SC2 with 16 unconfirmed the newest still comes, and the trace says what gave way', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    const versions: Version[] = [];
    for (let i = 1; i <= 20; i++) versions.push((await send(laptop.channel.key, '0', `m${i}`)).version);
    expect(inbox.offers).toHaveLength(limits.unconfirmedPerSlot);
    for (const version of versions.slice(0, 16)) await outbox.confirm(version);
    expect(inbox.payloads.at(-1)).toBe('m20');
    await outbox.confirm(versions[19] as Version);
    const trace = await store.trace({ channel: laptop.channel.key }, 50);
    const states = trace.map((message) => `${message.payload} ${message.devices[0]?.state}`);
    expect(states.slice(0, 5)).toEqual([
      'm20 confirmed',
      'm19 superseded',
      'm18 superseded',
      'm17 superseded',
      'm16 confirmed',
    ]);
  });

  test('SC2 a connection that cannot take more loses nothing: what waits goes out when it drains', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    inbox.answer = 'full';
    for (let i = 0; i < 8; i++) await send(laptop.channel.key, String(i % 4), `m${i}`);
    inbox.answer = 'taken';
    outbox.drained();
    expect(inbox.offers).toHaveLength(8);
  });

  test('QE1 a queue longer than a page comes whole and in order, also what arrives meanwhile', async () => {
    const laptop = await register();
    const total = 3 * limits.queuePage;
    for (let i = 0; i < total - 10; i++) await send(laptop.channel.key, null, String(i));
    const { inbox, outbox } = await connect(laptop);
    expect(inbox.offers).toHaveLength(limits.queuePage);
    for (let i = total - 10; i < total; i++) await send(laptop.channel.key, null, String(i));
    for (let at = 0; at < inbox.offers.length; at++) await outbox.confirm((inbox.offers[at] as Kept).version);
    expect(inbox.payloads).toEqual(Array.from({ length: total }, (_, i) => String(i)));
    expect((await store.missed(laptop.key, 10)).kept).toEqual([]);
  });

  test('QE1 what expires or is withdrawn in a page makes room for what waits behind it', async () => {
    const laptop = await register();
    const channel = laptop.channel.key;
    const expiresAt = clock.now() + 1_000;
    for (let n = 0; n < limits.queuePage; n++) await send(channel, 'q:0', 'short', { expiresAt });
    for (let n = 0; n < limits.queuePage; n++) await send(channel, 'q:0', 'for any', { deliver: 'any' });
    await send(channel, 'q:3', 'behind');
    const inbox = new Inbox();
    inbox.answer = 'full';
    const outbox = deliveries.connect(laptop, inbox);
    await inbox.settled();
    clock.advance(2_000);
    outbox.drained();
    await Bun.sleep(0);
    for (const { version } of outbox.waiting()) outbox.withdrawn(version);
    inbox.answer = 'taken';
    outbox.drained();
    await Bun.sleep(0);
    expect(inbox.payloads).toEqual(['behind']);
  });
});

describe('until a handler ended well', () => {
  test('VT13 the queue of a subchannel comes whole and in order; one whose run fails comes again after the others', async () => {
    const laptop = await register();
    const total = 2 * limits.queuePage;
    const channel = laptop.channel.key;
    for (let n = 1; n <= total / 2; n++) await send(channel, 'q:1', `${n}`);
    const { inbox, outbox } = await connect(laptop);
    for (let n = total / 2 + 1; n <= total; n++) await send(channel, 'q:1', `${n}`);
    const [first, ...others] = inbox.offers;
    await outbox.taken((first as Kept).version);
    await outbox.refuse((first as Kept).version, 'failed', 'because');
    for (const { version } of others) await outbox.confirm(version);
    for (const { version } of inbox.offers.slice(others.length + 1)) await outbox.confirm(version);
    expect(inbox.payloads).toEqual(Array.from({ length: total }, (_, n) => `${n + 1}`));
    clock.advance(limits.reofferMs);
    expect(inbox.payloads.slice(total)).toEqual(['1']);
  });

  test('VT17 VT18 what one device confirms is offered to no other any more, and a run under way goes on', async () => {
    const owners = [
      await register('ann', 'laptop'),
      await register('ann', 'phone'),
      await register('ann', 'tv'),
    ];
    const [laptop, phone, tv] = owners as [Device, Device, Device];
    const channel = laptop.channel.key;
    const [away, busy] = [await connect(phone), await connect(tv)];
    const kept = await send(channel, '1', 'call', { deliver: 'any' });
    expect([away.inbox.payloads, busy.inbox.payloads]).toEqual([['call'], ['call']]);
    await busy.outbox.taken(kept.version);
    await devices.acknowledge(laptop, [{ outcome: 'handled', version: kept.version }]);
    expect([away.outbox.waiting(), busy.outbox.waiting()]).toEqual([[], []]);
    await busy.outbox.confirm(kept.version);
    clock.advance(limits.reofferMsMax);
    expect([away.inbox.payloads, busy.inbox.payloads]).toEqual([['call'], ['call']]);
    const states = (await store.traced(kept.version))?.devices.map(({ state }) => state);
    expect(states).toEqual(['confirmed', 'withdrawn', 'confirmed']);
  });

  test('VT17 a confirm on one connection takes it from the others', async () => {
    const [laptop, phone] = [await register('ann', 'laptop'), await register('ann', 'phone')];
    const [first, second] = [await connect(laptop), await connect(phone)];
    const kept = await send(laptop.channel.key, '1', 'call', { deliver: 'any' });
    await first.outbox.confirm(kept.version);
    expect(second.outbox.waiting()).toEqual([]);
    expect((await connect(phone)).inbox.payloads).toEqual([]);
  });

  test('VT21 what is seen on one device is told to the others that ask for it, at once or when they connect', async () => {
    const [laptop, phone] = [await register('ann', 'laptop'), await register('ann', 'phone')];
    const other = await connect(await register('bob', 'laptop'));
    const kept = await send(laptop.channel.key, '1', 'call');
    const asking = () => Object.assign(new Inbox(), { wantsSeen: true });
    const [first, plain] = [asking(), new Inbox()];
    deliveries.connect(phone, first);
    deliveries.connect(await register('ann', 'tv'), plain);
    await Promise.all([first.settled(), plain.settled()]);
    const seen = { subchannel: 1, version: kept.version };
    await devices.markSeen(laptop, seen);
    await devices.markSeen(laptop, seen);
    expect([first.seenHere, plain.seenHere, other.inbox.seenHere]).toEqual([[seen], [], []]);
    const told = Promise.withResolvers<Seen>();
    deliveries.connect(phone, Object.assign(asking(), { seen: told.resolve }));
    expect(await told.promise).toEqual(seen);
  });

  test('HA1 a version is offered again after 30 s, 60 s, 120 s, and at each connect', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    await send(laptop.channel.key, '0', 'again');
    for (const [seconds, offers] of [
      [29, 1],
      [1, 2],
      [59, 2],
      [1, 3],
      [120, 4],
    ] as const) {
      clock.advance(seconds * 1_000);
      expect(inbox.offers).toHaveLength(offers);
    }
    await deliveries.disconnect(outbox);
    expect((await connect(laptop)).inbox.payloads).toEqual(['again']);
  });

  test('HA1 while a run lasts nothing is offered again; the delay counts from its end', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    const { version } = await send(laptop.channel.key, '0', 'long');
    await outbox.taken(version);
    clock.advance(3_600_000);
    expect(inbox.offers).toHaveLength(1);
    await outbox.refuse(version, 'failed', 'threw');
    clock.advance(29_999);
    expect(inbox.offers).toHaveLength(1);
    clock.advance(1);
    expect(inbox.offers).toHaveLength(2);
  });

  test('HA1 a confirmed version is never offered again', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    const { version } = await send(laptop.channel.key, '0', 'done');
    await outbox.confirm(version);
    clock.advance(86_400_000);
    await deliveries.disconnect(outbox);
    expect(inbox.offers).toHaveLength(1);
    expect((await connect(laptop)).inbox.offers).toEqual([]);
  });

  test('HA2 after eight failed runs the version is failed, also across connections; no listener is no run', async () => {
    const laptop = await register();
    const { version } = await send(laptop.channel.key, '0', 'bad');
    for (let run = 0; run < limits.failedRuns; run++) {
      const { inbox, outbox } = await connect(laptop);
      expect(inbox.offers).toHaveLength(1);
      await outbox.refuse(version, 'no-listener', 'nobody listens');
      await outbox.refuse(version, 'failed', 'threw');
      await deliveries.disconnect(outbox);
    }
    expect((await connect(laptop)).inbox.offers).toEqual([]);
    expect((await store.traced(version))?.devices[0]).toMatchObject({ state: 'failed', failedRuns: 8 });
  });

  test('OR1 when a run of a newer version begins, the older unfinished one is superseded and not offered again', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    const older = await send(laptop.channel.key, '0', 'older');
    await outbox.refuse(older.version, 'failed', 'threw');
    const newer = await send(laptop.channel.key, '0', 'newer');
    await outbox.taken(newer.version);
    clock.advance(7_200_000);
    expect(inbox.payloads).toEqual(['older', 'newer']);
    expect((await store.traced(older.version))?.devices[0]?.state).toBe('superseded');
  });
});

describe('when a ground ends', () => {
  test('PA1 a paused channel offers nothing; resuming it offers what waits', async () => {
    const laptop = await register();
    const { inbox } = await connect(laptop);
    await receiving.pause('ann', app);
    // The intake does not announce for a paused channel; the store must not give it either.
    await store.keep({
      channel: laptop.channel.key,
      slot: '1',
      payload: 'held',
      expiresAt: clock.now() + 1e9,
      project: 'p',
      dailyQuota: 0,
      quotaDay: 'd',
    });
    expect((await connect(laptop)).inbox.offers).toEqual([]);
    const { inbox: back } = await connect(laptop);
    await receiving.resume('ann', app);
    await Bun.sleep(0);
    expect(back.payloads).toEqual(['held']);
    expect(inbox.offers).toEqual([]);
  });

  test('PA1 what was on its way when the channel was paused is offered again only after it was resumed', async () => {
    const laptop = await register();
    const { inbox, outbox } = await connect(laptop);
    const { version } = await send(laptop.channel.key, '0', 'on its way');
    await receiving.pause('ann', app);
    clock.advance(3_600_000);
    expect(inbox.payloads).toEqual(['on its way']);
    await receiving.resume('ann', app);
    await Bun.sleep(0);
    expect(inbox.payloads).toEqual(['on its way', 'on its way']);
    await outbox.confirm(version);
    expect((await store.traced(version))?.devices[0]?.state).toBe('confirmed');
  });

  test('PA2 resuming a channel that is not paused keeps what a slow device has not read, though another ends the newer', async () => {
    const [slow, quick] = [await register(), await register()];
    const { inbox, outbox } = await connect(slow);
    inbox.answer = 'full';
    await send(slow.channel.key, '0', 'older');
    const { version } = await send(slow.channel.key, '0', 'newer', { deliver: 'any' });
    await receiving.resume('ann', app);
    await Bun.sleep(0);
    await (await connect(quick)).outbox.confirm(version);
    inbox.answer = 'taken';
    outbox.drained();
    expect(inbox.payloads).toEqual(['older']);
  });

  test('DE1 removing the app, the device or the account ends its connections in the same step', async () => {
    const endings: ((device: Device) => Promise<void>)[] = [
      () => receiving.remove('ann', app),
      (device) => receiving.signOutDevice('ann', device.id),
      () => receiving.endDevices('ann', app),
      () => receiving.endAccount('ann'),
      () => receiving.endApp(app),
      (device) => devices.remove(device),
    ];
    for (const end of endings) {
      const { device, token } = await devices.register({ account: 'ann', app, name: 'laptop' });
      const { inbox } = await connect(device);
      await end(device);
      expect(inbox.ended).toBe('device-ended');
      expect(devices.authenticate({ id: device.id, token })).rejects.toThrow('unknown');
    }
  });

  test('DE1 signing out ends the devices that signed in there, and no others', async () => {
    const here = await devices.register({ account: 'ann', app, name: 'here', signIn: 's1' });
    const there = await devices.register({ account: 'ann', app, name: 'there', signIn: 's2' });
    const [inHere, inThere] = [await connect(here.device), await connect(there.device)];
    await receiving.endSignIn('s1');
    expect([inHere.inbox.ended, inThere.inbox.ended]).toEqual(['device-ended', undefined]);
  });

  test('DE1 nobody pauses or ends what is not theirs', async () => {
    const laptop = await register();
    expect(receiving.pause('bob', app)).rejects.toThrow('no channel of yours');
    expect(receiving.signOutDevice('bob', laptop.id)).rejects.toThrow('no such device');
  });
});

describe('the lowest urgency that a device wants', () => {
  test('DV11 what is less urgent is not offered, neither what waited nor what comes; others get it', async () => {
    const [laptop, phone] = [await register(), await register('ann', 'phone')];
    const { key } = laptop.channel;
    await send(key, '0', 'waited low', { urgency: 'low' });
    await send(key, '1', 'waited high', { urgency: 'high' });
    const { inbox, outbox } = await connect(await devices.setLowestUrgency(laptop, 'normal'));
    const all = await connect(phone);
    await send(key, '2', 'low', { urgency: 'very-low' });
    await send(key, '3', 'normal');
    expect(inbox.payloads).toEqual(['waited high', 'normal']);
    expect(all.inbox.payloads).toEqual(['waited low', 'waited high', 'low', 'normal']);
    for (const { version } of inbox.offers) await outbox.confirm(version);
    await deliveries.disconnect(outbox);
    expect(outbox.leftover).toMatchObject({ waits: false, answered: new Set() });
  });

  test('DV11 a device that comes back with a lower bound gets what was withheld, the newest of each subchannel', async () => {
    const laptop = await devices.setLowestUrgency(await register(), 'high');
    const { key } = laptop.channel;
    const { inbox, outbox } = await connect(laptop);
    await send(key, '0', 'older', { urgency: 'low' });
    await send(key, '0', 'newest', { urgency: 'low' });
    await send(key, '1', 'normal');
    expect(inbox.payloads).toEqual([]);
    await deliveries.disconnect(outbox);
    const back = await connect(await devices.setLowestUrgency(laptop, 'low'));
    expect(back.inbox.payloads).toEqual(['newest', 'normal']);
  });

  test('DV13 a run of a newer message supersedes what was withheld before it', async () => {
    const laptop = await devices.setLowestUrgency(await register(), 'high');
    const { inbox, outbox } = await connect(laptop);
    const low = await send(laptop.channel.key, '0', 'low', { urgency: 'low' });
    const high = await send(laptop.channel.key, '0', 'high', { urgency: 'high' });
    await outbox.taken(high.version);
    await outbox.confirm(high.version);
    expect(inbox.payloads).toEqual(['high']);
    expect((await store.traced(low.version))?.devices[0]?.state).toBe('superseded');
  });

  test('PA1 DV11 a resumed channel offers nothing that is withheld', async () => {
    const laptop = await devices.setLowestUrgency(await register(), 'high');
    const { inbox } = await connect(laptop);
    await receiving.pause('ann', app);
    await send(laptop.channel.key, '0', 'low', { urgency: 'low' });
    await send(laptop.channel.key, '1', 'high', { urgency: 'high' });
    await receiving.resume('ann', app);
    await new Promise((resolve) => setImmediate(resolve));
    expect(inbox.payloads).toEqual(['high']);
  });
});
