import type { Database, Statement } from 'bun:sqlite';
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

  constructor(db: Database) {
    this.#find = db.prepare(`${SELECT} WHERE holder = ? AND name = ?`);
    this.#live = db.prepare(`${SELECT} WHERE holder = ? AND removed_at IS NULL ORDER BY device`);
    this.#count = db.prepare(
      'SELECT count(*) AS live FROM subscriptions WHERE holder = ? AND removed_at IS NULL',
    );
    this.#put = db.prepare(
      `INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, NULL)
       ON CONFLICT (channel) DO UPDATE SET device = excluded.device, device_id = excluded.device_id,
         created_at = excluded.created_at,
         removed_at = NULL`,
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
}

function subscriptionOf({ channel, key, id, holder, name, createdAt }: Row): Subscription {
  return { key, id, channel: { key: channel }, holder, name, createdAt };
}
