import type { Database, Statement } from 'bun:sqlite';
import { isQueue } from '../../../protocol/slot.ts';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey, EndedListener, EndedMessage, Ending, Slot } from '../../core/store.ts';
import { isTopic } from '../rules.ts';
import type { DeviceRow } from './device-table.ts';
import type { MetaTable } from './meta-table.ts';

/** The message that an ending is about. */
export interface Ended {
  readonly version: Version;
  readonly channel: ChannelKey;
  readonly slot: Slot;
}

interface EndedRow {
  readonly version: Version;
  readonly ending: Ending;
}

/** Whose a message is: what is told of it when it ends. */
const WHOSE = `SELECT p.id AS project, coalesce(c.app, '') AS app, m.accepted_at AS acceptedAt
  FROM messages m JOIN channels c ON c.key = m.channel JOIN projects p ON p.key = m.project
  WHERE m.version = ?`;

const NOT_ENDED = 'NOT EXISTS (SELECT 1 FROM outcomes WHERE version = m.version AND device = ?1)';

/** Some device that has not left is entitled to the message and has not ended it. */
const STILL_WAITS = `EXISTS (
  SELECT 1 FROM devices d WHERE d.channel = ?1 AND d.removed_at IS NULL AND d.since < ?2
    AND NOT EXISTS (SELECT 1 FROM outcomes WHERE version = ?2 AND device = d.key))`;

/**
 * How messages end on devices (ME2): the outcomes, the marks that say up to where a slot has ended altogether, and the runs
 * that failed. Every ending of a message that left the trace is noted for pruning, which then removes the message.
 */
export class EndingTable {
  readonly #meta: MetaTable;
  readonly #find: Statement<{ ending: Ending }, [number, number]>;
  readonly #put: Statement<unknown, [number, number, string, number]>;
  readonly #mark: Statement<{ version: number }, [number, string]>;
  readonly #setMark: Statement<unknown, [number, string, number]>;
  readonly #olderWait: Statement<unknown, [number, number, string, number, number]>;
  readonly #endOlder: Statement<EndedRow, [number, number, string, number, number, number]>;
  readonly #withdraw: Statement<EndedRow, [number, number, number, number]>;
  readonly #whose: Statement<Omit<EndedMessage, 'version' | 'ending'>, [number]>;
  readonly #countWaiting: Statement<{ devices: number }, [number, number]>;
  readonly #revisitSlot: Statement<unknown, [number, string, number, number]>;
  readonly #revisitSince: Statement<unknown, [number, number, number]>;
  readonly #revisit: Statement<unknown, [number]>;
  readonly #stillWaits: Statement<{ waits: number }, [number, number]>;
  readonly #leaveQueue: Statement<unknown, [number, number]>;
  readonly #queue: Statement<{ version: Version }, [number]>;
  readonly #leaveTopics: Statement<unknown, [number, string, number]>;
  readonly #topics: Statement<{ slot: string; version: Version }, [number]>;
  readonly #runs: Statement<{ failed: number }, [number, number]>;
  readonly #addRun: Statement<{ failed: number }, [number, number]>;
  readonly #dropMarks: Statement<unknown, [number]>;
  /** Ended in the commit under way; filled only when somebody listens. */
  readonly #ended: EndedMessage[] = [];
  readonly #listeners: EndedListener[] = [];

