import type { Database, Statement } from 'bun:sqlite';
import { limits } from '../../../protocol/limits.ts';
import { isQueue } from '../../../protocol/slot.ts';
import type { Version } from '../../../protocol/version.ts';
import {
  assumedEnding,
  firstQuotaDay,
  formerDeviceMs,
  isMissed,
  isTopic,
  leavesTrace,
  removedSubscriptionMs,
  stateMs,
} from '../rules.ts';
import type { DeviceTable } from './device-table.ts';
import type { Ended, EndingTable } from './ending-table.ts';
import type { GroupCommit } from './group-commit.ts';
import type { MetaTable } from './meta-table.ts';
import type { MulticastTable } from './multicast-table.ts';
import type { QuotaTable } from './quota-table.ts';
import type { Subscribing } from './subscribing.ts';
import type { SubscriptionTable } from './subscription-table.ts';

/** Messages looked at per step: a few milliseconds of the event loop at most. */
const STEP = 200;

interface Candidate extends Ended {
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Until when its state is kept; null for a message that is not tracked. */
  readonly stateUntil: number | null;
}

const CANDIDATE =
  'version, channel, slot, accepted_at AS acceptedAt, expires_at AS expiresAt, state_until AS stateUntil';

/**
 * Removes what nobody needs any more, without ever reading the whole table.
 *
 * 1. *Sweep.* Messages leave the trace in the order of their versions, so a cursor (`swept_to`) passes each of them once.
 *    One that has ended everywhere, has expired, or is replaced by the one that is just passing, goes. The others linger:
 *    at most one per slot, plus queues, plus those of multicasts: these stay for as long as their state is kept.
 * 2. *Revisit.* A lingering message that ended on one more device was noted by the ending; it goes when that was the last.
 * 3. *Expire.* The calendar of lingering messages says which ones have ended by themselves, and which ones have a state that
 *    nobody may ask for any more.
 *
 * Each step is one write among others, so messages that arrive meanwhile wait for one step only.
 */
