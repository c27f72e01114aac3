import type { Database, Statement } from 'bun:sqlite';
import type { AppId } from '../../../protocol/app-id.ts';
import { type ChannelId, makeChannelId } from '../../../protocol/channel-id.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import type { Random } from '../../core/clock.ts';
import type { Channel, ChannelKey, ChannelState } from '../../core/store.ts';
import { Lru } from './lru.ts';

const REMEMBERED = 50_000;

interface ChannelRow {
  readonly key: number;
  readonly id: string | null;
  readonly app: string | null;
  readonly user: string | null;
  readonly state: ChannelState;
  readonly created_at: number;
}

/** Channels. Each is asked for by every message to it, so the hot ones are remembered; whoever writes one forgets it. */
export class ChannelTable {
  readonly #byKey: Statement<ChannelRow, [number]>;
  readonly #byId: Statement<ChannelRow, [string]>;
  readonly #byUser: Statement<ChannelRow, [string]>;
  readonly #byUserAndApp: Statement<ChannelRow, [string, string]>;
  readonly #someOfApp: Statement<{ key: number }, [string, number]>;
  readonly #insert: Statement<ChannelRow, [string, string, string, number]>;
  readonly #insertNameless: Statement<ChannelRow, [number]>;
  readonly #setState: Statement<unknown, [string, number]>;
  readonly #forgetUser: Statement<unknown, [number]>;
  readonly #drop: Statement<unknown, [number]>;
  readonly #known = new Lru<ChannelKey, Channel>(REMEMBERED);
  readonly #keys = new Lru<ChannelId, ChannelKey>(REMEMBERED);

  constructor(db: Database) {
    this.#byKey = db.prepare('SELECT * FROM channels WHERE key = ?');
    this.#byId = db.prepare('SELECT * FROM channels WHERE id = ?');
    this.#byUser = db.prepare('SELECT * FROM channels WHERE user = ? ORDER BY key');
    this.#byUserAndApp = db.prepare('SELECT * FROM channels WHERE user = ? AND app = ?');
    this.#someOfApp = db.prepare("SELECT key FROM channels WHERE app = ? AND state <> 'removed' LIMIT ?");
    this.#insert = db.prepare(
      "INSERT INTO channels (id, app, user, state, created_at) VALUES (?, ?, ?, 'live', ?) RETURNING *",
    );
    this.#insertNameless = db.prepare(
      "INSERT INTO channels (state, created_at) VALUES ('live', ?) RETURNING *",
    );
    this.#setState = db.prepare('UPDATE channels SET state = ? WHERE key = ?');
    this.#forgetUser = db.prepare('UPDATE channels SET user = NULL WHERE key = ?');
    this.#drop = db.prepare('DELETE FROM channels WHERE key = ? AND id IS NULL');
  }

  byKey(key: ChannelKey): Channel | undefined {
    return this.#known.get(key) ?? this.#remember(this.#byKey.get(key));
  }

  byId(id: ChannelId): Channel | undefined {
    const key = this.#keys.get(id);
    return key === undefined ? this.#remember(this.#byId.get(id)) : this.byKey(key);
  }

  ofUser(user: string): readonly Channel[] {
    return this.#byUser.all(user).map(channelOf);
  }

  find(user: string, app: AppId): Channel | undefined {
    return this.#remember(this.#byUserAndApp.get(user, app));
  }

  /** Some channels of an app that are not removed. */
  someOfApp(app: AppId, most: number): readonly ChannelKey[] {
    return this.#someOfApp.all(app, most).map((row) => row.key as ChannelKey);
  }

  /** CH1: makes the channel of (user, app) with an id that no channel has or had. */
  make(user: string, app: AppId, random: Random, now: number): Channel {
    let id = makeChannelId(app, random(8));
    while (this.byId(id) !== undefined) id = makeChannelId(app, random(8));
    const made = this.#remember(this.#insert.get(id, app, user, now));
    if (made === undefined) throw new Error('INSERT … RETURNING returned no row');
    return made;
  }

  /** Makes the channel of a push subscription. */
  makeNameless(now: number): ChannelKey {
    const made = this.#remember(this.#insertNameless.get(now));
    if (made === undefined) throw new Error('INSERT … RETURNING returned no row');
    return made.key;
  }

  /** Drops the channel of a push subscription. */
  dropNameless(key: ChannelKey): void {
    this.#drop.run(key);
    this.#known.delete(key);
  }

  setState(key: ChannelKey, state: ChannelState): void {
    this.#setState.run(state, key);
    this.#known.delete(key);
  }

  /** The channel tells no user any more; its id stays taken. */
  forgetUser(key: ChannelKey): void {
    this.#forgetUser.run(key);
    this.#known.delete(key);
  }

  isOpen(key: ChannelKey): boolean {
    const state = this.byKey(key)?.state;
    return state === 'live' || state === 'paused';
  }

  /** @throws `channel-invalid` when there is no such channel or messages cannot go there any more. */
  assertOpen(key: ChannelKey): Channel {
    const channel = this.byKey(key);
    if (channel === undefined || !this.isOpen(key)) throw new ReveilleError('channel-invalid');
    return channel;
  }

  forgetOne(key: ChannelKey): void {
    const channel = this.#known.get(key);
    if (channel === undefined) return;
    this.#known.delete(key);
    this.#keys.delete(channel.id);
  }

  forget(): void {
    this.#known.clear();
    this.#keys.clear();
  }

  #remember(row: ChannelRow | null): Channel | undefined {
    if (row === null) return undefined;
    const channel = channelOf(row);
    this.#known.set(channel.key, channel);
    if (row.id !== null) this.#keys.set(channel.id, channel.key);
    return channel;
  }
}

function channelOf(row: ChannelRow): Channel {
  return {
    key: row.key as ChannelKey,
    id: (row.id ?? '') as ChannelId,
    app: (row.app ?? '') as AppId,
    user: row.user ?? '',
    state: row.state,
    createdAt: row.created_at,
  };
}
