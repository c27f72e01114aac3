import { Database } from 'bun:sqlite';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';

export const LOCK_FILE = 'lock.db';

/** Connections that hold a lock: one that nobody refers to would be collected, and its lock with it. */
const holding = new Set<Database>();

/**
 * One process per data folder. The lock is an open write transaction on a tiny database: the operating system holds it for
 * the life of the process and lets go of it at `kill -9`, so there is no stale lock. A write transaction lets others read,
 * which is how the one that is refused learns who holds it.
 */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the lock of a data folder.
 * @throws Error with a text for the operator that names the process, when another one holds it.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, LOCK_FILE);
  closeSync(openSync(path, 'a', 0o600));
  const db = new Database(path, { readwrite: true });
  try {
    db.run('PRAGMA busy_timeout = 0');
    db.run(
      'CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL)',
    );
    db.run('INSERT INTO holder VALUES (1, ?) ON CONFLICT DO UPDATE SET pid = excluded.pid', [process.pid]);
    db.run('BEGIN IMMEDIATE');
  } catch (error) {
    const holder = isBusy(error) ? holderOf(db) : undefined;
    db.close(true);
    if (!isBusy(error)) throw error;
    throw new Error(
      `The data folder ${folder} is in use by another Reveille (process ${holder ?? 'unknown'}). ` +
        'Stop that one first, or give this one a folder of its own with --data.',
      { cause: error },
    );
  }
  holding.add(db);
  return {
    release() {
      if (!holding.delete(db)) return;
      db.run('ROLLBACK');
      db.close(true);
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}

function holderOf(db: Database): number | undefined {
  try {
    return db.query<{ pid: number }, []>('SELECT pid FROM holder').get()?.pid;
  } catch {
    // The holder is just taking the lock: its name is not readable in that instant.
    return undefined;
  }
}
