import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { AppId } from '../../protocol/app-id.ts';
import type { ChannelId } from '../../protocol/channel-id.ts';
import { limits, retentionMs } from '../../protocol/limits.ts';
import { urgencies } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import { ManualClock, seededRandom } from '../core/manual-clock.ts';
import type { ChannelKey, DeviceKey, Store } from '../core/store.ts';
import { MemoryStore } from './memory.ts';
import { openSqliteStore } from './sqlite/store.ts';

/**
 * The same random calls on both engines must get the same answers. Nothing is compared inside: whatever one engine does
 * otherwise shows in an answer sooner or later. A failing sequence is printed with its seed; to see it again run
 * `FUZZ_SEED=… bun test server/stores/alike.test.ts`, then give it a name in contract.ts.
 */
const SEED = Number(process.env.FUZZ_SEED ?? 2_013);
const RUNS = Number(process.env.FUZZ_RUNS ?? 150);
const HOUR = 3_600_000;
const APPS = ['abcdefghijklmnopabcdefghijklmnop', 'ponmlkjihgfedcbaponmlkjihgfedcba'] as AppId[];

/** What an engine has given out so far; a call names a channel, device or version by its place in here. */
interface Known {
  readonly channels: ChannelKey[];
  readonly devices: DeviceKey[];
  readonly deviceIds: string[];
  readonly versions: Version[];
  readonly multicasts: string[];
}

type Call = (store: Store, known: Known, clock: ManualClock) => Promise<unknown>;

/** A call with a name to print. `writes`: it answers from inside its commit, so it may share a moment with others. */
interface Step {
  readonly name: string;
  readonly writes: boolean;
  readonly call: Call;
}

const step = (writes: boolean, name: string, call: Call): Step => ({ name, writes, call });
const pick = <Item>(items: readonly Item[], place: number): Item | undefined => items[place % items.length];
const place = fc.nat({ max: 30 });
const user = fc.constantFrom('ada', 'bob', 'eve');
const app = fc.constantFrom(...APPS);

const onDevice = (
  name: string,
  run: (store: Store, device: DeviceKey, version: Version) => Promise<unknown>,
  writes = true,
) =>
  fc.tuple(place, place).map(([device, back]) =>
    step(writes, `${name}(device ${device}, version -${back})`, async (store, known) => {
      const version = known.versions.at(-1 - (back % Math.max(1, known.versions.length)));
      return run(store, pick(known.devices, device) ?? (9 as DeviceKey), version ?? (5 as Version));
    }),
  );

const keep = fc
  .record({
    channel: place,
    slot: fc.constantFrom('0', '0', '1', 't:a', 't:b', null, null),
    ttl: fc.constantFrom(0, 1_000, 2 * HOUR, 30 * HOUR, retentionMs, retentionMs),
    dailyQuota: fc.constantFrom(0, 0, 0, 12),
    project: fc.constantFrom('1', '2'),
    more: fc.constantFrom(
      {},
      {},
      { headers: { encoding: 'aes128gcm' as const }, receipts: 'r' },
      { urgency: 'low' as const },
    ),
  })
  .map(({ channel, ttl, more, ...draft }) =>
    step(
      true,
      `keep(channel ${channel}, ${draft.slot}, ttl ${ttl}, project ${draft.project})`,
      async (store, known, clock) => {
        const kept = await store.keep({
          ...draft,
          ...more,
          channel: pick(known.channels, channel) ?? (9 as ChannelKey),
          payload: `${ttl}`,
          expiresAt: clock.now() + ttl,
          quotaDay: new Date(clock.now()).toISOString().slice(0, 10),
        });
        known.versions.push(kept.version);
        return kept;
      },
    ),
  );

