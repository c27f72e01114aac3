import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { limits, retentionMs } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { MulticastDraft, TargetResult } from '../core/multicast.ts';
import type { Channel, Device, Draft, Kept } from '../core/store.ts';
import { Bench, type OpenStore, refusal } from './contract.ts';

const DAY = 86_400_000;
const PROJECT = '111111111111';
const TODAY = '2026-11-24';

/** A multicast to channels, "m1" with nothing special unless the test says so. */
function multicast(
  bench: Bench,
  channels: readonly Channel[],
  { message, ...rest }: Partial<Omit<MulticastDraft, 'message'>> & { message?: Partial<Draft> } = {},
): MulticastDraft {
  const { channel: _, ...plain } = bench.draft({ key: 0 as never }, '1', 'hello', message);
  const targets = channels.map(({ id, key }) => ({ channelId: id, channel: key, refusal: null }));
  return { id: 'm1', key: null, bodyHash: 'a', message: plain, dailyTargets: 0, targets, ...rest };
}

const versions = (targets: readonly TargetResult[]) =>
  targets.map((one) => ('version' in one ? one.version : one.refusal));

/** The promises of core/multicast.ts, as tests: every engine of the store runs them. */
export function multicastContract(name: string, open: OpenStore): void {
  describe(`${name} keeps the promises of multicasts`, () => {
    let bench = new Bench();
    const at = () => bench;
    beforeEach(async () => {
      bench = new Bench();
      await bench.open(open);
    });
    afterEach(() => bench.close());
    keepingTests(at);
    stateTests(at);
    queueTests(at);
    anyTests(at);
    seenTests(at);
    pruningTests(at);
  });
}

