import type { Database, Statement } from 'bun:sqlite';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import { firstQuotaDay, formerDeviceMs, isTopic, leavesTrace, removedSubscriptionMs } from '../rules.ts';
import type { DeviceTable } from './device-table.ts';
import type { Ended, EndingTable } from './ending-table.ts';
import type { GroupCommit } from './group-commit.ts';
import type { MetaTable } from './meta-table.ts';
import type { QuotaTable } from './quota-table.ts';
import type { Subscribing } from './subscribing.ts';

/** Messages looked at per step: a few milliseconds of the event loop at most. */
const STEP = 200;

interface Candidate extends Ended {
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

const CANDIDATE = 'version, channel, slot, accepted_at AS acceptedAt, expires_at AS expiresAt';

/**
 * Removes what nobody needs any more, without ever reading the whole table.
 *
 * 1. *Sweep.* Messages leave the trace in the order of their versions, so a cursor (`swept_to`) passes each of them once.
 *    One that has ended everywhere, has expired, or is replaced by the one that is just passing, goes. The others linger:
 *    at most one per slot, plus queues.
 * 2. *Revisit.* A lingering message that ended on one more device was noted by the ending; it goes when that was the last.
 * 3. *Expire.* The calendar of lingering messages says which ones have ended by themselves.
 *
 * Each step is one write among others, so messages that arrive meanwhile wait for one step only.
 */
export class Pruning {
  readonly #commit: GroupCommit;
  readonly #meta: MetaTable;
  readonly #devices: DeviceTable;
  readonly #endings: EndingTable;
  readonly #quota: QuotaTable;
  readonly #subscribing: Subscribing;
  readonly #crowdedOut: Statement<{ version: Version }, [number]>;
  readonly #next: Statement<Candidate, [number, number]>;
  readonly #one: Statement<Candidate, [number]>;
  readonly #replaced: Statement<Candidate, [number, string, number]>;
  readonly #toRevisit: Statement<{ version: Version }, [number]>;
  readonly #revisited: Statement<unknown, [number]>;
  readonly #expired: Statement<{ version: Version }, [number, number]>;
  readonly #linger: Statement<unknown, [number, number]>;
  readonly #slotUsed: Statement<unknown, [number, string]>;
  readonly #dropMarks: Statement<unknown, [string, number]>;
  readonly #drops: readonly Statement<unknown, [number]>[];
  readonly #unlinger: Statement<unknown, [number, number]>;
  readonly #unqueue: Statement<unknown, [number, number]>;
  readonly #untopic: Statement<unknown, [number, string, number]>;