const multicast = fc
  .record({
    channels: fc.array(place, { minLength: 1, maxLength: 4 }),
    slot: fc.constantFrom('0', '1', 'q:0', 'q:0', 'q:1'),
    ttl: fc.constantFrom(1_000, 2 * HOUR, 30 * HOUR, retentionMs),
    key: fc.constantFrom(null, null, 'a', 'b'),
    deliver: fc.constantFrom({}, {}, { deliver: 'any' as const }),
    bodyHash: fc.constantFrom('x', 'x', 'y'),
    dailyTargets: fc.constantFrom(0, 0, 20),
    copies: fc.constantFrom(1, 1, 1, limits.queuedPerSubchannel),
  })
  .map(({ channels, slot, ttl, copies, deliver, ...draft }) =>
    step(
      false,
      `keepMulticast(channels ${channels}, ${slot}, ttl ${ttl}, ${draft.key}, ${copies} times)`,
      async (store, known, clock) => {
        const keys = new Set(channels.map((one) => pick(known.channels, one) ?? (9 as ChannelKey)));
        const targets = [...keys].map((channel) => ({
          channelId: `${channel}` as ChannelId,
          channel,
          refusal: null,
        }));
        const answers = [];
        for (let copy = 0; copy < copies; copy++) {
          const id = `m${known.multicasts.push(`m${known.multicasts.length}`) - 1}`;
          const message = {
            ...deliver,
            slot,
            payload: id,
            expiresAt: clock.now() + ttl,
            project: '1',
            dailyQuota: 0,
          };
          const quotaDay = new Date(clock.now()).toISOString().slice(0, 10);
          const made = await store.keepMulticast({
            ...draft,
            id,
            targets,
            message: { ...message, quotaDay },
          });
          known.versions.push(...made.kept.map(({ version }) => version));
          answers.push(made);
        }
        return answers;
      },
    ),
  );

const register = fc.tuple(place, fc.constantFrom(null, 'here', 'there')).map(([channel, signIn]) =>
  step(true, `register(channel ${channel}, ${signIn})`, async (store, known) => {
    const id = `device ${known.deviceIds.length}`;
    known.deviceIds.push(id);
    const key = pick(known.channels, channel) ?? (9 as ChannelKey);
    const made = await store.register({ id, channel: key, tokenHash: id, name: id, signIn });
    known.devices.push(made.device.key);
    return made;
  }),
);

const openChannel = fc.tuple(user, app).map(([who, which]) =>
  step(false, `openChannel(${who}, ${which.slice(0, 2)})`, async (store, known) => {
    const channel = await store.openChannel(who, which);
    known.channels.push(channel.key);
    return channel;
  }),
);

const holder = fc.constantFrom('mcs:1', 'mcs:2');

/** Asks what expired, and says of the first subscription that it was told. */
async function tellOfExpired(store: Store, holder: string): Promise<readonly (Version | undefined)[]> {
  const subscriptions = await store.subscriptionsOf(holder);
  const expired = await Promise.all(subscriptions.map((one) => store.expiredUntold(one)));
  const [first] = subscriptions;
  if (first !== undefined && expired[0] !== undefined) await store.expiredTold(first, expired[0]);
  return expired;
}

/** Subscriptions join the known channels and devices: messages go there, and all that may be done to a device is tried. */
const subscribe = fc.tuple(holder, fc.constantFrom('a', 'b', 'c'), fc.boolean()).map(([who, name, renew]) =>
  step(false, `${renew ? 'renew' : 'open'}Subscription(${who}, ${name})`, async (store, known) => {
    const opened = renew ? await store.renewSubscription(who, name) : await store.openSubscription(who, name);
    if (opened?.fresh !== true) return opened;
    known.channels.push(opened.subscription.channel.key);
    known.devices.push(opened.subscription.key);
    return opened;
  }),
);

const subscriptionsOf = fc.oneof(
  fc
    .tuple(holder, fc.constantFrom('a', 'b', 'c'))
    .map(([who, name]) =>
      step(true, `removeSubscription(${who}, ${name})`, (store) => store.removeSubscription(who, name)),
    ),
  holder.map((who) => step(true, `removeHolder(${who})`, (store) => store.removeHolder(who))),
  holder.map((who) => step(true, `heldNow(${who})`, (store) => store.heldNow(who))),
  holder.map((who) => step(false, `subscriptionsOf(${who})`, (store) => store.subscriptionsOf(who))),
  holder.map((who) => step(false, `tellOfExpired(${who})`, (store) => tellOfExpired(store, who))),
  fc.constant(
    step(false, 'silentHolders()', (store, _known, clock) => store.silentHolders(clock.now() - HOUR, 5)),
  ),
);

