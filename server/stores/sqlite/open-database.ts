import { Database } from 'bun:sqlite';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from './schema.ts';

/** How hard a commit is: FULL syncs every commit. NORMAL loses what was answered last when the power fails: for tests only. */
export type Synchronous = 'FULL' | 'NORMAL';

export const DATABASE_FILE = 'messages.db';

/**
 * Opens `messages.db` in `folder`, made at first use, readable by its owner only, with the schema of this version.
 * What a killed process left in the write-ahead log is replayed by SQLite here.
 * @throws Error with a text for the operator when the schema is from a later version or the file is no database.
 */
export function openMessageDatabase(folder: string, synchronous: Synchronous): Database {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, DATABASE_FILE);
  // SQLite gives its log and index the mode of the database, so this covers all three.
  closeSync(openSync(path, 'a', 0o600));
  const db = new Database(path, { readwrite: true, strict: true });
  try {
    db.run('PRAGMA journal_mode = WAL');
    db.run(`PRAGMA synchronous = ${synchronous}`);
    // 16 MB of log between checkpoints: fewer pauses than the default of 4 MB; the log file is cut back to it.
    db.run('PRAGMA wal_autocheckpoint = 4000');
    db.run('PRAGMA journal_size_limit = 16777216');
    // 16 MB of pages hold the inner nodes of millions of messages; more only grows, and accepts no faster.
    db.run('PRAGMA cache_size = -16384');
    db.run('PRAGMA temp_store = MEMORY');
    migrate(db, path);
  } catch (error) {
    db.close(true);
    if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_NOTADB')) throw error;
    throw new Error(`${path} is not a database: move it away, or name another folder with --data.`, {
      cause: error,
    });
  }
  return db;
}
