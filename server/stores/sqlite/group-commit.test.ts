import { Database, type Statement } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReveilleError } from '../../../protocol/errors.ts';
import { asDiskFault, GroupCommit } from './group-commit.ts';

let folder: string;
let db: Database;
let insert: Statement<unknown, [number, string]>;
let commit: GroupCommit;
let events: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-commit-'));
  db = new Database(join(folder, 'x.db'));
  db.run('PRAGMA journal_mode = WAL');
  db.run('CREATE TABLE rows (key INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT');
  insert = db.prepare('INSERT INTO rows VALUES (?, ?)');
  events = [];
  commit = new GroupCommit(db, {
    beforeCommit: () => events.push('commit'),
    afterCommit: () => {},
    afterRollback: () => events.push('rollback'),
  });
});
afterEach(() => {
  db.close(true);
  rmSync(folder, { recursive: true });
});

const keys = () =>
  db
    .query<{ key: number }, []>('SELECT key FROM rows ORDER BY key')
    .all()
    .map((row) => row.key);
const write = (key: number, text = 'x') => commit.write(() => insert.run(key, text).changes);

describe('group commit', () => {
  test('ST2 all writes of one moment share one commit, and none settles before it', async () => {
    const order: string[] = [];
    const calls = [1, 2, 3].map((key) => write(key).then(() => order.push(`settled ${key}`)));
    await Promise.resolve();
    expect([order, keys()]).toEqual([[], []]);
    await Promise.all(calls);
    expect(order).toEqual(['settled 1', 'settled 2', 'settled 3']);
    expect([keys(), events]).toEqual([[1, 2, 3], ['commit']]);
  });

  test('ST2 a patient write joins the commit of the next one, in its order, and is committed without one too', async () => {
    const order: string[] = [];
    const patient = commit.write(() => insert.run(1, 'x'), true).then(() => order.push('patient'));
    expect(commit.isBehind).toBe(true);
    await Promise.all([patient, write(2).then(() => order.push('next'))]);
    expect([order, events, commit.isBehind]).toEqual([['patient', 'next'], ['commit'], false]);
    await commit.write(() => insert.run(3, 'x'), true);
    expect([keys(), events]).toEqual([
      [1, 2, 3],
      ['commit', 'commit'],
    ]);
  });

  test('ST2 more writes than one commit takes are spread over several', async () => {
    await Promise.all(Array.from({ length: 2_500 }, (_, key) => write(key)));
    expect(events).toEqual(['commit', 'commit', 'commit']);
    expect(keys()).toHaveLength(2_500);
  });

  test('ST2 a refusal concerns its caller only', async () => {
    const refused = commit.write(() => {
      throw new ReveilleError('queue-full');
    });
    const answers = await Promise.allSettled([write(1), refused, write(2)]);
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([keys(), events]).toEqual([[1, 2], ['commit']]);
  });

  test('ST2 a write with a fault of its own is undone alone, the others of its commit are kept', async () => {
    const first = write(1);
    const half = commit.write(() => {
      insert.run(7, 'half');
      insert.run(1, 'there is a 1 already');
    });
    const answers = await Promise.allSettled([first, half, write(2)]);
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(keys()).toEqual([1, 2]);
    expect(events.filter((event) => event === 'rollback')).toHaveLength(2);
  });

  test('ST3 a full disk refuses every write of the commit and keeps none; with room the next are kept', async () => {
    await write(1);
    const pages = db.query<{ page_count: number }, []>('PRAGMA page_count').get()?.page_count ?? 0;
    db.run(`PRAGMA max_page_count = ${pages + 2}`);
    const answers = await Promise.allSettled([write(2), write(3, 'y'.repeat(50_000)), write(4)]);
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'kept'));
    expect(codes).toEqual(['store-full', 'store-full', 'store-full']);
    expect(keys()).toEqual([1]);
    expect(db.inTransaction).toBe(false);
    db.run('PRAGMA max_page_count = 10000');
    await Promise.all([write(2), write(3, 'y'.repeat(50_000))]);
    expect(keys()).toEqual([1, 2, 3]);
  });

  test('ST3 every error of the disk has its refusal, any other error has none', () => {
    const error = (code: string) => Object.assign(new Error(code), { code });
    expect(asDiskFault(error('SQLITE_FULL'))?.code).toBe('store-full');
    for (const code of ['SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC', 'SQLITE_READONLY', 'SQLITE_BUSY']) {
      expect(asDiskFault(error(code))?.code).toBe('unavailable');
    }
    for (const other of [
      error('SQLITE_CONSTRAINT_UNIQUE'),
      new Error('x'),
      new ReveilleError('internal'),
      7,
    ]) {
      expect(asDiskFault(other)).toBeUndefined();
    }
  });

  test('ST1 closing commits what waits and refuses what comes later', async () => {
    const before = write(1);
    commit.close();
    expect(keys()).toEqual([1]);
    await before;
    expect(await write(2).catch((error: ReveilleError) => error.code)).toBe('unavailable');
  });
});
