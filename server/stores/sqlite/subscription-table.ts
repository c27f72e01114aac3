import type { Database, Statement } from 'bun:sqlite';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey, DeviceKey } from '../../core/store.ts';
import type { HolderId, Subscription } from '../../core/subscription.ts';

interface Row {
  readonly channel: ChannelKey;
  readonly key: DeviceKey;
  readonly id: string;
  readonly holder: HolderId;
  readonly name: string;
  readonly createdAt: number;
  readonly removedAt: number | null;
}

const SELECT = `SELECT channel, device AS key, device_id AS id, holder, name, created_at AS createdAt,
  removed_at AS removedAt FROM subscriptions`;

/** A subscription, or one that was removed and is remembered as such. */
export interface Found {
  readonly subscription: Subscription;
  readonly removed: boolean;
}

/** Push subscriptions and who holds them. A holder has a row for as long as it has a live subscription. */
export class SubscriptionTable {
  readonly #find: Statement<Row, [string, string]>;
  readonly #live: Statement<Row, [string]>;
  readonly #count: Statement<{ live: number }, [string]>;
  readonly #put: Statement<unknown, [number, number, string, string, string, number]>;
  readonly #remove: Statement<unknown, [number, number]>;
  readonly #dropRemoved: Statement<{ channel: ChannelKey }, [number, number]>;
  readonly #greet: Statement<unknown, [string, number]>;
  readonly #seen: Statement<unknown, [number, string]>;
  readonly #leave: Statement<unknown, [string]>;
  readonly #silent: Statement<{ id: HolderId }, [number, number]>;
  readonly #expiredUntold: Statement<{ version: Version }, [number, number, number, number]>;
  readonly #expiredTold: Statement<unknown, [number, number, number]>;
  readonly #expired: Statement<unknown, [number, number]>;

  constructor(db: Database) {
    this.#find = db.prepare(`${SELECT} WHERE holder = ? AND name = ?`);
    this.#live = db.prepare(`${SELECT} WHERE holder = ? AND removed_at IS NULL ORDER BY device`);
    this.#count = db.prepare(
      'SELECT count(*) AS live FROM subscriptions WHERE holder = ? AND removed_at IS NULL',
    );
    this.#put = db.prepare(
      `INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, NULL, 0, 0)
       ON CONFLICT (channel) DO UPDATE SET device = excluded.device, device_id = excluded.device_id,
         created_at = excluded.created_at,
         removed_at = NULL, expired = 0, told = 0`,
    );
    this.#remove = db.prepare('UPDATE subscriptions SET removed_at = ? WHERE channel = ?');
    this.#dropRemoved = db.prepare(
      `DELETE FROM subscriptions
       WHERE channel IN (SELECT channel FROM subscriptions WHERE removed_at <= ? LIMIT ?) RETURNING channel`,
    );
    this.#greet = db.prepare('INSERT OR IGNORE INTO holders VALUES (?, ?)');
    this.#seen = db.prepare('UPDATE holders SET seen_at = ? WHERE id = ?');
    this.#leave = db.prepare('DELETE FROM holders WHERE id = ?');
    this.#silent = db.prepare('SELECT id FROM holders WHERE seen_at < ? ORDER BY seen_at, id LIMIT ?');
    // What still waits after its time is of the queue or the newest of its topic, and pruning has not reached it.
    this.#expiredUntold = db.prepare(
      `WITH late AS (
         SELECT version FROM queued WHERE channel = ?1 AND expires_at <= ?3
         UNION ALL SELECT version FROM topics WHERE channel = ?1 AND expires_at <= ?3
       ), missed AS (
         SELECT max(m.version) AS version FROM late CROSS JOIN messages m ON m.version = late.version
         WHERE m.expires_at - m.accepted_at > ?4
       )
       SELECT max(s.expired, coalesce(missed.version, 0)) AS version FROM subscriptions s, missed
       WHERE s.channel = ?1 AND s.device = ?2 AND s.removed_at IS NULL AND max(s.expired, coalesce(missed.version, 0)) > s.told`,
    );
    this.#expiredTold = db.prepare(
      'UPDATE subscriptions SET told = ?3 WHERE channel = ?1 AND device = ?2 AND told < ?3',
    );
    this.#expired = db.prepare('UPDATE subscriptions SET expired = ?2 WHERE channel = ?1 AND expired < ?2');
  }

  find(holder: HolderId, name: string): Found | undefined {
    const row = this.#find.get(holder, name);
    return row === null ? undefined : { subscription: subscriptionOf(row), removed: row.removedAt !== null };
  }

  /** The live ones of a holder, oldest first. */
  of(holder: HolderId): readonly Subscription[] {
    return this.#live.all(holder).map(subscriptionOf);
  }

  countOf(holder: HolderId): number {
    return this.#count.get(holder)?.live ?? 0;
  }

  /** Adds one, or gives a removed one its next device. */
  put({ channel, key, id, holder, name, createdAt }: Subscription): void {
    this.#put.run(channel.key, key, id, holder, name, createdAt);
    this.#greet.run(holder, createdAt);
  }

  remove({ channel, holder }: Subscription, now: number): void {
    this.#remove.run(now, channel.key);
    if (this.countOf(holder) === 0) this.#leave.run(holder);
  }

  /** Forgets some that were removed at `before` or earlier. Answers their channels. */
  dropRemoved(before: number, most: number): readonly ChannelKey[] {
    return this.#dropRemoved.all(before, most).map((row) => row.channel);
  }

  seen(holder: HolderId, now: number): void {
    this.#seen.run(now, holder);
  }

  silent(before: number, limit: number): readonly HolderId[] {
    return this.#silent.all(before, limit).map((row) => row.id);
  }

  /** The newest message that its browser missed and was not told of. */
  expiredUntold({ channel, key }: Subscription, now: number): Version | undefined {
    return this.#expiredUntold.get(channel.key, key, now, limits.instantMs)?.version;
  }

  expiredTold({ channel, key }: Subscription, version: Version): void {
    this.#expiredTold.run(channel.key, key, version);
  }

  /** A message that the browser of a subscription missed is about to be removed. Nothing when the channel is a user's. */
  expired(channel: ChannelKey, version: Version): void {
    this.#expired.run(channel, version);
  }
}

function subscriptionOf({ channel, key, id, holder, name, createdAt }: Row): Subscription {
  return { key, id, channel: { key: channel }, holder, name, createdAt };
}
