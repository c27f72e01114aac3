import type { Database, Statement } from 'bun:sqlite';
import type { ChannelId } from '../../../protocol/channel-id.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Multicast, TargetResult } from '../../core/multicast.ts';

interface Row {
  readonly id: string;
  readonly project: string;
  readonly bodyHash: string;
  readonly acceptedAt: number;
  readonly targets: string;
}

/** A multicast that was asked for under a key. */
export interface Keyed {
  readonly multicast: Multicast;
  readonly bodyHash: string;
}

const COLUMNS = 'id, project, body_hash AS bodyHash, accepted_at AS acceptedAt, targets';

/** Multicasts as they were answered. */
export class MulticastTable {
  readonly #byId: Statement<Row, [string]>;
  readonly #byKey: Statement<Row, [string, string]>;
  readonly #releaseKey: Statement<unknown, [string, string]>;
  readonly #insert: Statement<unknown, (string | number | null)[]>;
  readonly #drop: Statement<unknown, [number, number]>;

  constructor(db: Database) {
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM multicasts WHERE id = ?`);
    this.#byKey = db.prepare(`SELECT ${COLUMNS} FROM multicasts WHERE project = ? AND key = ?`);
    this.#releaseKey = db.prepare('UPDATE multicasts SET key = NULL WHERE project = ? AND key = ?');
    this.#insert = db.prepare('INSERT INTO multicasts VALUES (?, ?, ?, ?, ?, ?)');
    this.#drop = db.prepare(
      'DELETE FROM multicasts WHERE id IN (SELECT id FROM multicasts WHERE accepted_at <= ? LIMIT ?)',
    );
  }

  byId(id: string): Multicast | undefined {
    const row = this.#byId.get(id);
    return row === null ? undefined : multicastOf(row);
  }

  byKey(project: string, key: string): Keyed | undefined {
    const row = this.#byKey.get(project, key);
    return row === null ? undefined : { multicast: multicastOf(row), bodyHash: row.bodyHash };
  }

  /** Takes the place of an earlier one under the same key. */
  put({ id, project, acceptedAt, targets }: Multicast, key: string | null, bodyHash: string): void {
    if (key !== null) this.#releaseKey.run(project, key);
    const rows = targets.map((one) => [one.channelId, 'version' in one ? one.version : one.refusal]);
    this.#insert.run(id, project, key, bodyHash, acceptedAt, JSON.stringify(rows));
  }

  /** Forgets those of `before` or earlier, at most `most`. Answers how many. */
  dropBefore(before: number, most: number): number {
    return this.#drop.run(before, most).changes;
  }
}

function multicastOf({ id, project, acceptedAt, targets }: Row): Multicast {
  const rows = JSON.parse(targets) as [ChannelId, Version | ErrorCode][];
  const results = rows.map(([channelId, result]): TargetResult => {
    return typeof result === 'number' ? { channelId, version: result } : { channelId, refusal: result };
  });
  return { id, project, acceptedAt, targets: results };
}