  constructor(db: Database, meta: MetaTable) {
    this.#meta = meta;
    this.#find = db.prepare('SELECT ending FROM outcomes WHERE version = ? AND device = ?');
    this.#put = db.prepare(
      `INSERT INTO outcomes VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET ending = excluded.ending, at = excluded.at`,
    );
    this.#mark = db.prepare('SELECT version FROM marks WHERE device = ? AND slot = ?');
    this.#setMark = db.prepare(
      `INSERT INTO marks VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version WHERE excluded.version > version`,
    );
    const older = `FROM messages m
      WHERE m.channel = ?2 AND m.slot = ?3 AND m.version > ?4 AND m.version < ?5 AND ${NOT_ENDED}`;
    this.#olderWait = db.prepare(`SELECT 1 ${older} LIMIT 1`);
    const assume = (ending: string) =>
      `SELECT m.version, ?1, iif(m.expires_at <= ?6, 'expired', '${ending}'), min(m.expires_at, ?6)`;
    this.#endOlder = db.prepare(
      `INSERT INTO outcomes ${assume('superseded')} ${older} RETURNING version, ending`,
    );
    this.#whose = db.prepare(WHOSE);
    this.#withdraw = db.prepare(
      `INSERT INTO outcomes ${assume('withdrawn').replaceAll('?6', '?4')} FROM messages m
       WHERE m.channel = ?2 AND m.version > ?3 AND ${NOT_ENDED} RETURNING version, ending`,
    );
    this.#revisitSlot = db.prepare(
      `INSERT OR IGNORE INTO revisit SELECT version FROM messages
       WHERE channel = ? AND slot = ? AND version > ? AND version <= ?`,
    );
    this.#revisitSince = db.prepare(
      `INSERT OR IGNORE INTO revisit SELECT version FROM messages
       WHERE channel = ? AND version > ? AND version <= ?`,
    );
    this.#revisit = db.prepare('INSERT OR IGNORE INTO revisit VALUES (?)');
    this.#stillWaits = db.prepare(`SELECT ${STILL_WAITS} AS waits`);
    this.#countWaiting = db.prepare(
      `SELECT count(*) AS devices FROM devices d WHERE d.channel = ?1 AND d.removed_at IS NULL AND d.since < ?2
         AND NOT EXISTS (SELECT 1 FROM outcomes WHERE version = ?2 AND device = d.key)`,
    );
    this.#leaveQueue = db.prepare('DELETE FROM queued WHERE channel = ? AND version = ?');
    this.#queue = db.prepare('SELECT version FROM queued WHERE channel = ?');
    this.#leaveTopics = db.prepare('DELETE FROM topics WHERE channel = ? AND slot = ? AND version <= ?');
    this.#topics = db.prepare('SELECT slot, version FROM topics WHERE channel = ?');
    this.#runs = db.prepare('SELECT failed FROM runs WHERE version = ? AND device = ?');
    this.#addRun = db.prepare(
      `INSERT INTO runs VALUES (?, ?, 1)
       ON CONFLICT DO UPDATE SET failed = failed + 1 RETURNING failed`,
    );
    this.#dropMarks = db.prepare('DELETE FROM marks WHERE device = ?');
  }

  listen(listener: EndedListener): void {
    this.#listeners.push(listener);
  }

  /** The commit is synced: who listens is told what ended in it. */
  tell(): void {
    if (this.#ended.length === 0) return;
    const ended = this.#ended.splice(0);
    for (const listener of this.#listeners) listener(ended);
  }

  forget(): void {
    this.#ended.length = 0;
  }

  of(device: DeviceRow, version: Version): Ending | undefined {
    return this.#find.get(version, device.key)?.ending;
  }

  /** Records how a message ended on a device, in place of what was recorded. */
  record(device: DeviceRow, message: Ended, ending: Ending, at: number): void {
    this.#put.run(message.version, device.key, ending, at);
    this.#note(message.version, ending);
    if (message.version <= this.#meta.sweptTo) this.#revisit.run(message.version);
    this.#noLongerWaits(message);
  }

  /** Has a message of the slot that is older than `version` not ended on the device? */
  olderWait(device: DeviceRow, slot: string, version: Version): boolean {
    const mark = this.#markOf(device, slot);
    return this.#olderWait.get(device.key, device.channel, slot, mark, version) !== null;
  }

  /** OR1, SC2: ends as superseded what is older than `version` in its slot and has not ended on the device. */
  endOlder(device: DeviceRow, slot: string, version: Version, now: number): void {
    const mark = this.#markOf(device, slot);
    const ended = this.#endOlder.all(device.key, device.channel, slot, mark, version, now);
    if (ended.length === 0) return;
    for (const one of ended) this.#note(one.version, one.ending);
    const swept = Math.min(this.#meta.sweptTo, version - 1);
    if (mark < swept) this.#revisitSlot.run(device.channel, slot, mark, swept);
    this.markUpTo(device, slot, version - 1);
  }

  /** Everything of the slot up to `version` has ended on the device. */
  markUpTo(device: DeviceRow, slot: string, version: number): void {
    this.#setMark.run(device.key, slot, version);
  }

  /** Ends as withdrawn whatever has not ended on a device that leaves. Its row must say already that it left. */
  withdrawAll(device: DeviceRow, now: number): void {
    const ended = this.#withdraw.all(device.key, device.channel, device.since, now);
    for (const one of ended) this.#note(one.version, one.ending);
    if (device.since < this.#meta.sweptTo) {
      this.#revisitSince.run(device.channel, device.since, this.#meta.sweptTo);
    }
    this.#dropMarks.run(device.key);
    const { channel } = device;
    for (const { version } of this.#queue.all(channel)) this.#noLongerWaits({ version, channel, slot: null });
    for (const topic of this.#topics.all(channel)) this.#noLongerWaits({ ...topic, channel });
  }

  /** Does some device that is entitled to the message still have to end it? */
  stillWaits(channel: ChannelKey, version: Version): boolean {
    return this.#stillWaits.get(channel, version)?.waits === 1;
  }

  /** A message is about to be removed: on whatever device it still waits for it ends so, which is told and not recorded. */
  endsUnrecorded(channel: ChannelKey, version: Version, ending: Ending): void {
    if (this.#listeners.length === 0) return;
    const devices = this.#countWaiting.get(channel, version)?.devices ?? 0;
    for (let count = 0; count < devices; count += 1) this.#note(version, ending);
  }

  failedRuns(device: DeviceRow, version: Version): number {
    return this.#runs.get(version, device.key)?.failed ?? 0;
  }

  /** Counts one more run that failed; answers how many there are. */
  addFailedRun(device: DeviceRow, version: Version): number {
    return this.#addRun.get(version, device.key)?.failed ?? 0;
  }

  #note(version: Version, ending: Ending): void {
    if (this.#listeners.length === 0) return;
    const whose = this.#whose.get(version);
    if (whose !== null) this.#ended.push({ ...whose, version, ending });
  }

  #markOf(device: DeviceRow, slot: string): number {
    return this.#mark.get(device.key, slot)?.version ?? device.since;
  }

  /** A message that ended on some device counts towards no limit when that was the last one it waited for. */
  #noLongerWaits({ channel, slot, version }: Ended): void {
    if (!(isQueue(slot) || isTopic(slot)) || this.stillWaits(channel, version)) return;
    if (isQueue(slot)) this.#leaveQueue.run(channel, version);
    else this.#leaveTopics.run(channel, slot, version);
  }
}
