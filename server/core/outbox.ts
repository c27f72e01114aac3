import { limits } from '../../protocol/limits.ts';
import { isQueue } from '../../protocol/slot.ts';
import { reaches } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Events } from '../observe/events.ts';
import type { Alarm, Alarms, Sleeper } from './alarms.ts';
import type { Clock } from './clock.ts';
import type { Moves } from './moves.ts';
import { type Pending, PendingMessages } from './pending.ts';
import type { EndReason, Recipient } from './recipient.ts';
import type { ChannelKey, Kept, MessageStore, Missed, Seen } from './store.ts';
import type { Addressee } from './subscription.ts';

export interface OutboxDeps {
  readonly store: MessageStore;
  readonly moves: Pick<Moves, 'moved'>;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly events: Events;
  /** A message went out to a device. */
  readonly offered: (version: Version, device: string) => void;
  /** A message was taken back from the devices of a channel. */
  readonly announceWithdrawn: (channel: ChannelKey, version: Version) => Promise<void>;
  /** A message of receipts was confirmed. */
  readonly announceReceipt: (receipts: string, version: Version) => Promise<void>;
}

/** What a connection that is over left behind, as far as was known. */
export interface Leftover {
  /** Something had not ended. */
  readonly waits: boolean;
  /** Of these the device had said something: that a run began, ended badly, or ended well and its confirm is being kept. */
  readonly answered: ReadonlySet<Version>;
  /** When the connection began, in milliseconds since 1970. */
  readonly since: number;
}

const nothingLeft: Leftover = { waits: false, answered: new Set(), since: 0 };

/**
 * Everything that is on its way to one connected device.
 *
 * A device comes back while messages keep arriving. Three phases see to it that it gets each one, none twice:
 *
 * 1. *Backfill.* The session is already registered, so announcements arrive; they are noted but not offered. The store is
 *    read: the newest message of each slot and the first page of the queues.
 * 2. *Cutover.* What was read and what was announced are merged by version, in one turn of the event loop: nothing can
 *    arrive between. An announced message older than the one read for its slot has been superseded while away (SC2).
 * 3. *Live.* Announcements are offered as they come, slots taking turns (SC3), each again and again until it ends (HA1).
 *
 * The queues of a channel may together be longer than an outbox should hold. While the store has more of them than was read (`#queueBehind`),
 * announcements for them are dropped: the next page, read when this one is half confirmed, brings them in order.
 */
export class Outbox implements Sleeper {
  readonly device: Addressee;
  /** When the device connected, in milliseconds since 1970. */
  readonly connectedAt: number;
  readonly #recipient: Recipient;
  readonly #deps: OutboxDeps;
  readonly #pending = new PendingMessages();
  #phase: 'backfill' | 'live' | 'paused' | 'closed' = 'backfill';
  #blocked = false;
  /** Versions whose confirm is being kept; undefined before the first one, and so on an idle device. */
  #confirming: Set<Version> | undefined;
  #leftover: Leftover | undefined;
  #queueBehind = false;
  #queueAside: Kept[] | undefined;
  #queueLast = 0 as Version;
  #alarm: Alarm | undefined;

  constructor(device: Addressee, recipient: Recipient, deps: OutboxDeps) {
    this.device = device;
    this.connectedAt = deps.clock.now();
    this.#recipient = recipient;
    this.#deps = deps;
  }