const setState = fc
  .tuple(place, fc.constantFrom('live', 'live', 'paused', 'removed'))
  .map(([channel, state]) =>
    step(true, `setChannelState(channel ${channel}, ${state})`, (store, known) =>
      store.setChannelState(pick(known.channels, channel) ?? (9 as ChannelKey), state),
    ),
  );

const missed = fc
  .tuple(place, fc.constantFrom(1, 2, 100), fc.option(place), fc.constantFrom(undefined, ...urgencies))
  .map(([device, limit, after, lowest]) =>
    step(false, `missed(device ${device}, ${limit}, after ${after}, ${lowest})`, (store, known) => {
      const version = after === null ? undefined : (pick(known.versions, after) ?? (5 as Version));
      return store.missed(pick(known.devices, device) ?? (9 as DeviceKey), limit, { after: version, lowest });
    }),
  );

const advance = fc
  .constantFrom(1, 500, 1_000, HOUR, 25 * HOUR, retentionMs, 61 * 24 * HOUR, -1_000, -HOUR)
  .map((ms) => step(false, `advance(${ms})`, async (_store, _known, clock) => clock.advance(ms)));

/** The whole way out: what leaves the trace, what lingers, and what lingers no more. */
const aDayLater = fc.constant(
  step(false, 'prune() a day later', async (store, _known, clock) => {
    clock.advance(25 * HOUR);
    return store.prune();
  }),
);

const updates = fc
  .tuple(place, fc.constantFrom('a', null), fc.constantFrom(...urgencies))
  .map(([device, transport, lowestUrgency]) =>
    step(true, `updateDevice(device ${device})`, (store, known) =>
      store.updateDevice(pick(known.devices, device) ?? (9 as DeviceKey), {
        transport,
        name: `${transport}`,
        lowestUrgency,
      }),
    ),
  );

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: keep },
  { weight: 5, arbitrary: multicast },
  { weight: 4, arbitrary: register },
  {
    weight: 2,
    arbitrary: onDevice('sent', (store, device, version) => store.sent(device, version)),
  },
  { weight: 3, arbitrary: openChannel },
  { weight: 3, arbitrary: subscribe },
  { weight: 2, arbitrary: subscriptionsOf },
  { weight: 6, arbitrary: missed },
  {
    weight: 4,
    arbitrary: onDevice('taken', (store, device, version) => store.taken(device, version), false),
  },
  { weight: 6, arbitrary: onDevice('confirm', (store, device, version) => store.confirm(device, version)) },
  {
    weight: 6,
    arbitrary: onDevice('runFailed', (store, device, version) => store.runFailed(device, version)),
  },
  {
    weight: 2,
    arbitrary: onDevice('supersede', (store, device, version) => store.supersede(device, version)),
  },
  {
    weight: 1,
    arbitrary: onDevice('withdraw', (store, _device, version) => store.withdraw(version)),
  },
  { weight: 1, arbitrary: onDevice('removeDevice', (store, device) => store.removeDevice(device)) },
  {
    weight: 2,
    arbitrary: onDevice('markSeen', (store, device, version) =>
      store.markSeen(device, { subchannel: 0, version }),
    ),
  },
  { weight: 1, arbitrary: onDevice('seen', (store, device) => store.seen(device)) },
  { weight: 1, arbitrary: updates },
  { weight: 1, arbitrary: setState },
  { weight: 4, arbitrary: advance },
  { weight: 3, arbitrary: fc.constant(step(false, 'prune()', (store) => store.prune())) },
  { weight: 2, arbitrary: aDayLater },
  {
    weight: 1,
    arbitrary: fc.oneof(
      user.map((who) => step(false, `removeUser(${who})`, (store) => store.removeUser(who))),
      app.map((which) => step(false, `removeApp(${which.slice(0, 2)})`, (store) => store.removeApp(which))),
      fc.constant(step(true, 'removeSignIn(here)', (store) => store.removeSignIn('here'))),
    ),
  },
);

