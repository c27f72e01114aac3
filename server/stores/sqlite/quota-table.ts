import type { Database, Statement } from 'bun:sqlite';
import { ReveilleError } from '../../../protocol/errors.ts';
import type { Draft } from '../../core/store.ts';
import { Lru } from './lru.ts';

const REMEMBERED = 10_000;

interface Count {
  readonly project: string;
  readonly day: string;
  accepted: number;
  targets: number;
}

/** Whose day, and what is left of it. */
export type Allowance = Pick<Draft, 'project' | 'quotaDay' | 'dailyQuota'>;

/**
 * QU1: accepted messages per project and day. A project that sends at full load changes its count many times per commit:
 * the counts are kept in memory and each changed one is written once, in the same commit as its messages.
 */
export class QuotaTable {
  readonly #read: Statement<{ accepted: number; targets: number }, [string, string]>;
  readonly #write: Statement<unknown, [string, string, number, number]>;
  readonly #drop: Statement<unknown, [string]>;
  readonly #counts = new Lru<string, Count>(REMEMBERED);
  readonly #changed = new Map<string, Count>();

  constructor(db: Database) {
    this.#read = db.prepare('SELECT accepted, targets FROM quota WHERE project = ? AND day = ?');
    this.#write = db.prepare(
      `INSERT INTO quota VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET accepted = excluded.accepted, targets = excluded.targets`,
    );
    this.#drop = db.prepare('DELETE FROM quota WHERE day < ?');
  }

  /** @throws `quota-exceeded` when the day of the draft's project is used up. */
  assertLeft(draft: Allowance): void {
    if (draft.dailyQuota > 0 && this.#count(draft.project, draft.quotaDay).accepted >= draft.dailyQuota) {
      throw new ReveilleError('quota-exceeded');
    }
  }

  /** @throws `targets-exceeded` when fewer than `targets` of `dailyTargets` are left of the day; 0 = no limit. */
  assertTargetsLeft({ project, quotaDay }: Allowance, targets: number, dailyTargets: number): void {
    if (dailyTargets > 0 && this.#count(project, quotaDay).targets + targets > dailyTargets)
      throw new ReveilleError('targets-exceeded');
  }

  /** @param targets channels of a multicast; 0 for a plain message. */
  add(draft: Allowance, targets = 0): void {
    const count = this.#count(draft.project, draft.quotaDay);
    count.accepted += 1;
    count.targets += targets;
    this.#changed.set(keyOf(count.project, count.day), count);
  }

  /** Committed counts only: the memory may be ahead of the disk. */
  acceptedOn(project: string, day: string): number {
    return this.#read.get(project, day)?.accepted ?? 0;
  }

  dropBefore(day: string): void {
    this.#drop.run(day);
    this.#counts.clear();
  }

  flush(): void {
    for (const { project, day, accepted, targets } of this.#changed.values())
      this.#write.run(project, day, accepted, targets);
    this.#changed.clear();
  }

  forget(): void {
    this.#counts.clear();
    this.#changed.clear();
  }

  #count(project: string, day: string): Count {
    const key = keyOf(project, day);
    const known = this.#changed.get(key) ?? this.#counts.get(key);
    if (known !== undefined) return known;
    const { accepted, targets } = this.#read.get(project, day) ?? { accepted: 0, targets: 0 };
    const count = { project, day, accepted, targets };
    this.#counts.set(key, count);
    return count;
  }
}

function keyOf(project: string, day: string): string {
  return `${day} ${project}`;
}
