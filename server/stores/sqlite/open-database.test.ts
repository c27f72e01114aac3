import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { DATABASE_FILE, openMessageDatabase } from './open-database.ts';
import { openSqliteStore } from './store.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'reveille-open-')), 'data');
  path = join(folder, DATABASE_FILE);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const pragma = (db: Database, name: string) =>
  Object.values(db.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get() ?? {})[0];

describe('messages.db', () => {
  test('ST1 it opens with a write-ahead log and a sync at every commit', () => {
    const db = openMessageDatabase(folder, 'FULL');
    expect([pragma(db, 'journal_mode'), pragma(db, 'synchronous')]).toEqual(['wal', 2]);
    db.close(true);
    const weak = openMessageDatabase(folder, 'NORMAL');
    expect(pragma(weak, 'synchronous')).toBe(1);
    weak.close(true);
  });

  test('ST7 the folder and every file of the database are readable by the owner only', () => {
    const db = openMessageDatabase(folder, 'FULL');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const files = readdirSync(folder);
    expect(files.sort()).toEqual(['messages.db', 'messages.db-shm', 'messages.db-wal']);
    for (const file of files) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    db.close(true);
  });

  test('ST7 opening it again changes nothing', () => {
    openMessageDatabase(folder, 'FULL').close(true);
    const schema = () => {
      const db = openMessageDatabase(folder, 'FULL');
      const all = db.query('SELECT * FROM sqlite_schema').all();
      db.close(true);
      return all;
    };
    expect(schema()).toEqual(schema());
  });

  test('ST7 a later schema is refused with a text that says what to do, and stays untouched', async () => {
    openMessageDatabase(folder, 'FULL').close(true);
    const db = new Database(path);
    db.run('PRAGMA user_version = 99');
    db.close(true);
    const open = () => openSqliteStore({ folder, clock: systemClock, random: () => new Uint8Array(8) });
    await expect(open()).rejects.toThrow(/messages\.db has schema 99, this Reveille knows up to \d+/);
    await expect(open()).rejects.toThrow('start that version, or restore the backup');
    const after = new Database(path, { readonly: true });
    expect(pragma(after, 'user_version')).toBe(99);
    after.close(true);
  });

  test('ST7 a file that is no database is refused and not overwritten', () => {
    openMessageDatabase(folder, 'FULL').close(true);
    const text = 'my diary, '.repeat(1_000);
    writeFileSync(path, text);
    expect(() => openMessageDatabase(folder, 'FULL')).toThrow(`${path} is not a database`);
    expect(statSync(path).size).toBe(text.length);
  });

  test('ST14 the document of what is stored has every table', () => {
    const db = openMessageDatabase(folder, 'FULL');
    const tables = db
      .query<{ name: string }, []>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
      )
      .all()
      .map((row) => row.name);
    db.close(true);
    const document = readFileSync(join(import.meta.dir, '../../../docs/storage.md'), 'utf8');
    const [, section = ''] = document.split(/^## /m);
    expect(section).toStartWith('messages.db');
    const described = section.split('\n').filter((line) => line.startsWith('| `'));
    for (const table of tables) {
      expect(described.some((line) => line.split('|')[1]?.includes(`\`${table}\``))).toBe(true);
    }
  });

  test('ST4 the questions of every message are answered from indexes, never by reading a whole table', () => {
    const db = openMessageDatabase(folder, 'FULL');
    const plan = (sql: string) =>
      db
        .query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => row.detail)
        .join('\n');
    const wait = 'SELECT 1 FROM messages WHERE channel = 1 AND slot = 2 AND version > 3 AND version < 4';
    expect(plan(wait)).toContain('messages_by_slot (channel=? AND slot=? AND rowid>? AND rowid<?)');
    const newest = "SELECT max(version) FROM messages WHERE channel = 1 AND slot = '0'";
    expect(plan(newest)).toContain('messages_by_slot (channel=? AND slot=?)');
    const trace = 'SELECT * FROM messages WHERE project = 1 ORDER BY version DESC LIMIT 9';
    expect(plan(trace)).toContain('messages_by_project (project=?)');
    expect(plan(trace)).not.toContain('TEMP B-TREE');
    db.close(true);
  });
});