/** One moment: a call by itself, or up to four writes that are asked for together. */
const moment: fc.Arbitrary<readonly Step[]> = fc.oneof(
  anyStep.map((one) => [one]),
  fc.array(anyStep, { minLength: 2, maxLength: 4 }).map((steps) => steps.filter((one) => one.writes)),
);

/** All that can be asked without changing anything. */
async function everythingOf(store: Store, known: Known): Promise<unknown> {
  return {
    channels: await Promise.all(['ada', 'bob', 'eve'].map((who) => store.channelsOf(who))),
    subscriptions: await Promise.all(['mcs:1', 'mcs:2'].map((who) => store.subscriptionsOf(who))),
    devices: await Promise.all(known.deviceIds.map((id) => store.findDevice(id))),
    left: await store.leftAfter(0, 9),
    wakeable: await store.wakeable({ after: null, limit: 99 }),
    ofChannels: await Promise.all(known.channels.map((key) => store.devicesOf(key))),
    traces: await Promise.all(['1', '2', '3'].map((project) => store.trace({ project }, 7))),
    ofReceipts: await store.trace({ receipts: 'r' }, 9),
    ofChannel: await Promise.all(known.channels.map((channel) => store.trace({ channel }, 50))),
    traced: await Promise.all(known.versions.map((version) => store.traced(version))),
    multicasts: await Promise.all(known.multicasts.map((id) => store.findMulticast(id))),
    seen: await Promise.all(known.channels.map((channel) => store.seenOf(channel))),
    confirmed: await Promise.all(known.channels.map((channel) => store.lastConfirmed(channel))),
    accepted: await Promise.all(['1', '2'].map((project) => store.acceptedOn(project, '2026-11-24'))),
  };
}

/** Runs the moments and answers everything that was said: the answers and refusals of each, and the whole at the end. */
async function told(
  open: (clock: ManualClock) => Promise<Store>,
  moments: readonly (readonly Step[])[],
): Promise<unknown[]> {
  const clock = new ManualClock();
  const store = await open(clock);
  const known: Known = { channels: [], devices: [], deviceIds: [], versions: [], multicasts: [] };
  for (const who of ['ada', 'ada', 'bob']) {
    const channel = await store.openChannel(who, APPS[0] as AppId);
    const id = `device ${known.deviceIds.push(`device ${known.deviceIds.length}`) - 1}`;
    const draft = { id, channel: channel.key, tokenHash: id, name: id, signIn: null };
    known.channels.push(channel.key);
    known.devices.push((await store.register(draft)).device.key);
  }
  const answers: unknown[] = [];
  for (const steps of moments) {
    const settled = await Promise.allSettled(steps.map((one) => one.call(store, known, clock)));
    for (const [index, one] of settled.entries()) {
      const answer =
        one.status === 'fulfilled' ? one.value : `refused: ${(one.reason as { code: string }).code}`;
      answers.push({ step: steps[index]?.name, answer });
    }
  }
  answers.push(await everythingOf(store, known));
  await store.close();
  return answers;
}

test('ST9 the stores in memory and on SQLite answer the same random calls alike', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-alike-'));
  let stores = 0;
  const sqlite = (clock: ManualClock) => {
    stores += 1;
    const options = { clock, random: seededRandom(3), synchronous: 'NORMAL' as const };
    return openSqliteStore({ folder: join(folder, String(stores)), ...options });
  };
  const memory = async (clock: ManualClock) => new MemoryStore({ clock, random: seededRandom(3) });
  console.log(`seed of the random calls: ${SEED}`);
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { minLength: 20, maxLength: 120, size: 'max' }), async (moments) => {
        expect(await told(sqlite, moments)).toEqual(await told(memory, moments));
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: process.env.FUZZ_SHRINK === undefined },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
