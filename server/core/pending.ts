import { limits } from '../../protocol/limits.ts';
import { isQueue } from '../../protocol/slot.ts';
import type { Version } from '../../protocol/version.ts';
import type { Kept, Slot } from './store.ts';

/** One message between the store and the handler. */
export interface Pending {
  readonly kept: Kept;
  /** waiting = to be written to the connection; offered = written; running = the handler has it. */
  state: 'waiting' | 'offered' | 'running';
  offers: number;
  /** The device has said something of it: "taken", or why not. */
  answered: boolean;
  /** When the run that has it began; undefined unless it is running. */
  runningSince?: number | undefined;
  /** When it is to be offered again, in milliseconds since 1970; Infinity while it runs or waits. */
  dueAt: number;
}

/** HA1: the wait after the n-th offer of a version, n from 1: 30 s, doubling up to an hour. */
export function reofferDelay(offers: number): number {
  return Math.min(limits.reofferMs * 2 ** Math.max(0, offers - 1), limits.reofferMsMax);
}

/** The list of every idle device; nothing is ever put into it. */
const none: Pending[] = [];

/**
 * The messages of one device that have not ended, in the order of their versions. A flat list: it is empty almost always
 * and holds at most limits.unconfirmedPerSlot + 1 of each slot and limits.queuePage of the queues.
 */
export class PendingMessages {
  #list = none;
  #lastSlot = '';

  /**
   * Adds an announced message. SC2: at limits.unconfirmedPerSlot unconfirmed ones the oldest that is not yet written gives
   * way; it is answered, so that its end can be recorded. Queued messages never give way.
   */
  add(kept: Kept): Kept | undefined {
    if (this.find(kept.version) !== undefined) return undefined;
    const gaveWay =
      isQueue(kept.slot) || this.#count(kept.slot) < limits.unconfirmedPerSlot
        ? undefined
        : this.#oldestUnwritten(kept.slot);
    if (gaveWay !== undefined) this.remove(gaveWay.version);
    this.#insert(kept);
    return gaveWay;
  }

  /** Adds a message that the store gave as missed; announced ones of its slot that are older ended while the device was away. */
  backfill(kept: Kept): void {
    this.removeOlder(kept);
    if (this.find(kept.version) === undefined) this.#insert(kept);
  }

  find(version: Version): Pending | undefined {
    return this.#list.find((pending) => pending.kept.version === version);
  }

  remove(version: Version): void {
    this.#keep((pending) => pending.kept.version !== version);
  }

  /** Removes what is older than `kept` in its slot; answers how many. A queue has no older ones: each ends by itself. */
  removeOlder(kept: Kept): number {
    if (isQueue(kept.slot)) return 0;
    const before = this.#list.length;
    this.#keep((one) => one.kept.slot !== kept.slot || one.kept.version >= kept.version);
    return before - this.#list.length;
  }

  dropQueuedAfter(version: Version): void {
    this.#keep((one) => !isQueue(one.kept.slot) || one.kept.version <= version);
  }

  /** How many messages of queues are held. */
  get queued(): number {
    let count = 0;
    for (const pending of this.#list) if (isQueue(pending.kept.slot)) count++;
    return count;
  }

  /**
   * SC3: the next message to write: the oldest waiting one of the slot whose turn it is. Slots take turns in the order of
   * their names, so each other slot is served at most once before a message that has just come. Expired ones are dropped.
   */
  next(now: number): Pending | undefined {
    if (this.#list.length === 0) return undefined;
    let best: Pending | undefined;
    for (const one of this.#list) {
      if (one.state !== 'waiting') continue;
      if (one.kept.expiresAt <= now) {
        // Hardly ever, and each list that is made anew costs every device of a fan-out.
        this.#keep(({ state, kept }) => state !== 'waiting' || kept.expiresAt > now);
        return this.next(now);
      }
      if (this.#mayWrite(one.kept.slot) && (best === undefined || this.#isBefore(one, best))) best = one;
    }
    return best;
  }

  noteOffered(pending: Pending, now: number): void {
    pending.state = 'offered';
    pending.runningSince = undefined;
    pending.offers++;
    pending.dueAt = now + reofferDelay(pending.offers);
    this.#lastSlot = pending.kept.slot ?? '';
  }

  /** A run ended badly: offered again after the delay, counted from now. */
  postpone(pending: Pending, now: number): void {
    pending.state = 'offered';
    pending.runningSince = undefined;
    pending.dueAt = now + reofferDelay(pending.offers);
  }

  /** What is due becomes waiting again. */
  wakeDue(now: number): void {
    for (const pending of this.#list) {
      if (pending.state !== 'offered' || pending.dueAt > now) continue;
      pending.state = 'waiting';
      pending.dueAt = Number.POSITIVE_INFINITY;
    }
  }

  earliestDue(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const pending of this.#list)
      if (pending.state === 'offered' && pending.dueAt < due) due = pending.dueAt;
    return due;
  }

  all(): readonly Kept[] {
    return this.#list.map(({ kept }) => kept);
  }

  /** Of what the device has said something. */
  answered(): readonly Version[] {
    return this.#list.filter((one) => one.answered).map(({ kept }) => kept.version);
  }

  offered(): readonly Version[] {
    return this.#list.filter((one) => one.state !== 'waiting').map((one) => one.kept.version);
  }

  clear(): void {
    this.#list = none;
  }

  #insert(kept: Kept): void {
    const pending: Pending = {
      kept,
      state: 'waiting',
      offers: 0,
      answered: false,
      dueAt: Number.POSITIVE_INFINITY,
    };
    const at = this.#list.findIndex((one) => one.kept.version > kept.version);
    if (this.#list === none) this.#list = [pending];
    else if (at === -1) this.#list.push(pending);
    else this.#list.splice(at, 0, pending);
  }

  #keep(stays: (one: Pending) => boolean): void {
    const kept = this.#list.filter(stays);
    this.#list = kept.length === 0 ? none : kept;
  }

  #count(slot: Slot): number {
    let count = 0;
    for (const pending of this.#list) if (pending.kept.slot === slot) count++;
    return count;
  }

  #oldestUnwritten(slot: Slot): Kept | undefined {
    return this.#list.find((one) => one.kept.slot === slot && one.state === 'waiting' && one.offers === 0)
      ?.kept;
  }

  #mayWrite(slot: Slot): boolean {
    if (isQueue(slot)) return true;
    let written = 0;
    for (const one of this.#list) if (one.kept.slot === slot && one.state !== 'waiting') written++;
    return written < limits.unconfirmedPerSlot;
  }

  #isBefore(a: Pending, b: Pending): boolean {
    const [slotA, slotB] = [a.kept.slot ?? '', b.kept.slot ?? ''];
    if (slotA === slotB) return a.kept.version < b.kept.version;
    const [turnA, turnB] = [slotA > this.#lastSlot, slotB > this.#lastSlot];
    return turnA === turnB ? slotA < slotB : turnA;
  }
}