function keepingTests(at: () => Bench): void {
  test('VT1 a multicast is kept once per channel, in the order of the request', async () => {
    const bench = at();
    const [ada, bob] = [await bench.channel('ada'), await bench.channel('bob')];
    const device = await bench.device(bob);
    const { multicast: made, kept } = await bench.store.keepMulticast(multicast(bench, [bob, ada]));
    expect(kept.map((one) => one.channel)).toEqual([bob.key, ada.key]);
    expect(made.targets.map((one) => one.channelId)).toEqual([bob.id, ada.id]);
    expect(versions(made.targets)).toEqual(kept.map((one) => one.version));
    expect(kept[0]?.tracked).toBe(true);
    expect(await bench.waiting(device)).toEqual(['hello']);
    expect(await bench.store.findMulticast('m1')).toEqual(made);
    if (await bench.reopen()) expect(await bench.store.findMulticast('m1')).toEqual(made);
    expect(await bench.store.findMulticast('m2')).toBeUndefined();
  });

  test('SB1 a target that names a slot of its own waits there, the others where the message says', async () => {
    const bench = at();
    const [ada, bob] = [await bench.channel('ada'), await bench.channel('bob')];
    const device = await bench.device(bob);
    const draft = multicast(bench, [ada, bob]);
    const targets = draft.targets.map((one, place) =>
      place === 1 ? { ...one, slot: 'q:31' as const } : one,
    );
    const { kept } = await bench.store.keepMulticast({ ...draft, targets });
    expect(kept.map(({ slot }) => slot)).toEqual(['1', 'q:31']);
    await bench.reopen();
    const missed = await bench.store.missed(device.key, 10);
    expect(missed.kept.map(({ slot, payload }) => [slot, payload])).toEqual([['q:31', 'hello']]);
  });

  test('VT4 a channel that was refused, or removed meanwhile, does not keep the others from getting it', async () => {
    const bench = at();
    const [ada, bob] = [await bench.channel('ada'), await bench.channel('bob')];
    await bench.store.setChannelState(ada.key, 'removed');
    const draft = multicast(bench, [ada, bob]);
    const refused = { channelId: bob.id, channel: null, refusal: 'app-not-owned' as const };
    const { multicast: made, kept } = await bench.store.keepMulticast({
      ...draft,
      targets: [...draft.targets, refused],
    });
    expect(versions(made.targets)).toEqual(['channel-invalid', (kept[0] as Kept).version, 'app-not-owned']);
    expect(kept).toHaveLength(1);
  });

  test('VT6 the same key and body get the first answer, and nothing is kept or counted again', async () => {
    const bench = at();
    const ada = await bench.channel();
    const first = await bench.store.keepMulticast(multicast(bench, [ada], { key: 'k' }));
    const again = await bench.store.keepMulticast(multicast(bench, [ada], { id: 'm2', key: 'k' }));
    expect(again).toEqual({ multicast: first.multicast, kept: [], dropped: [] });
    expect(await bench.store.acceptedOn(PROJECT, TODAY)).toBe(1);
    expect(await bench.store.findMulticast('m2')).toBeUndefined();
  });

  test('VT6 another body under the key is refused; another project has keys of its own', async () => {
    const bench = at();
    const ada = await bench.channel();
    await bench.store.keepMulticast(multicast(bench, [ada], { key: 'k' }));
    const other = multicast(bench, [ada], { id: 'm2', key: 'k', bodyHash: 'b' });
    expect(await refusal(bench.store.keepMulticast(other))).toBe('idempotency-conflict');
    const elsewhere = multicast(bench, [ada], { id: 'm3', key: 'k', message: { project: '222222222222' } });
    expect((await bench.store.keepMulticast(elsewhere)).kept).toHaveLength(1);
  });

  test('VT6 a key is free again after a day, whatever the body', async () => {
    const bench = at();
    const ada = await bench.channel();
    await bench.store.keepMulticast(multicast(bench, [ada], { key: 'k' }));
    bench.clock.advance(DAY - 1);
    const other = multicast(bench, [ada], { id: 'm2', key: 'k', bodyHash: 'b' });
    expect(await refusal(bench.store.keepMulticast(other))).toBe('idempotency-conflict');
    bench.clock.advance(1);
    expect((await bench.store.keepMulticast(other)).kept).toHaveLength(1);
    expect((await bench.store.keepMulticast(other)).kept).toHaveLength(0);
    expect((await bench.store.findMulticast('m1'))?.id).toBe('m1');
  });

  test('VT6 two at the same time under one key are one', async () => {
    const bench = at();
    const ada = await bench.channel();
    const both = await Promise.all(
      ['m1', 'm2'].map((id) => bench.store.keepMulticast(multicast(bench, [ada], { id, key: 'k' }))),
    );
    expect(both.map(({ multicast: { id } }) => id)).toEqual(['m1', 'm1']);
    expect(both.map(({ kept }) => kept.length)).toEqual([1, 0]);
  });

  test('VT7 a multicast counts once as a message and per channel as a target; too much is refused whole', async () => {
    const bench = at();
    const channels = [await bench.channel('ada'), await bench.channel('bob')];
    const bounds = { dailyTargets: 3, message: { dailyQuota: 2 } };
    await bench.store.keepMulticast(multicast(bench, channels, bounds));
    expect(await bench.store.acceptedOn(PROJECT, TODAY)).toBe(1);
    const two = multicast(bench, channels, { ...bounds, id: 'm2' });
    expect(await refusal(bench.store.keepMulticast(two))).toBe('targets-exceeded');
    expect(await bench.store.acceptedOn(PROJECT, TODAY)).toBe(1);
    await bench.store.keepMulticast(multicast(bench, channels.slice(1), { ...bounds, id: 'm2' }));
    const none = multicast(bench, [], { ...bounds, id: 'm3' });
    expect(await refusal(bench.store.keepMulticast(none))).toBe('quota-exceeded');
    if (!(await bench.reopen())) return;
    expect(await refusal(bench.store.keepMulticast(none))).toBe('quota-exceeded');
  });
}

/** One multicast to the channel of one device. */
async function one(bench: Bench, rest: Parameters<typeof multicast>[2] = {}) {
  const channel = await bench.channel();
  const device = await bench.device(channel);
  const { kept } = await bench.store.keepMulticast(multicast(bench, [channel], rest));
  return { channel, device, kept: kept[0] as Kept };
}

