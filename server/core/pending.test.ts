import { describe, expect, test } from 'bun:test';
import { limits } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import { PendingMessages, reofferDelay } from './pending.ts';
import type { ChannelKey, Kept, Slot } from './store.ts';

const kept = (version: number, slot: Slot, expiresAt = 1e15): Kept => ({
  version: version as Version,
  channel: 1 as ChannelKey,
  slot,
  payload: `p${version}`,
  acceptedAt: 0,
  expiresAt,
});

/** Writes as much as it may and answers the versions in the order of writing. */
function writeAll(pending: PendingMessages, now = 0): number[] {
  const written: number[] = [];
  for (let next = pending.next(now); next !== undefined; next = pending.next(now)) {
    pending.noteOffered(next, now);
    written.push(next.kept.version);
  }
  return written;
}

describe('pending messages of one device', () => {
  test('SC3 slots take turns: at most one of each other slot is written before one that has just come', () => {
    const pending = new PendingMessages();
    for (let version = 1; version <= 12; version++) pending.add(kept(version, version <= 10 ? '0' : '1'));
    expect(writeAll(pending).slice(0, 4)).toEqual([1, 11, 2, 12]);
  });

  test('SC3 a message on a quiet slot overtakes a backlog on each of the others', () => {
    const pending = new PendingMessages();
    for (const slot of ['0', '1', '2'])
      for (let i = 0; i < 5; i++) pending.add(kept(Number(slot) * 10 + i + 1, slot));
    const first = pending.next(0);
    if (first !== undefined) pending.noteOffered(first, 0);
    pending.add(kept(99, '3'));
    expect(writeAll(pending).indexOf(99)).toBeLessThanOrEqual(2);
  });

  test('SC2 the seventeenth unconfirmed message waits, and only it gives way to the next', () => {
    const pending = new PendingMessages();
    for (let version = 1; version <= limits.unconfirmedPerSlot; version++) pending.add(kept(version, '0'));
    expect(writeAll(pending)).toHaveLength(limits.unconfirmedPerSlot);
    expect(pending.add(kept(17, '0'))).toBeUndefined();
    expect(writeAll(pending)).toEqual([]);
    expect(pending.add(kept(18, '0'))?.version).toBe(17 as Version);
    pending.remove(1 as Version);
    expect(writeAll(pending)).toEqual([18]);
  });

  test('SC2 while fewer are unconfirmed nothing gives way', () => {
    const pending = new PendingMessages();
    for (let version = 1; version < 200; version++) {
      expect(pending.add(kept(version, '2'))).toBeUndefined();
      expect(writeAll(pending)).toEqual([version]);
      pending.remove(version as Version);
    }
  });

  test('OR1 older ones of a slot are removed together, others stay', () => {
    const pending = new PendingMessages();
    for (const [version, slot] of [
      [1, '0'],
      [2, '1'],
      [3, '0'],
      [4, '0'],
    ] as const)
      pending.add(kept(version, slot));
    expect(pending.removeOlder(kept(4, '0'))).toBe(2);
    expect(writeAll(pending).sort()).toEqual([2, 4]);
  });

  test('QE1 queued messages keep their order and never give way', () => {
    const pending = new PendingMessages();
    for (let version = 1; version <= 50; version++) expect(pending.add(kept(version, null))).toBeUndefined();
    expect(pending.removeOlder(kept(50, null))).toBe(0);
    expect(writeAll(pending)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  test('FO3 a message that was announced before the backlog came stands in its place once', () => {
    const pending = new PendingMessages();
    pending.add(kept(7, '0'));
    pending.add(kept(3, '1'));
    pending.backfill(kept(5, '0'));
    pending.backfill(kept(7, '0'));
    pending.backfill(kept(4, '1'));
    expect(writeAll(pending).sort()).toEqual([4, 7]);
  });

  test('HA1 the wait after an offer doubles from 30 s to an hour', () => {
    expect([1, 2, 3, 7, 8, 20].map(reofferDelay)).toEqual([
      30_000, 60_000, 120_000, 1_920_000, 3_600_000, 3_600_000,
    ]);
  });

  test('HA1 what is due is written again, what runs is not', () => {
    const pending = new PendingMessages();
    pending.add(kept(1, '0'));
    pending.add(kept(2, '1'));
    writeAll(pending, 0);
    const running = pending.find(2 as Version);
    if (running !== undefined) running.state = 'running';
    expect(pending.earliestDue()).toBe(30_000);
    pending.wakeDue(30_000);
    expect(writeAll(pending, 30_000)).toEqual([1]);
    expect(pending.earliestDue()).toBe(90_000);
  });

  test('ME2 an expired message is not written any more', () => {
    const pending = new PendingMessages();
    pending.add(kept(1, '0', 1_000));
    expect(writeAll(pending, 1_000)).toEqual([]);
  });
});
