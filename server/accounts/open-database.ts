import { Database } from 'bun:sqlite';
import { chmodSync, closeSync, openSync } from 'node:fs';
import { getMigrations } from 'better-auth/db/migration';
import { Kysely, Migrator } from 'kysely';
import { BunSqliteDialect } from 'kysely-bun-sqlite';
import type { ControlDatabase, ControlTables } from './database.ts';
import { migrations } from './migrations.ts';
import { userFields } from './user-fields.ts';

/** The open control plane. */
export interface OpenControlDatabase {
  /**
   * Queries. SQLite is one connection: inside `db.transaction()` use only the transaction that is handed in; a query
   * on `db` there would wait for the transaction to end, for ever.
   */
  readonly db: ControlDatabase;
  /** The connection underneath, for pragmas and backups. */
  readonly sqlite: Database;
  close(): Promise<void>;
}

/**
 * Opens the control plane in one SQLite file (`:memory:` for tests), and brings its schema up to date.
 * The file is readable by its owner only; a commit is on disk before it is answered (WAL, synchronous=FULL).
 * @throws Error with a text for the operator when the file was written by a later Reveille.
 */
export async function openControlDatabase(path: string): Promise<OpenControlDatabase> {
  if (path !== ':memory:') ownerOnly(path);
  const sqlite = new Database(path, { create: true, strict: false });
  for (const pragma of [
    'busy_timeout = 5000',
    'journal_mode = WAL',
    'synchronous = FULL',
    'foreign_keys = ON',
  ]) {
    sqlite.run(`PRAGMA ${pragma}`);
  }
  const db: ControlDatabase = new Kysely<ControlTables>({
    dialect: new BunSqliteDialect({ database: sqlite }),
  });
  try {
    refuseLater(sqlite, path);
    await migrateAccounts(db);
    await migrateOurs(db);
  } catch (cause) {
    await db.destroy();
    throw cause;
  }
  return { db, sqlite, close: () => db.destroy() };
}

/** The mode is set before SQLite writes: it gives the same mode to the log beside the file. */
function ownerOnly(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}

/** A change that we do not know came from a later version; to write on would corrupt what that version keeps. */
function refuseLater(sqlite: Database, path: string): void {
  const kept = sqlite.query("SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'").get();
  if (kept === null) return;
  const done = sqlite.query<{ name: string }, []>('SELECT name FROM kysely_migration ORDER BY name').all();
  const unknown = done.find(({ name }) => !(name in migrations));
  if (unknown === undefined) return;
  throw new Error(
    `${path} was written by a later version of Reveille (its schema has the change "${unknown.name}", which this version ` +
      'does not know). Start that version again, or put back a backup from before it ran.',
  );
}

/** better-auth keeps its own tables: it compares them with what its options ask for, and adds what is missing. */
async function migrateAccounts(db: ControlDatabase): Promise<void> {
  const { runMigrations } = await getMigrations({
    database: { db, type: 'sqlite' },
    user: { additionalFields: userFields },
    logger: { disabled: true },
    telemetry: { enabled: false },
  });
  await runMigrations();
}

async function migrateOurs(db: ControlDatabase): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
