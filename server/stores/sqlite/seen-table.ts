import type { Database, Statement } from 'bun:sqlite';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey, Seen } from '../../core/store.ts';

/** What users have seen: of each subchannel the last sightings. */
export class SeenTable {
  readonly #last: Statement<{ version: Version | null }, [number, number]>;
  readonly #insert: Statement<unknown, [number, number, number, number]>;
  readonly #dropOld: Statement<unknown, [number, number, number]>;
  readonly #ofChannel: Statement<Seen, [number]>;
  readonly #drop: Statement<unknown, [number]>;

  constructor(db: Database) {
    this.#last = db.prepare('SELECT max(version) AS version FROM seen WHERE channel = ? AND subchannel = ?');
    this.#insert = db.prepare('INSERT INTO seen VALUES (?, ?, ?, ?)');
    this.#dropOld = db.prepare(
      `DELETE FROM seen WHERE channel = ?1 AND subchannel = ?2 AND version <= (
         SELECT version FROM seen WHERE channel = ?1 AND subchannel = ?2 ORDER BY version DESC LIMIT 1 OFFSET ?3
       )`,
    );
    this.#ofChannel = db.prepare(
      'SELECT subchannel, max(version) AS version FROM seen WHERE channel = ? GROUP BY subchannel ORDER BY subchannel',
    );
    this.#drop = db.prepare('DELETE FROM seen WHERE channel = ?');
  }

  mark(channel: ChannelKey, { subchannel, version }: Seen, at: number): boolean {
    if (version <= (this.#last.get(channel, subchannel)?.version ?? 0)) return false;
    this.#insert.run(channel, subchannel, version, at);
    this.#dropOld.run(channel, subchannel, limits.seenRemembered);
    return true;
  }

  of(channel: ChannelKey): readonly Seen[] {
    return this.#ofChannel.all(channel);
  }

  drop(channel: ChannelKey): void {
    this.#drop.run(channel);
  }
}