function stateTests(at: () => Bench): void {
  test('VT8 the first time that it went out and the first run of a tracked message are noted', async () => {
    const bench = at();
    const { device, kept } = await one(bench);
    const start = bench.clock.now();
    for (const step of ['sent', 'taken', 'confirm'] as const) {
      bench.clock.advance(10);
      await bench.store[step](device.key, kept.version);
      await bench.store.sent(device.key, kept.version);
    }
    const trace = { state: 'confirmed', at: start + 30, sentAt: start + 10, receivedAt: start + 20 };
    expect(await bench.on(device, kept)).toMatchObject(trace);
    if (await bench.reopen()) expect(await bench.on(device, kept)).toMatchObject(trace);
  });

  test('VT8 a confirm or a failed run without a word before is also the first run', async () => {
    const bench = at();
    const { device, kept } = await one(bench);
    await bench.store.runFailed(device.key, kept.version);
    const receivedAt = bench.clock.now();
    expect(await bench.on(device, kept)).toMatchObject({ state: 'waiting', failedRuns: 1, receivedAt });
    bench.clock.advance(10);
    await bench.store.confirm(device.key, kept.version);
    expect(await bench.on(device, kept)).toMatchObject({ state: 'confirmed', receivedAt });
  });

  test('VT8 of a message of the first API no steps are noted', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const kept = await bench.keep(channel, '1', 'plain');
    await bench.store.sent(device.key, kept.version);
    await bench.store.taken(device.key, kept.version);
    expect(Object.keys((await bench.on(device, kept)) ?? {})).not.toContain('sentAt');
    expect(Object.keys((await bench.on(device, kept)) ?? {})).not.toContain('receivedAt');
  });

  test('VT10 the last confirm of a channel is known for good', async () => {
    const bench = at();
    const { channel, device, kept } = await one(bench);
    expect(await bench.store.lastConfirmed(channel.key)).toBeUndefined();
    await bench.store.confirm(device.key, kept.version);
    const confirmedAt = bench.clock.now();
    bench.clock.advance(30 * DAY);
    await bench.store.prune();
    expect(await bench.store.lastConfirmed(channel.key)).toBe(confirmedAt);
    if (await bench.reopen()) expect(await bench.store.lastConfirmed(channel.key)).toBe(confirmedAt);
  });
}

let queuedSoFar = 0;

