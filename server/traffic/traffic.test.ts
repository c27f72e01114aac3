import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import { type OpenControlDatabase, openControlDatabase } from '../accounts/open-database.ts';
import { ManualClock, seededRandom } from '../core/manual-clock.ts';
import type { Kept } from '../core/store.ts';
import { MemoryStore } from '../stores/memory.ts';
import { type Counts, percentile, refusalsOf, tookKind } from './counts.ts';
import { type Span, TrafficLedger, type TrafficOf } from './ledger.ts';
import { TrafficMeter } from './meter.ts';

const P = '111111111111';
const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;
const OTHER = 'ponmlkjihgfedcbaponmlkjihgfedcba' as AppId;
const HOUR = 3_600_000;

let folder: string;
let control: OpenControlDatabase;
let clock: ManualClock;
let store: MemoryStore;
let meter: TrafficMeter;
let ledger: TrafficLedger;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-traffic-'));
  control = await openControlDatabase(join(folder, 'control.db'));
  clock = new ManualClock(Date.UTC(2026, 10, 24, 12, 30));
  store = new MemoryStore({ clock, random: seededRandom(7) });
  meter = new TrafficMeter(clock);
  meter.watch(store);
  ledger = new TrafficLedger(control.db);
});

afterEach(async () => {
  await control.close();
  rmSync(folder, { recursive: true });
});

async function read(of: TrafficOf = { project: P }, span: Span = 'hour') {
  await meter.flush(ledger);
  return await ledger.read(of, span, clock.now());
}

/** Without the boxes of times. */
const plain = (counts: Counts): Record<string, number> =>
  Object.fromEntries([...counts].filter(([kind]) => !kind.startsWith('took:')).sort());

async function channelWith(devices: number, app = APP) {
  const channel = await store.openChannel('ada', app);
  const registered = [];
  for (let count = 0; count < devices; count += 1) {
    const id = `device ${count} of ${app}`;
    const draft = { id, channel: channel.key, tokenHash: id, name: id, signIn: null };
    registered.push((await store.register(draft)).device);
  }
  return { channel, devices: registered };
}

async function keep(channel: { key: Kept['channel'] }, project = P, slot = '0'): Promise<Kept> {
  const kept = await store.keep({
    ...{ channel: channel.key, slot, payload: 'x', expiresAt: clock.now() + HOUR },
    ...{ project, dailyQuota: 0, quotaDay: '2026-11-24' },
  });
  meter.events.accepted(kept.version, project, project === 'web-push' ? '' : APP);
  return kept;
}

test('TF1 what was accepted, delivered once to each device, refused, and how it ended', async () => {
  const { channel, devices } = await channelWith(2);
  const [a, b] = [await keep(channel), await keep(channel)];
  meter.events.offered(
    b.version,
    devices.map(({ id }) => id),
  );
  meter.events.offered(b.version, [devices[0]?.id ?? '']);
  meter.events.woken(a.version, devices[0]?.id ?? '', 'sent');
  meter.events.woken(a.version, devices[1]?.id ?? '', 'gone');
  for (const { key } of devices) await store.confirm(key, b.version);
  meter.events.turnedAway(P, '', 'payload-too-long');
  meter.events.turnedAway(P, APP, 'quota-exceeded');
  meter.events.turnedAway(P, APP, 'quota-exceeded');
  const { total, apps } = await read();
  expect(plain(total)).toEqual({
    ...{ accepted: 2, confirmed: 2, delivered: 3, superseded: 2 },
    ...{ 'refused:payload-too-long': 1, 'refused:quota-exceeded': 2 },
  });
  expect(refusalsOf(total)).toEqual([
    ['quota-exceeded', 2],
    ['payload-too-long', 1],
  ]);
  expect(apps.map(({ app, counts }) => [app, counts.get('refused:payload-too-long')])).toEqual([
    [APP, undefined],
    ['', 1],
  ]);
  expect(plain((await read({ app: APP })).total).accepted).toBe(2);
  expect(plain((await read({ project: P, app: OTHER })).total)).toEqual({});
});

test('TF1 a push of a web push sender is not counted, and does not cost a look into the store', async () => {
  const { subscription } = (await store.openSubscription('mcs:1' as never, 'wp:a')) ?? {};
  if (subscription === undefined) throw new Error('removed');
  const kept = await keep({ key: subscription.channel.key }, 'web-push');
  store.traced = () => Promise.reject(new Error('a look into the store'));
  meter.events.offered(kept.version, ['mcs:1']);
  await store.confirm(subscription.key, kept.version);
  meter.events.turnedAway('', '', 'push-invalid');
  await meter.flush(ledger);
  expect(await control.db.selectFrom('traffic').selectAll().execute()).toEqual([]);
});

