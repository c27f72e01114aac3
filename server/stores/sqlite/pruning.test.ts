import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId } from '../../../protocol/app-id.ts';
import { limits, retentionMs } from '../../../protocol/limits.ts';
import { ManualClock, seededRandom } from '../../core/manual-clock.ts';
import type { Store } from '../../core/store.ts';
import { openSqliteStore } from './store.ts';

const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;

let folder: string;
let clock: ManualClock;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-pruning-'));
  clock = new ManualClock();
  store = await openSqliteStore({ folder, clock, random: seededRandom(1) });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Rows per table, of the tables that messages leave traces in. */
function rows(): Record<string, number> {
  const db = new Database(join(folder, 'messages.db'), { readonly: true });
  const tables = ['messages', 'outcomes', 'marks', 'runs', 'queued', 'lingering', 'revisit'];
  const counts = tables.map((table) => {
    const count = db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
    return [table, count ?? -1] as const;
  });
  db.close(true);
  return Object.fromEntries(counts);
}

const none = { messages: 0, outcomes: 0, marks: 0, runs: 0, queued: 0, lingering: 0, revisit: 0 };

async function someTraffic(): Promise<void> {
  const channel = await store.openChannel('ada', APP);
  const register = (id: string) =>
    store.register({ id, channel: channel.key, tokenHash: '', name: id, signIn: null });
  const [one] = [await register('one'), await register('two')];
  const keep = (i: number) =>
    store.keep({
      channel: channel.key,
      slot: i % 7 === 0 ? null : `topic ${i % 50}`,
      payload: 'x',
      expiresAt: clock.now() + retentionMs,
      project: '1',
      dailyQuota: 0,
      quotaDay: '2026-11-24',
    });
  const kept = await Promise.all(Array.from({ length: 700 }, (_, i) => keep(i)));
  await Promise.all(
    kept.flatMap(({ version }, i) => [
      i % 3 === 0 ? store.runFailed(one.device.key, version) : undefined,
      i % 2 === 0 ? store.confirm(one.device.key, version) : undefined,
    ]),
  );
}

describe('pruning leaves nothing behind', () => {
  test('ST4 when the last message has gone, nothing that belonged to one is left in any table', async () => {
    await someTraffic();
    clock.advance(limits.traceHours * 3_600_000);
    expect(await store.prune()).toBeGreaterThan(500);
    const waiting = rows();
    // One of the second device per topic, and its queue.
    expect(waiting).toMatchObject({ messages: 150, queued: 100, lingering: 150, revisit: 0 });
    clock.advance(retentionMs);
    expect(await store.prune()).toBe(150);
    expect(rows()).toEqual(none);
  });

  test('ST4 the same when a device leaves instead of the messages expiring', async () => {
    await someTraffic();
    clock.advance(limits.traceHours * 3_600_000);
    await store.prune();
    await store.removeUser('ada');
    expect(await store.prune()).toBe(150);
    expect(rows()).toEqual(none);
  });

  test('ST4 two calls at a time are one round', async () => {
    await someTraffic();
    clock.advance(limits.traceHours * 3_600_000);
    const [one, two] = await Promise.all([store.prune(), store.prune()]);
    expect(one).toBe(two);
  });
});