/** Sends to the queue of subchannel 1, one multicast for each payload; answers what was kept and what was dropped. */
async function queue(bench: Bench, channel: Channel, payloads: readonly string[], rest: Partial<Draft> = {}) {
  const kept: Kept[] = [];
  const dropped: unknown[] = [];
  for (const payload of payloads) {
    const draft = multicast(bench, [channel], { message: { slot: 'q:1', payload, ...rest } });
    const made = await bench.store.keepMulticast({ ...draft, id: `queued ${++queuedSoFar}` });
    kept.push(...made.kept);
    dropped.push(...made.dropped);
  }
  return { kept, dropped };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`);
const most = limits.queuedPerSubchannel;

function queueTests(at: () => Bench): void {
  test('VT13 what does not collapse waits in order on each device and ends one by one', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [first, second] = [await bench.device(channel), await bench.device(channel)];
    const { kept } = await queue(bench, channel, ['a', 'b', 'c']);
    const middle = kept[1] as Kept;
    await bench.store.taken(first.key, middle.version);
    await bench.store.confirm(first.key, middle.version);
    expect(await bench.waiting(first)).toEqual(['a', 'c']);
    expect(await bench.waiting(second)).toEqual(['a', 'b', 'c']);
    expect(await bench.waiting(second, { after: (kept[0] as Kept).version })).toEqual(['b', 'c']);
    expect(await bench.state(first, kept[0] as Kept)).toBe('waiting');
    if (await bench.reopen()) expect(await bench.waiting(first)).toEqual(['a', 'c']);
    for (let run = 0; run < limits.failedRuns; run++) {
      await bench.store.runFailed(first.key, (kept[2] as Kept).version);
    }
    expect(await bench.waiting(first)).toEqual(['a']);
  });

  test('VT13 what collapses on the same subchannel replaces nothing of the queue, and is not replaced by it', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const plain = await bench.keep(channel, '1', 'plain');
    const { kept } = await queue(bench, channel, ['a', 'b']);
    expect(await bench.waiting(device)).toEqual(['plain', 'a', 'b']);
    await bench.store.confirm(device.key, (kept[1] as Kept).version);
    await bench.keep(channel, '1', 'plainer');
    expect(await bench.waiting(device)).toEqual(['plainer', 'a']);
    expect(await bench.state(device, plain)).toBe('superseded');
  });

  test('VT14 of more than a hundred that wait the oldest ends as superseded where it waits', async () => {
    const bench = at();
    const channel = await bench.channel();
    const [away, here] = [await bench.device(channel), await bench.device(channel)];
    const { kept, dropped: none } = await queue(bench, channel, numbers(1, most));
    expect(none).toEqual([]);
    const oldest = kept[0] as Kept;
    await bench.store.confirm(here.key, oldest.version);
    const { dropped } = await queue(bench, channel, ['more']);
    expect(dropped).toEqual([{ channel: channel.key, version: oldest.version }]);
    expect([await bench.state(away, oldest), await bench.state(here, oldest)]).toEqual([
      'superseded',
      'confirmed',
    ]);
    expect(await bench.waiting(away)).toEqual([...numbers(2, most), 'more']);
    if (await bench.reopen()) expect(await bench.state(away, oldest)).toBe('superseded');
    // A run that was under way is a fact.
    await bench.store.confirm(away.key, oldest.version);
    expect(await bench.state(away, oldest)).toBe('confirmed');
  });

  test('VT14 what ended everywhere or expired takes no place, other subchannels and channels neither', async () => {
    const bench = at();
    const [channel, other] = [await bench.channel('ada'), await bench.channel('bob')];
    const device = await bench.device(channel);
    await bench.device(other);
    const { kept } = await queue(bench, channel, numbers(1, 50));
    await queue(bench, channel, numbers(51, most), { expiresAt: bench.clock.now() + 1_000 });
    await queue(bench, other, numbers(1, most));
    await queue(bench, channel, numbers(1, most), { slot: 'q:0' });
    await bench.store.confirm(device.key, (kept[0] as Kept).version);
    expect((await queue(bench, channel, ['a'])).dropped).toEqual([]);
    bench.clock.advance(1_000);
    expect((await queue(bench, channel, numbers(1, 50))).dropped).toEqual([]);
    expect((await queue(bench, channel, ['b'])).dropped).toEqual([
      { channel: channel.key, version: (kept[1] as Kept).version },
    ]);
  });

  test('VT14 without a device nothing waits, and a device that leaves makes room', async () => {
    const bench = at();
    const channel = await bench.channel();
    expect((await queue(bench, channel, numbers(1, most + 1))).dropped).toEqual([]);
    const device = await bench.device(channel);
    await queue(bench, channel, numbers(1, most));
    await bench.store.removeDevice(device.key);
    await bench.device(channel);
    expect((await queue(bench, channel, numbers(1, most))).dropped).toEqual([]);
  });

  test('VT13 a message of a queue goes when its state need not be kept and it has ended, its marks disturb nobody', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const { kept } = await queue(bench, channel, ['a', 'b', 'c']);
    await bench.store.confirm(device.key, (kept[1] as Kept).version);
    bench.clock.advance(8 * DAY);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.waiting(device)).toEqual(['a', 'c']);
    bench.clock.advance(retentionMs);
    expect(await bench.store.prune()).toBe(2);
  });
}

function anyTests(at: () => Bench): void {
  async function three(bench: Bench, rest: Partial<Draft> = {}) {
    const channel = await bench.channel();
    const devices = [await bench.device(channel), await bench.device(channel), await bench.device(channel)];
    const draft = multicast(bench, [channel], { message: { deliver: 'any', ...rest } });
    const kept = (await bench.store.keepMulticast(draft)).kept[0] as Kept;
    const states = () => Promise.all(devices.map((device) => bench.state(device, kept)));
    return { channel, devices: devices as [Device, Device, Device], kept, states };
  }

  test('VT17 the first confirm ends it on the others as withdrawn', async () => {
    const bench = at();
    const { devices, kept, states } = await three(bench);
    expect(kept.deliver).toBe('any');
    const [first, second] = devices;
    expect((await bench.store.missed(second.key, 1)).kept).toEqual([kept]);
    expect(await bench.store.confirm(second.key, kept.version)).toBe(true);
    expect(await states()).toEqual(['withdrawn', 'confirmed', 'withdrawn']);
    expect(await bench.waiting(first)).toEqual([]);
    expect(await bench.store.confirm(second.key, kept.version)).toBe(false);
    if (await bench.reopen()) expect(await states()).toEqual(['withdrawn', 'confirmed', 'withdrawn']);
  });

  test('VT17 what every device handles ends on none by the confirm of another', async () => {
    const bench = at();
    const { channel, device, kept } = await one(bench);
    await bench.device(channel);
    expect(await bench.store.confirm(device.key, kept.version)).toBe(false);
    expect(kept).not.toContainKey('deliver');
  });

  test('VT17 in a queue the others wait for the rest of it, and a failure ends it for nobody else', async () => {
    const bench = at();
    const { channel, devices, kept, states } = await three(bench, { slot: 'q:1' });
    const [first, second] = devices;
    await queue(bench, channel, ['next']);
    for (let run = 0; run < limits.failedRuns; run++) await bench.store.runFailed(first.key, kept.version);
    expect(await states()).toEqual(['failed', 'waiting', 'waiting']);
    await bench.store.confirm(second.key, kept.version);
    expect(await states()).toEqual(['failed', 'confirmed', 'withdrawn']);
    expect(await bench.waiting(devices[2])).toEqual(['next']);
  });

  test('VT18 a run under way when another confirms is recorded when it ends well, and not repeated when it fails', async () => {
    const bench = at();
    const { devices, kept, states } = await three(bench);
    const [first, second, third] = devices;
    for (const { key } of devices) await bench.store.taken(key, kept.version);
    await bench.store.confirm(first.key, kept.version);
    expect(await bench.store.runFailed(second.key, kept.version)).toEqual({ failedRuns: 0, ended: true });
    expect(await bench.store.confirm(third.key, kept.version)).toBe(false);
    expect(await states()).toEqual(['confirmed', 'withdrawn', 'confirmed']);
  });
}

function seenTests(at: () => Bench): void {
  test('VT20 only what is beyond an earlier one counts, and only versions that the device can have', async () => {
    const bench = at();
    const { store } = bench;
    const channel = await bench.channel();
    const before = await bench.keep(channel, '1', 'before');
    const device = await bench.device(channel);
    const other = await bench.device(channel);
    const [first, second] = [await bench.keep(channel, '1', 'a'), await bench.keep(channel, '1', 'b')];
    const mark = (version: number, of = device) =>
      store.markSeen(of.key, { subchannel: 1, version: version as Version });
    expect(await mark(before.version)).toBe(false);
    expect(await mark(second.version + 1)).toBe(false);
    expect(await mark(first.version)).toBe(true);
    expect(await mark(first.version, other)).toBe(false);
    expect(await mark(second.version, other)).toBe(true);
    expect(await mark(first.version)).toBe(false);
    await store.markSeen(device.key, { subchannel: 0, version: first.version });
    const seen = [
      { subchannel: 0, version: first.version },
      { subchannel: 1, version: second.version },
    ];
    expect(await store.seenOf(channel.key)).toEqual(seen);
    if (await bench.reopen()) expect(await bench.store.seenOf(channel.key)).toEqual(seen);
    await bench.store.removeDevice(device.key);
    expect(await bench.store.markSeen(device.key, { subchannel: 2, version: second.version })).toBe(false);
  });

  test('VT21 what was seen is forgotten with the channel', async () => {
    const bench = at();
    const { channel, device, kept } = await one(bench);
    await bench.store.markSeen(device.key, { subchannel: 1, version: kept.version });
    await bench.store.setChannelState(channel.key, 'removed');
    expect(await bench.store.seenOf(channel.key)).toEqual([]);
    expect((await bench.store.traced(kept.version))?.seenAt).toBeUndefined();
  });

  test('VT22 a message was seen when it, or a later one of its subchannel, was first seen', async () => {
    const bench = at();
    const { channel, device, kept: first } = await one(bench);
    const { kept: queued } = await queue(bench, channel, ['queued']);
    const elsewhere = await bench.keep(channel, '2', 'elsewhere');
    const last = await bench.keep(channel, '1', 'last');
    const seenAt = (version: Version) => bench.store.traced(version).then((trace) => trace?.seenAt);
    await bench.store.markSeen(device.key, { subchannel: 1, version: first.version });
    const early = bench.clock.now();
    bench.clock.advance(1_000);
    await bench.store.markSeen(device.key, { subchannel: 1, version: (queued[0] as Kept).version });
    expect(await seenAt(first.version)).toBe(early);
    expect(await seenAt((queued[0] as Kept).version)).toBe(bench.clock.now());
    expect([await seenAt(last.version), await seenAt(elsewhere.version)]).toEqual([undefined, undefined]);
  });

  test('VT20 the last hundred times are remembered', async () => {
    const bench = at();
    const channel = await bench.channel();
    const device = await bench.device(channel);
    const versions: Version[] = [];
    for (let n = 0; n <= limits.seenRemembered; n++) {
      const { version } = await bench.keep(channel, '0', `${n}`);
      versions.push(version);
      bench.clock.advance(1);
      await bench.store.markSeen(device.key, { subchannel: 0, version });
    }
    const [first, second] = versions as [Version, Version];
    const seenAt = (version: Version) => bench.store.traced(version).then((trace) => trace?.seenAt);
    expect(await seenAt(first)).toBe((await seenAt(second)) as number);
  });
}

function pruningTests(at: () => Bench): void {
  test('VT8 the state of a message that has ended stays for seven days, then it goes with its multicast', async () => {
    const bench = at();
    const { device, kept } = await one(bench);
    await bench.store.confirm(device.key, kept.version);
    bench.clock.advance(7 * DAY - 1);
    expect(await bench.store.prune()).toBe(0);
    expect(await bench.state(device, kept)).toBe('confirmed');
    expect(await bench.store.findMulticast('m1')).toBeDefined();
    bench.clock.advance(1);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.store.traced(kept.version)).toBeUndefined();
    expect(await bench.store.findMulticast('m1')).toBeUndefined();
  });

  test('VT8 one that was replaced stays for its state, and an expired one too', async () => {
    const bench = at();
    const { channel, device, kept } = await one(bench, { message: { expiresAt: bench.clock.now() + 1_000 } });
    const { kept: second } = await bench.store.keepMulticast(multicast(bench, [channel], { id: 'm2' }));
    const plain = await bench.keep(channel, '1', 'plain');
    await bench.store.confirm(device.key, plain.version);
    bench.clock.advance(2 * DAY);
    expect(await bench.store.prune()).toBe(1);
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(0);
    expect(await bench.state(device, second[0] as Kept)).toBe('superseded');
    expect(await bench.store.traced(kept.version)).toBeDefined();
    bench.clock.advance(4 * DAY);
    expect(await bench.store.prune()).toBe(2);
  });

  test('VT8 one that waits stays after its seven days too, until it ends', async () => {
    const bench = at();
    const { device, kept } = await one(bench);
    bench.clock.advance(3 * DAY);
    await bench.store.prune();
    bench.clock.advance(5 * DAY);
    expect(await bench.store.prune()).toBe(0);
    expect(await bench.waiting(device)).toEqual(['hello']);
    await bench.store.confirm(device.key, kept.version);
    expect(await bench.store.prune()).toBe(1);
  });

  test('VT8 one that waits after its seven days goes when it is replaced, or at its end', async () => {
    const bench = at();
    const { channel, device } = await one(bench);
    const { kept } = await bench.store.keepMulticast(
      multicast(bench, [channel], { id: 'm2', message: { slot: '2' } }),
    );
    bench.clock.advance(8 * DAY);
    await bench.store.prune();
    await bench.keep(channel, '1', 'newer', { expiresAt: bench.clock.now() + 40 * DAY });
    bench.clock.advance(DAY);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.waiting(device)).toEqual(['hello', 'newer']);
    bench.clock.advance(retentionMs);
    expect(await bench.store.prune()).toBe(1);
    expect(await bench.store.traced((kept[0] as Kept).version)).toBeUndefined();
  });
}