  /** Phases 1 and 2. Rejects when the store cannot be read; the connection must end then, so that the device comes back. */
  async catchUp(): Promise<void> {
    this.#phase = this.#phase === 'closed' ? 'closed' : 'backfill';
    const missed = await this.#missed();
    // What was replaced while the device was away has ended by this.
    this.#moved();
    // Closed or paused while the store was read.
    if (this.#phase !== 'backfill') return;
    for (const kept of missed.kept) this.#pending.backfill(kept);
    this.#cutOverQueue(missed);
    this.#phase = 'live';
    this.#pump();
    if (this.#phase === 'live') this.#recipient.caughtUp();
  }

  /** A message was kept for the channel of this device. One below its bound waits in the store until the bound is lowered. */
  announced(kept: Kept): void {
    if (this.#phase === 'closed' || this.#phase === 'paused') return;
    if (!reaches(kept.urgency, this.device.lowestUrgency)) return;
    const queued = isQueue(kept.slot);
    if (queued && this.#queueBehind) {
      this.#queueAside?.push(kept);
      return;
    }
    if (queued) this.#noteQueued(kept);
    const gaveWay = this.#pending.add(kept);
    if (gaveWay !== undefined)
      this.#write('supersede', this.#deps.store.supersede(this.device.key, gaveWay.version));
    this.#pump();
  }

  /** The handler began to run `version`: no re-offer until it ends, and older ones of its slot will not run any more (OR1). */
  async taken(version: Version): Promise<void> {
    const pending = this.#pending.find(version);
    if (pending !== undefined) {
      pending.state = 'running';
      pending.runningSince ??= this.#deps.clock.now();
      pending.answered = true;
      // Only then is there something for the store to record.
      if (this.#pending.removeOlder(pending.kept) === 0 && pending.kept.tracked === undefined) return;
    }
    await this.#deps.store.taken(this.device.key, version);
    this.#moved();
  }

  /**
   * The handler ended well. Settles when the confirm is kept.
   * @param patient no answer to the device waits for that.
   */
  async confirm(version: Version, patient = true): Promise<void> {
    const pending = this.#pending.find(version);
    if (pending !== undefined) {
      this.#pending.removeOlder(pending.kept);
      this.#pending.remove(version);
    }
    this.#confirming ??= new Set();
    const confirming = this.#confirming.add(version);
    const { store, announceWithdrawn } = this.#deps;
    const endedElsewhere = await store
      .confirm(this.device.key, version, patient)
      .finally(() => confirming.delete(version));
    if (endedElsewhere) this.#write('withdraw', announceWithdrawn(this.device.channel.key, version));
    this.#moved();
    this.#deps.events.confirmed(version, this.device.id);
    const receipts = pending?.kept.receipts;
    if (receipts !== undefined) this.#write('receipt', this.#deps.announceReceipt(receipts, version));
    this.#pump();
  }

  /** The run ended badly (`failed`, counts towards HA2), or nobody listens yet (`no-listener`, does not). Offered again later. */
  async refuse(version: Version, kind: 'failed' | 'no-listener', reason: string): Promise<void> {
    const pending = this.#pending.find(version);
    if (pending !== undefined) pending.answered = true;
    if (kind === 'failed') {
      const { failedRuns, ended } = await this.#deps.store.runFailed(this.device.key, version);
      this.#deps.events.runFailed(version, this.device.id, failedRuns, reason);
      if (ended) this.#pending.remove(version);
      this.#moved();
    }
    if (pending === undefined || this.#phase === 'closed') return;
    this.#pending.postpone(pending, this.#deps.clock.now());
    this.#pump();
  }

  /** The message was taken back: it is not offered (again). A run that began goes on. */
  withdrawn(version: Version): void {
    this.#pending.remove(version);
    this.#pump();
  }

  /** Does the device ask to be told what was seen on others? */
  get wantsSeen(): boolean {
    return this.#phase !== 'closed' && this.#recipient.wantsSeen === true;
  }

  seen(seen: Seen): void {
    if (this.wantsSeen) this.#recipient.seen?.(seen);
  }

  /** The connection can take more again. */
  drained(): void {
    this.#blocked = false;
    this.#pump();
  }

  /** The earliest re-offer is due. */
  rang(): void {
    this.#alarm = undefined;
    this.#pump();
  }

  /** The user paused the channel: what has not ended waits in the store until `catchUp` is called again (PA1). */
  pause(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'paused';
    this.#pending.clear();
    this.#queueBehind = false;
    this.#queueAside = undefined;
    this.#arm();
  }

  /** What is on its way: offered or running, not ended. For the trace. */
  offered(): readonly Version[] {
    return this.#pending.offered();
  }

  /** How a message stands here that has not ended. For the trace. */
  standing(version: Version): Readonly<Pending> | undefined {
    return this.#pending.find(version);
  }

  /** True while the device has said nothing at all of a message that has not ended (WK2). */
  isUnanswered(version: Version): boolean {
    return this.#pending.find(version)?.answered === false;
  }

  /** Everything that has not ended and is held here, by version. */
  waiting(): readonly Kept[] {
    return this.#pending.all();
  }

  /** True while the store holds more of the queue than is held here. */
  get holdsPart(): boolean {
    return this.#queueBehind;
  }

  /** What its gateway tells of the connection. */
  describe(): ReturnType<NonNullable<Recipient['describe']>> | undefined {
    return this.#recipient.describe?.();
  }

  /** Of a connection that is over. */
  get leftover(): Leftover {
    return this.#leftover ?? nothingLeft;
  }

  /** The connection is over. What did not end waits in the store. */
  close(): void {
    if (this.#phase === 'closed') return;
    // One that was closed before the store was read may have left anything.
    const waits = this.#phase === 'backfill' || this.#pending.all().length > 0;
    const answered = new Set([...this.#pending.answered(), ...(this.#confirming ?? [])]);
    this.#leftover = { waits, answered, since: this.connectedAt };
    this.#phase = 'closed';
    this.#alarm?.leave(this);
    this.#alarm = undefined;
    this.#pending.clear();
  }

  /** Ends the connection from our side. */
  end(reason: EndReason): void {
    if (this.#phase === 'closed') return;
    this.close();
    this.#recipient.end(reason);
  }

  #cutOverQueue(missed: Missed): void {
    this.#queueBehind = missed.more;
    const lastRead = missed.kept.findLast((kept) => isQueue(kept.slot))?.version;
    if (lastRead === undefined) return;
    if (missed.more) {
      this.#pending.dropQueuedAfter(lastRead);
      this.#queueLast = lastRead;
    } else if (lastRead > this.#queueLast) {
      this.#queueLast = lastRead;
    }
  }

  #noteQueued(kept: Kept): void {
    if (kept.version > this.#queueLast) this.#queueLast = kept.version;
  }

  #pump(): void {
    const now = this.#deps.clock.now();
    this.#pending.wakeDue(now);
    while (this.#phase === 'live' && !this.#blocked) {
      const next = this.#pending.next(now);
      if (next === undefined) break;
      this.#offer(next, now);
    }
    this.#arm();
    if (this.#queueBehind) this.#refillQueue();
  }

  #offer(pending: Pending, now: number): void {
    const answer = this.#recipient.offer(pending.kept);
    if (answer === 'taken') {
      this.#pending.noteOffered(pending, now);
      this.#deps.offered(pending.kept.version, this.device.id);
      if (pending.kept.tracked)
        this.#write('sent', this.#deps.store.sent(this.device.key, pending.kept.version));
    } else if (answer === 'full') {
      this.#blocked = true;
    } else {
      this.close();
    }
  }

  /** One alarm for the whole outbox, at the earliest re-offer. */
  #arm(): void {
    const due = this.#phase === 'live' ? this.#pending.earliestDue() : Number.POSITIVE_INFINITY;
    if (due === this.#alarm?.at) return;
    this.#alarm?.leave(this);
    this.#alarm = due === Number.POSITIVE_INFINITY ? undefined : this.#deps.alarms.set(this, due);
  }

  /** Whatever made room in the page: a confirm, a withdrawal, an end by failed runs, a life that is over. */
  #refillQueue(): void {
    if (this.#queueAside !== undefined || this.#phase !== 'live') return;
    if (this.#pending.queued > limits.queuePage / 2) return;
    // From here on announcements are noted, then the store is read: the same order as at connect.
    const aside: Kept[] = [];
    this.#queueAside = aside;
    this.#missed(this.#queueLast).then(
      (page) => this.#refilled(page, aside),
      (error: unknown) => {
        this.#deps.events.failed('catch-up', error);
        this.end('going-away');
      },
    );
  }

  #refilled(page: Missed, aside: readonly Kept[]): void {
    // A channel that was paused meanwhile is read anew when it goes on.
    if (this.#queueAside !== aside || this.#phase !== 'live') return;
    this.#queueAside = undefined;
    this.#queueBehind = page.more;
    for (const kept of [...page.kept.filter((one) => isQueue(one.slot)), ...(page.more ? [] : aside)]) {
      if (kept.version <= this.#queueLast) continue;
      this.#noteQueued(kept);
      this.#pending.add(kept);
    }
    this.#pump();
  }

  #missed(after?: Version): Promise<Missed> {
    const { key, lowestUrgency: lowest } = this.device;
    return this.#deps.store.missed(key, limits.queuePage, { after, lowest });
  }

  #write(what: string, write: Promise<void>): void {
    write.then(
      () => this.#moved(),
      (error: unknown) => this.#deps.events.failed(what, error),
    );
  }

  #moved(): void {
    const { id } = this.device.channel;
    if (id !== undefined && id !== '') this.#deps.moves.moved(id);
  }
}
