import type { Database, Statement } from 'bun:sqlite';
import { nextVersion, type Version } from '../../../protocol/version.ts';

interface MetaRow {
  readonly value: number;
}

/** The few numbers that belong to the store as a whole. They are read once and written back in the commit that changed them. */
export class MetaTable {
  readonly #read: Statement<MetaRow, [string]>;
  readonly #write: Statement<unknown, [string, number]>;
  readonly #values = new Map<string, number>();
  readonly #changed = new Set<string>();

  constructor(db: Database) {
    this.#read = db.prepare('SELECT value FROM meta WHERE name = ?');
    this.#write = db.prepare(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    );
  }

  /** OR2: the last version that was given. It outlives the message, so that pruning cannot set the order back. */
  get lastVersion(): Version {
    return this.#get('last_version') as Version;
  }

  /** Gives the next version (OR2). */
  takeVersion(now: number): Version {
    const version = nextVersion(this.lastVersion, now);
    this.#set('last_version', version);
    return version;
  }

  /** Every message up to this version has left the trace. */
  get sweptTo(): Version {
    return this.#get('swept_to') as Version;
  }

  set sweptTo(version: Version) {
    this.#set('swept_to', version);
  }

  /** Part of each commit. */
  flush(): void {
    for (const name of this.#changed) this.#write.run(name, this.#get(name));
    this.#changed.clear();
  }

  /** After a rollback: what the database says counts. */
  forget(): void {
    this.#values.clear();
    this.#changed.clear();
  }

  #get(name: string): number {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const value = this.#read.get(name)?.value ?? 0;
    this.#values.set(name, value);
    return value;
  }

  #set(name: string, value: number): void {
    this.#values.set(name, value);
    this.#changed.add(name);
  }
}