  constructor(
    db: Database,
    rest: {
      readonly commit: GroupCommit;
      readonly meta: MetaTable;
      readonly devices: DeviceTable;
      readonly endings: EndingTable;
      readonly quota: QuotaTable;
      readonly subscribing: Subscribing;
    },
  ) {
    this.#commit = rest.commit;
    this.#meta = rest.meta;
    this.#devices = rest.devices;
    this.#endings = rest.endings;
    this.#quota = rest.quota;
    this.#subscribing = rest.subscribing;
    this.#crowdedOut = db.prepare('SELECT version FROM messages ORDER BY version DESC LIMIT 1 OFFSET ?');
    this.#next = db.prepare(`SELECT ${CANDIDATE} FROM messages WHERE version > ? ORDER BY version LIMIT ?`);
    this.#one = db.prepare(`SELECT ${CANDIDATE} FROM messages WHERE version = ?`);
    this.#replaced = db.prepare(
      `SELECT ${CANDIDATE} FROM messages WHERE channel = ? AND slot = ? AND version < ?`,
    );
    this.#toRevisit = db.prepare('SELECT version FROM revisit LIMIT ?');
    this.#revisited = db.prepare('DELETE FROM revisit WHERE version = ?');
    this.#expired = db.prepare('SELECT version FROM lingering WHERE expires_at <= ? LIMIT ?');
    this.#linger = db.prepare('INSERT OR IGNORE INTO lingering VALUES (?, ?)');
    this.#slotUsed = db.prepare('SELECT 1 FROM messages WHERE channel = ? AND slot = ? LIMIT 1');
    this.#dropMarks = db.prepare(
      'DELETE FROM marks WHERE slot = ? AND device IN (SELECT key FROM devices WHERE channel = ?)',
    );
    this.#drops = ['messages', 'outcomes', 'runs'].map((table) =>
      db.prepare<unknown, [number]>(`DELETE FROM ${table} WHERE version = ?`),
    );
    this.#unlinger = db.prepare('DELETE FROM lingering WHERE expires_at = ? AND version = ?');
    this.#untopic = db.prepare('DELETE FROM topics WHERE channel = ? AND slot = ? AND version = ?');
    this.#unqueue = db.prepare('DELETE FROM queued WHERE channel = ? AND version = ?');
  }

  /** One round of pruning as of `now`. Answers the messages removed. */
  async run(now: number): Promise<number> {
    const crowdedOut = this.#crowdedOut.get(limits.traceMessages)?.version ?? (0 as Version);
    let removed = 0;
    for (const step of [
      () => this.#sweep(now, crowdedOut),
      () => this.#revisitSome(),
      () => this.#expireSome(now),
    ]) {
      for (let more = true; more; ) {
        const done = await this.#commit.write(step);
        removed += done.removed;
        more = done.more;
      }
    }
    for (const forget of [
      () => this.#devices.dropFormer(now - formerDeviceMs, STEP),
      () => this.#subscribing.dropRemoved(now - removedSubscriptionMs, STEP),
    ]) {
      while ((await this.#commit.write(forget)) === STEP);
    }
    await this.#commit.write(() => this.#quota.dropBefore(firstQuotaDay(now)));
    return removed;
  }

  #sweep(now: number, crowdedOut: Version): { removed: number; more: boolean } {
    const candidates = this.#next.all(this.#meta.sweptTo, STEP);
    let removed = 0;
    for (const candidate of candidates) {
      if (!leavesTrace(candidate.acceptedAt, candidate.version <= crowdedOut, now))
        return { removed, more: false };
      removed += this.#pass(candidate, now);
      this.#meta.sweptTo = candidate.version;
    }
    return { removed, more: candidates.length === STEP };
  }

  /** A message leaves the trace. Answers the messages that went. */
  #pass(message: Candidate, now: number): number {
    const replaced =
      message.slot === null ? [] : this.#replaced.all(message.channel, message.slot, message.version);
    for (const older of replaced) this.#drop(older);
    if (message.expiresAt > now && this.#endings.stillWaits(message.channel, message.version)) {
      this.#linger.run(message.expiresAt, message.version);
      return replaced.length;
    }
    this.#drop(message);
    return replaced.length + 1;
  }

  #revisitSome(): { removed: number; more: boolean } {
    const noted = this.#toRevisit.all(STEP);
    let removed = 0;
    for (const { version } of noted) {
      this.#revisited.run(version);
      const message = this.#one.get(version);
      if (message === null || this.#endings.stillWaits(message.channel, version)) continue;
      this.#drop(message);
      removed += 1;
    }
    return { removed, more: noted.length === STEP };
  }

  #expireSome(now: number): { removed: number; more: boolean } {
    const expired = this.#expired.all(now, STEP);
    for (const { version } of expired) {
      const message = this.#one.get(version);
      if (message !== null) this.#drop(message);
    }
    return { removed: expired.length, more: expired.length === STEP };
  }

  #drop(message: Candidate): void {
    for (const drop of this.#drops) drop.run(message.version);
    this.#unlinger.run(message.expiresAt, message.version);
    if (message.slot === null) {
      this.#unqueue.run(message.channel, message.version);
      return;
    }
    if (isTopic(message.slot)) this.#untopic.run(message.channel, message.slot, message.version);
    if (this.#slotUsed.get(message.channel, message.slot) === null) {
      // Without messages there is nothing that a mark could tell, and topics are many.
      this.#dropMarks.run(message.slot, message.channel);
    }
  }
}