export class Pruning {
  readonly #commit: GroupCommit;
  readonly #meta: MetaTable;
  readonly #devices: DeviceTable;
  readonly #endings: EndingTable;
  readonly #quota: QuotaTable;
  readonly #multicasts: MulticastTable;
  readonly #subscriptions: SubscriptionTable;
  readonly #subscribing: Subscribing;
  readonly #crowdedOut: Statement<{ version: Version }, [number]>;
  readonly #next: Statement<Candidate, [number, number]>;
  readonly #one: Statement<Candidate, [number]>;
  readonly #replaced: Statement<Candidate, [number, string, number]>;
  readonly #replacedBy: Statement<unknown, [number, string, number, number]>;
  readonly #toRevisit: Statement<{ version: Version }, [number]>;
  readonly #revisited: Statement<unknown, [number]>;
  readonly #expired: Statement<{ due: number; version: Version }, [number, number]>;
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
      readonly multicasts: MulticastTable;
      readonly subscriptions: SubscriptionTable;
      readonly subscribing: Subscribing;
    },
  ) {
    this.#commit = rest.commit;
    this.#meta = rest.meta;
    this.#devices = rest.devices;
    this.#endings = rest.endings;
    this.#quota = rest.quota;
    this.#multicasts = rest.multicasts;
    this.#subscriptions = rest.subscriptions;
    this.#subscribing = rest.subscribing;
    this.#crowdedOut = db.prepare('SELECT version FROM messages ORDER BY version DESC LIMIT 1 OFFSET ?');
    this.#next = db.prepare(`SELECT ${CANDIDATE} FROM messages WHERE version > ? ORDER BY version LIMIT ?`);
    this.#one = db.prepare(`SELECT ${CANDIDATE} FROM messages WHERE version = ?`);
    this.#replaced = db.prepare(
      `SELECT ${CANDIDATE} FROM messages WHERE channel = ? AND slot = ? AND version < ? ORDER BY version DESC LIMIT 1`,
    );
    this.#replacedBy = db.prepare(
      'SELECT 1 FROM messages WHERE channel = ? AND slot = ? AND version > ? AND version <= ? LIMIT 1',
    );
    this.#toRevisit = db.prepare('SELECT version FROM revisit LIMIT ?');
    this.#revisited = db.prepare('DELETE FROM revisit WHERE version = ?');
    this.#expired = db.prepare(
      'SELECT expires_at AS due, version FROM lingering WHERE expires_at <= ? LIMIT ?',
    );
    this.#linger = db.prepare('INSERT OR IGNORE INTO lingering VALUES (?, ?)');
    this.#slotUsed = db.prepare('SELECT 1 FROM messages WHERE channel = ? AND slot = ? LIMIT 1');
    this.#dropMarks = db.prepare(
      'DELETE FROM marks WHERE slot = ? AND device IN (SELECT key FROM devices WHERE channel = ?)',
    );
    this.#drops = ['messages', 'outcomes', 'runs', 'steps'].map((table) =>
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
      () => this.#revisitSome(now),
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
      () => this.#multicasts.dropBefore(now - stateMs, STEP),
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
    const { channel, slot, version } = message;
    // Of what lies below in its slot only the nearest can be one that waits: the others went, or have a state to keep.
    const older = isQueue(slot) ? null : this.#replaced.get(channel, slot, version);
    const dropped = older === null || keepsState(older, now) ? 0 : 1;
    if (older !== null && dropped === 1) this.#drop(older, now);
    if (keepsState(message, now)) this.#linger.run(message.stateUntil, version);
    else if (message.expiresAt > now && this.#endings.stillWaits(channel, version))
      this.#linger.run(message.expiresAt, version);
    else {
      this.#drop(message, now);
      return dropped + 1;
    }
    return dropped;
  }

  #revisitSome(now: number): { removed: number; more: boolean } {
    const noted = this.#toRevisit.all(STEP);
    let removed = 0;
    for (const { version } of noted) {
      this.#revisited.run(version);
      const message = this.#one.get(version);
      if (message === null || keepsState(message, now) || this.#endings.stillWaits(message.channel, version))
        continue;
      this.#drop(message, now);
      removed += 1;
    }
    return { removed, more: noted.length === STEP };
  }

  #expireSome(now: number): { removed: number; more: boolean } {
    const expired = this.#expired.all(now, STEP);
    let removed = 0;
    for (const { due, version } of expired) {
      this.#unlinger.run(due, version);
      const message = this.#one.get(version);
      if (message === null) continue;
      // Its state need not be kept any more, but it waits still.
      if (message.expiresAt > now && this.#waitsOn(message)) {
        this.#linger.run(message.expiresAt, version);
        continue;
      }
      this.#drop(message, now);
      removed += 1;
    }
    return { removed, more: expired.length === STEP };
  }

  /** Some device has to end it, and no message of its slot that left the trace took its place. */
  #waitsOn({ channel, slot, version }: Candidate): boolean {
    if (!this.#endings.stillWaits(channel, version)) return false;
    return isQueue(slot) || this.#replacedBy.get(channel, slot, version, this.#meta.sweptTo) === null;
  }

  #drop(message: Candidate, now: number): void {
    const { ending } = assumedEnding(message.expiresAt, now, 'superseded');
    this.#endings.endsUnrecorded(message.channel, message.version, ending);
    for (const drop of this.#drops) drop.run(message.version);
    this.#unlinger.run(message.expiresAt, message.version);
    if (message.stateUntil !== null) this.#unlinger.run(message.stateUntil, message.version);
    if (this.#leavesWaiting(message) && isMissed(message, now))
      this.#subscriptions.expired(message.channel, message.version);
    if (isQueue(message.slot)) return;
    if (this.#slotUsed.get(message.channel, message.slot) === null) {
      // Without messages there is nothing that a mark could tell, and topics are many.
      this.#dropMarks.run(message.slot, message.channel);
    }
  }

  /** Did it wait still, in a queue or as the newest of its topic? */
  #leavesWaiting({ channel, slot, version }: Candidate): boolean {
    if (isQueue(slot)) return this.#unqueue.run(channel, version).changes > 0;
    return isTopic(slot) && this.#untopic.run(channel, slot, version).changes > 0;
  }
}

function keepsState(message: Candidate, now: number): message is Candidate & { readonly stateUntil: number } {
  return message.stateUntil !== null && message.stateUntil > now;
}
