import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControlDatabase } from './open-database.ts';

const freshPath = async (): Promise<string> =>
  join(await mkdtemp(join(tmpdir(), 'reveille-control-')), 'control.sqlite');

describe('the control plane', () => {
  test('AN1 every table of ControlTables is there, synced at each commit, and foreign keys hold', async () => {
    const { db, sqlite, close } = await openControlDatabase(await freshPath());
    expect(sqlite.query('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(sqlite.query('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    await db
      .insertInto('projects')
      .values({
        id: '123456789012',
        name: 'p',
        created_at: 1,
        messaging_enabled: 0,
        daily_quota: null,
        payload_bytes: null,
      })
      .execute();
    await db
      .insertInto('project_members')
      .values({ project: '123456789012', account: 'a', role: 'owner' })
      .execute();
    const tables = [
      'user',
      'audit',
      'invites',
      'clients',
      'grants',
      'codes',
      'refresh_tokens',
      'access_tokens',
      'publisher_groups',
      'group_members',
      'apps',
    ] as const;
    for (const table of tables) expect(await db.selectFrom(table).selectAll().execute()).toEqual([]);
    await db.deleteFrom('projects').execute();
    expect(await db.selectFrom('project_members').selectAll().execute()).toEqual([]);
    const orphan = db
      .insertInto('project_members')
      .values({ project: 'none', account: 'a', role: 'owner' })
      .execute();
    await expect(orphan).rejects.toThrow('FOREIGN KEY');
    await close();
  });

  test('AN1 the file and its log can be read by their owner only', async () => {
    const path = await freshPath();
    const { close } = await openControlDatabase(path);
    for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o077).toBe(0);
    await close();
  });

  test('AN1 opening again keeps what is there', async () => {
    const path = await freshPath();
    const first = await openControlDatabase(path);
    await first.db.insertInto('publisher_groups').values({ id: 'g', name: 'Group', created_at: 1 }).execute();
    await first.close();
    const second = await openControlDatabase(path);
    expect(await second.db.selectFrom('publisher_groups').select('name').execute()).toEqual([
      { name: 'Group' },
    ]);
    await second.close();
  });

  test('AN1 a schema from a later version is refused with a text', async () => {
    const path = await freshPath();
    await (await openControlDatabase(path)).close();
    const sqlite = new Database(path);
    sqlite.run("INSERT INTO kysely_migration VALUES ('0999-from-the-future', '2030-01-01')");
    sqlite.close();
    await expect(openControlDatabase(path)).rejects.toThrow(
      /later version of Reveille.*0999-from-the-future.*backup/s,
    );
  });
});
