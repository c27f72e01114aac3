import type { Database, Statement } from 'bun:sqlite';
import { ReveilleError } from '../../../protocol/errors.ts';

/** Writes of one commit: beyond it the event loop would stand still for too long. */
const WRITES_PER_COMMIT = 1_000;
/** How long a write that nobody waits for may look for a commit to join. */
const PATIENCE_MS = 5;

/** A write and its caller, who waits. */
class Write {
  readonly reject: (error: unknown) => void;
  readonly #work: () => unknown;
  readonly #resolve: (value: unknown) => void;
  #result: unknown;
  #refusal: ReveilleError | undefined;

  constructor(work: () => unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.#work = work;
    this.#resolve = resolve;
    this.reject = reject;
  }

  /** Inside the transaction. A refusal is kept for the caller, any other fault is thrown. */
  perform(): void {
    // It may be the second time, after a rollback.
    this.#refusal = undefined;
    try {
      this.#result = this.#work();
    } catch (error) {
      if (!(error instanceof ReveilleError)) throw error;
      this.#refusal = error;
    }
  }

  /** The transaction is synced: tells the caller. */
  settle(): void {
    if (this.#refusal === undefined) this.#resolve(this.#result);
    else this.reject(this.#refusal);
  }
}

/** What the rest of the store does around a commit. */
export interface CommitHooks {
  /** The last writes of the batch: what was counted in memory goes into its tables. */
  beforeCommit(): void;
  /** The batch is synced; its callers are told next. */
  afterCommit(): void;
  /** Nothing of the batch happened: forget what was remembered from inside it. */
  afterRollback(): void;
}

/**
 * Group commit: a sync to disk costs the same for one write as for hundreds, so the writes in flight share one.
 *
 * 1. *Collect.* `write` queues; the first one books a turn of the event loop. Whatever else is asked for until that turn,
 *    by all requests in flight, joins. A patient write books none for some milliseconds: it joins the commit of others.
 * 2. *Commit.* One transaction runs them in the order in which they were asked for, then syncs. A refusal (a ReveilleError,
 *    thrown before the work wrote anything) concerns its caller only.
 * 3. *Settle.* Only after the sync every caller gets its answer.
 *
 * When something else fails, the transaction is rolled back, so nothing is half-done. A disk that does not take the writes
 * rejects them all; a write with a fault of its own must not take the others with it, so each is tried again alone.
 */
export class GroupCommit {
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #db: Database;
  readonly #hooks: CommitHooks;
  #waiting: Write[] = [];
  #booked = false;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(db: Database, hooks: CommitHooks) {
    this.#db = db;
    this.#hooks = hooks;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
  }

  /**
   * Runs `work` in the next commit and answers what it returned, after the commit is synced.
   * @param work must throw a ReveilleError only before its first write.
   * @param patient nobody outside waits for it, so it may wait a little for a commit to join.
   * @throws what `work` threw; `store-full` or `unavailable` when the disk does not take it, or after `close`.
   */
  write<Result>(work: () => Result, patient = false): Promise<Result> {
    if (this.#closed) return Promise.reject(new ReveilleError('unavailable', 'The store is closed.'));
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push(new Write(work, resolve as (value: unknown) => void, reject));
      if (patient) this.#patience ??= setTimeout(() => this.#book(), PATIENCE_MS);
      else this.#book();
    });
  }

  /** Has something been asked for that is not committed yet? */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  /** Commits what waits, as far as it fits into one commit, without waiting for the turn. */
  hurry(): void {
    this.#flush();
  }

  /** Commits what waits, then refuses further writes. */
  close(): void {
    this.#closed = true;
    this.#calm();
    while (this.#waiting.length > 0) this.#flush();
  }

  #book(): void {
    this.#calm();
    if (this.#booked) return;
    this.#booked = true;
    setImmediate(() => {
      this.#booked = false;
      this.#flush();
      if (this.#waiting.length > 0) this.#book();
    });
  }

  #calm(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #flush(): void {
    const batch = this.#waiting.splice(0, WRITES_PER_COMMIT);
    if (batch.length > 0) this.#commitAll(batch);
  }

  #commitAll(batch: readonly Write[]): void {
    try {
      this.#begin.run();
      for (const write of batch) write.perform();
      this.#hooks.beforeCommit();
      this.#commit.run();
    } catch (error) {
      this.#undo();
      const diskFault = asDiskFault(error);
      if (diskFault !== undefined || batch.length === 1) {
        for (const write of batch) write.reject(diskFault ?? error);
      } else {
        for (const write of batch) this.#commitAll([write]);
      }
      return;
    }
    this.#hooks.afterCommit();
    for (const write of batch) write.settle();
  }

  #undo(): void {
    try {
      // After a full disk SQLite may have rolled back by itself.
      if (this.#db.inTransaction) this.#rollback.run();
    } catch {
      // Then the next BEGIN fails too, and its callers learn of it; those of this batch must get their answer first.
    }
    this.#hooks.afterRollback();
  }
}

/** The refusal for a disk that does not take writes; undefined when the fault lies elsewhere. */
export function asDiskFault(error: unknown): ReveilleError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'SQLITE_FULL') return new ReveilleError('store-full', undefined, {}, error);
  const faults = [
    'SQLITE_IOERR',
    'SQLITE_BUSY',
    'SQLITE_READONLY',
    'SQLITE_CANTOPEN',
    'SQLITE_NOMEM',
    'SQLITE_CORRUPT',
  ];
  const isFault = faults.some((fault) => code === fault || code.startsWith(`${fault}_`));
  return isFault ? new ReveilleError('unavailable', undefined, {}, error) : undefined;
}
