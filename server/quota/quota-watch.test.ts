import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenControlDatabase, openControlDatabase } from '../accounts/open-database.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { PUSH_PROJECT } from '../core/push.ts';
import { utcDays } from '../core/quota-day.ts';
import { type QuotaWarning, QuotaWatch } from './quota-watch.ts';

const LOOK = 5_000;
let folder: string;
let control: OpenControlDatabase;
let clock: ManualClock;
let told: QuotaWarning[];
let failures: unknown[];
let reads: string[];
let accepted: Map<string, number>;
let tell: (warning: QuotaWarning) => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-quota-'));
  control = await openControlDatabase(join(folder, 'control.sqlite'));
  clock = new ManualClock();
  [told, failures, reads, accepted] = [[], [], [], new Map()];
  tell = async (warning) => void told.push(warning);
  await project('1', null);
});
afterEach(async () => {
  await control.close();
  await rm(folder, { recursive: true, force: true });
});

async function project(id: string, dailyQuota: number | null): Promise<void> {
  const row = { id, name: `Project ${id}`, created_at: 0, messaging_enabled: 1, daily_quota: dailyQuota };
  await control.db.insertInto('projects').values(row).execute();
}

/** A watch as of a server that has just started; `sent` sets what the day has come to, and lets it look. */
function watching() {
  const watch = new QuotaWatch();
  const acceptedOn = async (id: string, day: string) => {
    reads.push(`${id} ${day}`);
    return accepted.get(`${id} ${day}`) ?? 0;
  };
  const stop = watch.start({
    db: control.db,
    store: { acceptedOn },
    calendar: utcDays,
    clock,
    events: { failed: (_where, error) => failures.push(error) },
    dailyQuota: 1_000,
    tell: (warning) => tell(warning),
  });
  const sent = async (id: string, count: number): Promise<void> => {
    accepted.set(`${id} ${utcDays(clock.now()).day}`, count);
    watch.events.accepted(1, id, 'app');
    clock.advance(LOOK);
    await watch.idle();
  };
  return { watch, stop, sent };
}

const percents = () => told.map(({ project: { id }, percent }) => `${id}: ${percent}`);

test('QW1 the owners are told at 80 % and at 95 %, each once a day', async () => {
  const { sent } = watching();
  for (const count of [1, 799, 800, 801, 949, 950, 999, 1_000]) await sent('1', count);
  expect(percents()).toEqual(['1: 80', '1: 95']);
  expect(told[0]).toEqual({
    project: { id: '1', name: 'Project 1' },
    percent: 80,
    accepted: 800,
    limit: 1_000,
    day: '2026-11-24',
    resetsAt: Date.parse('2026-11-25T00:00:00Z'),
  });
  clock.advance(86_400_000);
  await sent('1', 800);
  expect(percents()).toEqual(['1: 80', '1: 95', '1: 80']);
  expect(told[2]?.day).toBe('2026-11-25');
});

test('QW1 who passes both steps between two looks is told of the higher one', async () => {
  const { sent } = watching();
  await sent('1', 1_000);
  await sent('1', 1_000);
  expect(percents()).toEqual(['1: 95']);
});

test('QW1 a limit of the project counts instead of that of the server, and 0 is none', async () => {
  await project('2', 10);
  await project('3', 0);
  const { sent } = watching();
  await sent('2', 8);
  await sent('3', 1_000_000);
  expect(percents()).toEqual(['2: 80']);
});

test('QW2 a restart tells nothing twice', async () => {
  const first = watching();
  await first.sent('1', 800);
  await first.stop();
  const second = watching();
  await second.sent('1', 850);
  await second.sent('1', 950);
  expect(percents()).toEqual(['1: 80', '1: 95']);
});

test('QW2 what could not be told is told at the next look', async () => {
  const { sent, watch } = watching();
  tell = async () => {
    throw new Error('the disk is full');
  };
  await sent('1', 800);
  expect([failures.length, told.length]).toEqual([1, 0]);
  tell = async (warning) => void told.push(warning);
  clock.advance(LOOK);
  await watch.idle();
  expect(percents()).toEqual(['1: 80']);
});

test('QW3 accepting reads nothing: one look for all messages of five seconds, none for pushes and projects that were told', async () => {
  const { watch, sent } = watching();
  for (let count = 0; count < 1_000; count += 1) watch.events.accepted(count, '1', 'app');
  watch.events.accepted(1, PUSH_PROJECT, '');
  expect(reads).toEqual([]);
  clock.advance(LOOK - 1);
  await watch.idle();
  expect(reads).toEqual([]);
  clock.advance(1);
  await watch.idle();
  expect(reads).toEqual(['1 2026-11-24']);
  expect(clock.nextDue()).toBeUndefined();
  await sent('1', 1_000);
  await sent('1', 1_000);
  expect(reads).toHaveLength(2);
});
