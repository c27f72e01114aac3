import type { Database, Statement } from 'bun:sqlite';
import type { Urgency } from '../../../protocol/urgency.ts';
import type { Version } from '../../../protocol/version.ts';
import type {
  Channel,
  ChannelKey,
  Device,
  DeviceChange,
  DeviceDraft,
  DeviceKey,
  FormerDevice,
  WakeableOf,
} from '../../core/store.ts';
import { Lru } from './lru.ts';

const REMEMBERED = 50_000;

/** A device that has not left. Its channel is looked up when a whole `Device` is asked for: the channel may change. */
export interface DeviceRow {
  readonly key: DeviceKey;
  readonly id: string;
  readonly channel: ChannelKey;
  readonly tokenHash: string;
  readonly name: string;
  readonly transport: string | null;
  readonly lowestUrgency: Urgency;
  /** FO2: it is entitled to versions above this one. */
  readonly since: Version;
  readonly registeredAt: number;
  readonly seenAt: number;
}

type FormerRow = Pick<DeviceRow, 'key' | 'channel'> & Pick<FormerDevice, 'leftAt'>;

const COLUMNS = `key, id, channel, token_hash AS tokenHash, name, transport,
  lowest_urgency AS lowestUrgency, since, registered_at AS registeredAt, seen_at AS seenAt`;

/** Devices. The hot ones are remembered; whoever writes one forgets it. */
export class DeviceTable {
  readonly #byKey: Statement<DeviceRow, [number]>;
  readonly #byId: Statement<DeviceRow, [string]>;
  readonly #idTaken: Statement<unknown, [string]>;
  readonly #ofChannel: Statement<DeviceRow, [number]>;
  readonly #countOf: Statement<{ devices: number }, [number]>;
  readonly #ofSignIn: Statement<DeviceRow, [string]>;
  readonly #isWakeable: Statement<unknown, [number]>;
  readonly #wakeableOf: Statement<DeviceRow, [number]>;
  readonly #wakeableAfter: Statement<DeviceRow, [number, number, number]>;
  readonly #insert: Statement<DeviceRow, (string | number | null)[]>;
  readonly #update: Statement<unknown, [string, string | null, string, string, number]>;
  readonly #seen: Statement<unknown, [number, number]>;
  readonly #leftAfter: Statement<FormerRow, [number, number]>;
  readonly #leave: Statement<unknown, [number, number]>;
  readonly #blank: Statement<unknown, [number]>;
  readonly #dropFormer: Statement<unknown, [number, number]>;
  readonly #known = new Lru<DeviceKey, DeviceRow>(REMEMBERED);
  readonly #keys = new Lru<string, DeviceKey>(REMEMBERED);
  /** Channels without a device that can be woken, which each message asks for (docs/decisions/0226). */
  readonly #unwakeable = new Lru<ChannelKey, true>(REMEMBERED);