test('TF1 a delivery of a message from before the start is counted after a look into the store', async () => {
  const { channel, devices } = await channelWith(1);
  const kept = await keep(channel);
  const restarted = new TrafficMeter(clock);
  restarted.watch(store);
  restarted.events.offered(kept.version, [devices[0]?.id ?? '']);
  restarted.events.offered(kept.version, [devices[0]?.id ?? '']);
  restarted.events.offered((kept.version + 1) as Version, [devices[0]?.id ?? '']);
  await restarted.flush(ledger);
  expect(plain((await ledger.read({ app: APP }, 'hour', clock.now())).total)).toEqual({ delivered: 1 });
});

test('TF2 nothing is written before a flush, and what could not be written is added once later', async () => {
  const { channel } = await channelWith(0);
  await keep(channel);
  expect((await ledger.read({ project: P }, 'hour', clock.now())).total.size).toBe(0);
  const broken = { add: () => Promise.reject(new Error('disk full')) };
  await expect(meter.flush(broken)).rejects.toThrow('disk full');
  clock.advance(60_000);
  await keep(channel);
  await expect(meter.flush(broken)).rejects.toThrow('disk full');
  const { total, steps } = await read();
  expect(plain(total)).toEqual({ accepted: 2 });
  expect(steps.slice(-2).map(({ counts }) => counts.get('accepted'))).toEqual([1, 1]);
  expect(plain((await read()).total)).toEqual({ accepted: 2 });
});

test('TF2 of a disk that takes nothing for longer than half an hour the oldest minutes are given up', async () => {
  const { channel } = await channelWith(0);
  for (let minute = 0; minute < limits.trafficMinutesWaiting + 5; minute += 1) {
    await keep(channel);
    clock.advance(60_000);
  }
  expect(plain((await read()).total).accepted).toBe(limits.trafficMinutesWaiting + 1);
});

test('TF3 what was counted is there after the database was opened again, and further counts add to it', async () => {
  const { channel } = await channelWith(0);
  await keep(channel);
  await meter.flush(ledger);
  await control.close();
  control = await openControlDatabase(join(folder, 'control.db'));
  ledger = new TrafficLedger(control.db);
  await keep(channel);
  expect(plain((await read()).total)).toEqual({ accepted: 2 });
});

test('TF3 minutes go after 26 hours, hours after 90 days, and each span reads what it should', async () => {
  const { channel } = await channelWith(0);
  await keep(channel);
  await meter.flush(ledger);
  const spanTotals = async () =>
    await Promise.all(
      (['hour', 'day', 'month'] as const).map(
        async (span) => plain((await read(undefined, span)).total).accepted ?? 0,
      ),
    );
  expect(await spanTotals()).toEqual([1, 1, 1]);
  clock.advance(2 * HOUR);
  expect(await spanTotals()).toEqual([0, 1, 1]);
  clock.advance(limits.trafficMinuteHours * HOUR);
  await ledger.prune(clock.now());
  expect(await control.db.selectFrom('traffic').select('grain').execute()).toEqual([{ grain: 'hour' }]);
  expect(await spanTotals()).toEqual([0, 0, 1]);
  clock.advance(limits.trafficHourDays * 24 * HOUR);
  await ledger.prune(clock.now());
  expect(await control.db.selectFrom('traffic').select('grain').execute()).toEqual([]);
});

test('TF3 apps beyond the bound of a minute are counted together', async () => {
  for (let app = 0; app < limits.trafficSeries + 20; app += 1)
    meter.events.turnedAway(P, `app ${app}`, 'quota-exceeded');
  await meter.flush(ledger);
  const minutes = control.db.selectFrom('traffic').where('grain', '=', 'minute');
  expect(await minutes.where('app', '=', '').select('count').execute()).toEqual([{ count: 20 }]);
  expect((await read()).total.get('refused:quota-exceeded')).toBe(limits.trafficSeries + 20);
});

test('TF4 percentiles are the bounds of their boxes; without a confirm there are none', () => {
  const counts = new Map<string, number>();
  const took = (ms: number, times: number) =>
    counts.set(tookKind(ms), (counts.get(tookKind(ms)) ?? 0) + times);
  expect(percentile(counts, 0.5)).toBeUndefined();
  took(3, 90);
  took(40, 8);
  took(4_000, 1);
  took(2_000_000_000, 1);
  expect([0.5, 0.9, 0.95, 0.98, 0.99].map((part) => percentile(counts, part))).toEqual([5, 5, 50, 50, 5_000]);
  expect(percentile(counts, 1)).toBeUndefined();
});

test('TF4 the time of a confirm is that since its message was accepted', async () => {
  const { channel, devices } = await channelWith(1);
  const kept = await keep(channel);
  clock.advance(700);
  await store.confirm(devices[0]?.key as never, kept.version);
  expect(percentile((await read()).total, 0.5)).toBe(800);
});
