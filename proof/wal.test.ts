import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damageLog, endOfCommitWith } from './wal.ts';

/** A log of three commits, of which somebody was told of the first two; damaged, and read again by SQLite. */
function rowsAfter(damage: 'cut' | 'flip', place: number): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-wal-'));
  try {
    const path = join(folder, 'live.db');
    const db = new Database(path, { create: true, strict: true });
    db.run('PRAGMA journal_mode = WAL');
    db.run('CREATE TABLE messages (payload TEXT)');
    for (const payload of ['first told', 'last told', 'untold'])
      db.query('INSERT INTO messages VALUES (?)').run(payload);
    const copy = join(folder, 'killed.db');
    for (const end of ['', '-wal']) copyFileSync(path + end, copy + end);
    db.close();
    expect(damageLog(`${copy}-wal`, 'last told', damage, () => place)).toBe(damage);
    const after = new Database(copy, { strict: true });
    const rows = after.query<{ payload: string }, []>('SELECT payload FROM messages').all();
    after.close();
    return rows.map(({ payload }) => payload);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('PF2 the damage takes the commit that nobody was told of, and no other', () => {
  for (const place of [0, 0.5, 0.999]) {
    expect(rowsAfter('cut', place)).toEqual(['first told', 'last told']);
    expect(rowsAfter('flip', place)).toEqual(['first told', 'last told']);
  }
});

test('PF2 a log that does not hold the message is left alone', () => {
  expect(endOfCommitWith(Buffer.alloc(10), 'told')).toBeUndefined();
  expect(endOfCommitWith(readFileSync(import.meta.path), 'told')).toBeUndefined();
});