  constructor(db: Database) {
    const select = (where: string) => `SELECT ${COLUMNS} FROM devices WHERE ${where} AND removed_at IS NULL`;
    this.#byKey = db.prepare(select('key = ?'));
    this.#byId = db.prepare(select('id = ?'));
    this.#idTaken = db.prepare('SELECT 1 FROM devices WHERE id = ?');
    this.#ofChannel = db.prepare(`${select('channel = ?')} ORDER BY key`);
    this.#countOf = db.prepare(
      'SELECT count(*) AS devices FROM devices WHERE channel = ? AND removed_at IS NULL',
    );
    this.#ofSignIn = db.prepare(`${select('sign_in = ?')} ORDER BY key`);
    this.#isWakeable = db.prepare(
      'SELECT 1 FROM devices WHERE transport IS NOT NULL AND channel = ? LIMIT 1',
    );
    this.#wakeableOf = db.prepare(`${select('transport IS NOT NULL AND channel = ?')} ORDER BY key`);
    this.#wakeableAfter = db.prepare(
      `${select('transport IS NOT NULL AND (channel, key) > (?, ?)')} ORDER BY channel, key LIMIT ?`,
    );
    this.#insert = db.prepare(
      `INSERT INTO devices (id, channel, token_hash, name, sign_in, since, registered_at, seen_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) RETURNING ${COLUMNS}`,
    );
    this.#update = db.prepare(
      'UPDATE devices SET token_hash = ?, transport = ?, name = ?, lowest_urgency = ? WHERE key = ?',
    );
    this.#seen = db.prepare('UPDATE devices SET seen_at = ? WHERE key = ?');
    this.#leftAfter = db.prepare(
      `SELECT key, channel, removed_at AS leftAt FROM devices WHERE removed_at > ?
       ORDER BY removed_at DESC, key DESC LIMIT ?`,
    );
    this.#leave = db.prepare(
      "UPDATE devices SET removed_at = ?, token_hash = '', transport = NULL, sign_in = NULL WHERE key = ?",
    );
    this.#blank = db.prepare("UPDATE devices SET name = '' WHERE channel = ?");
    this.#dropFormer = db.prepare(
      'DELETE FROM devices WHERE key IN (SELECT key FROM devices WHERE removed_at <= ? LIMIT ?)',
    );
  }

  byKey(key: DeviceKey): DeviceRow | undefined {
    return this.#known.get(key) ?? this.#remember(this.#byKey.get(key));
  }

  byId(id: string): DeviceRow | undefined {
    const key = this.#keys.get(id);
    return key === undefined ? this.#remember(this.#byId.get(id)) : this.byKey(key);
  }

  /** True also for the id of a device that left. */
  isTaken(id: string): boolean {
    return this.#idTaken.get(id) !== null;
  }

  /** In the order of their registration. */
  ofChannel(channel: ChannelKey): readonly DeviceRow[] {
    return this.#ofChannel.all(channel);
  }

  countOf(channel: ChannelKey): number {
    return this.#countOf.get(channel)?.devices ?? 0;
  }

  ofSignIn(signIn: string): readonly DeviceRow[] {
    return this.#ofSignIn.all(signIn);
  }

  wakeable(of: WakeableOf): readonly DeviceRow[] {
    if ('channel' in of) return this.#wakeableOn(of.channel);
    return this.#wakeableAfter.all(of.after?.channel.key ?? 0, of.after?.key ?? 0, of.limit);
  }

  insert(draft: DeviceDraft, since: Version, now: number): DeviceRow {
    const { id, channel, tokenHash, name, signIn } = draft;
    const row = this.#remember(this.#insert.get(id, channel, tokenHash, name, signIn, since, now));
    if (row === undefined) throw new Error('INSERT … RETURNING returned no row');
    return row;
  }

  update(device: DeviceRow, change: DeviceChange): void {
    const { tokenHash, transport, name, lowestUrgency } = { ...device, ...change };
    this.#update.run(tokenHash, transport, name, lowestUrgency, device.key);
    this.#known.delete(device.key);
    this.#unwakeable.delete(device.channel);
  }

  seen(device: DeviceRow, now: number): void {
    this.#seen.run(now, device.key);
    this.#forgetOne(device);
  }

  /** The device leaves: only its name stays, for the trace. */
  leave(device: DeviceRow, now: number): void {
    this.#leave.run(now, device.key);
    this.#forgetOne(device);
  }

  leftAfter(moment: number, limit: number): readonly FormerRow[] {
    return this.#leftAfter.all(moment, limit);
  }

  /** Takes the names from all devices of a channel, also from those that left. */
  blankNames(channel: ChannelKey): void {
    this.#blank.run(channel);
  }

  /** Forgets devices that left at `before` or earlier, at most `most`. Answers how many. */
  dropFormer(before: number, most: number): number {
    return this.#dropFormer.run(before, most).changes;
  }

  forget(): void {
    this.#known.clear();
    this.#keys.clear();
    this.#unwakeable.clear();
  }

  #forgetOne(device: DeviceRow): void {
    this.#known.delete(device.key);
    this.#keys.delete(device.id);
  }

  #wakeableOn(channel: ChannelKey): readonly DeviceRow[] {
    if (this.#unwakeable.get(channel)) return [];
    // Mostly there is none, and the sorted list takes several times as long to be empty.
    if (this.#isWakeable.get(channel) !== null) return this.#wakeableOf.all(channel);
    this.#unwakeable.set(channel, true);
    return [];
  }

  #remember(row: DeviceRow | null): DeviceRow | undefined {
    if (row === null) return undefined;
    this.#known.set(row.key, row);
    this.#keys.set(row.id, row.key);
    return row;
  }
}

/** The device as the port gives it. */
export function deviceOf(row: DeviceRow, channel: Channel): Device {
  const { key, id, tokenHash, name, transport, lowestUrgency, registeredAt, seenAt } = row;
  return { key, id, channel, tokenHash, name, transport, lowestUrgency, registeredAt, seenAt };
}
