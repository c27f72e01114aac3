import { limits } from '../protocol/limits.ts';
import { isSubchannelQueue } from '../protocol/slot.ts';

/** A message in the model, as it stands on one device. */
interface Waiting {
  readonly version: number;
  readonly expiresAt: number;
  /** Written to the connection that stands. */
  offered: boolean;
  failures: number;
  /** SPEC allows it to end without a good run: superseded (SC2, OR1, VT14), failed (HA2), expired, withdrawn (VT17). */
  mayEnd: boolean;
}

/** A message as the store kept it. */
export interface Acceptance {
  readonly version: number;
  readonly slot: string;
  readonly expiresAt: number;
  readonly channel: string;
  /** The first device that handles it ends it on the others. */
  readonly any: boolean;
}

/** One device in the model: what SPEC still owes it, by subchannel or its queue, and what its handler saw. */
interface Receiver {
  readonly channel: string;
  readonly waiting: Map<string, Waiting[]>;
  readonly begun: Map<string, number>;
  readonly ran: Set<number>;
  readonly recorded: Set<number>;
  readonly entitled: Set<number>;
  /** Live = connected, and everything that waited was offered. */
  live: boolean;
}

/** What the rules below forbid, counted. */
export interface Verdict {
  readonly accepted: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

export type Fault = Exclude<keyof Verdict, 'accepted'>;

/**
 * SPEC's promise in a hundred lines, beside which the real core is run. It does not say what happens next but what must not:
 * it holds, for each device, every accepted message until a good run of it is recorded, and notes of each when SPEC allows
 * another end. What is left without such leave when all is quiet is lost.
 */
export class Promises {
  readonly #receivers = new Map<string, Receiver>();
  readonly #perDay = new Map<string, number>();
  readonly #queues = new Map<string, number[]>();
  readonly #forAny = new Set<number>();
  readonly #expired = new Set<number>();
  readonly #paused = new Set<string>();
  readonly #faults: Record<Fault, string[]> = { lost: [], duplicated: [], reordered: [] };
  #newest = 0;
  #accepted = 0;

  /** FO2: entitled to what is accepted from here on. */
  registered(device: string, channel: string): void {
    const receiver: Receiver = {
      channel,
      waiting: new Map(),
      begun: new Map(),
      ran: new Set(),
      recorded: new Set(),
      entitled: new Set(),
      live: false,
    };
    this.#receivers.set(device, receiver);
  }

  /** AC1, OR2: a message is kept, and higher than every one before. */
  accepted({ version, slot, expiresAt, channel, any }: Acceptance): void {
    if (version <= this.#newest) this.#fault('reordered', `version ${version} after ${this.#newest}`);
    this.#newest = Math.max(this.#newest, version);
    this.#accepted++;
    if (any) this.#forAny.add(version);
    if (isSubchannelQueue(slot)) this.#queue(channel, slot, version);
    for (const receiver of this.#receivers.values()) {
      if (receiver.channel !== channel) continue;
      const before = receiver.waiting.get(slot) ?? [];
      if (!isSubchannelQueue(slot)) this.#giveWay(receiver, before);
      const message = { version, expiresAt, offered: false, failures: 0, mayEnd: false };
      receiver.waiting.set(slot, [...before, message]);
      receiver.entitled.add(version);
    }
  }

  /** QU1, VT7: one request counts once, however many channels it reached. */
  counted(day: string): void {
    this.#perDay.set(day, this.acceptedOn(day) + 1);
  }

  acceptedOn(day: string): number {
    return this.#perDay.get(day) ?? 0;
  }

  live(device: string): void {
    const receiver = this.#of(device);
    receiver.live = !this.#paused.has(receiver.channel);
  }

  /** SC2: of what had not ended the newest of each subchannel waits; queues wait whole. */
  away(device: string): void {
    const receiver = this.#of(device);
    receiver.live = false;
    for (const [slot, list] of receiver.waiting) {
      for (const [at, one] of list.entries()) {
        one.offered = false;
        if (at < list.length - 1 && !isSubchannelQueue(slot)) one.mayEnd = true;
      }
    }
  }

  /** PA1: to be called before it is asked for; all its devices are as if they were away. */
  pausing(channel: string): void {
    for (const [device, receiver] of this.#receivers) if (receiver.channel === channel) this.away(device);
  }

  paused(channel: string): void {
    this.#paused.add(channel);
    this.pausing(channel);
  }

  /** To be called before it is asked for. */
  resuming(channel: string): void {
    this.#paused.delete(channel);
  }

  /** ST13: what had expired once may come or not when the clock is set back, and then after newer ones. */
  passed(now: number): void {
    for (const { waiting } of this.#receivers.values()) {
      for (const { version, expiresAt } of [...waiting.values()].flat())
        if (expiresAt <= now) this.#expired.add(version);
    }
  }

  isPaused(device: string): boolean {
    return this.#paused.has(this.#of(device).channel);
  }

  offered(device: string, slot: string, version: number): void {
    if (this.isPaused(device)) this.#fault('reordered', `${device} was offered ${version} while paused`);
    const message = this.#find(device, slot, version);
    if (message !== undefined) message.offered = true;
  }

  /** OR1, FO2, HA1, VT15: rising, entitled, and never again once a good run was recorded; of a queue the first runs rise. */
  runBegan(device: string, slot: string, version: number): void {
    const receiver = this.#of(device);
    if (receiver.recorded.has(version)) this.#fault('duplicated', `${device} ran ${version} again`);
    if (!receiver.entitled.has(version))
      this.#fault('reordered', `${device} got ${version} of before it came`);
    const highest = receiver.begun.get(slot) ?? 0;
    const queued = isSubchannelQueue(slot);
    const mayFollow = (queued && receiver.ran.has(version)) || this.#expired.has(version);
    if (version < highest && !mayFollow)
      this.#fault('reordered', `${device} ran ${version} of ${slot} after ${highest}`);
    receiver.begun.set(slot, Math.max(highest, version));
    receiver.ran.add(version);
    if (queued) return;
    for (const one of receiver.waiting.get(slot) ?? []) if (one.version < version) one.mayEnd = true;
  }

  /** HA2: after so many failed runs it may be given up. */
  runFailed(device: string, slot: string, version: number): void {
    const message = this.#find(device, slot, version);
    if (message !== undefined && ++message.failures >= limits.failedRuns) message.mayEnd = true;
  }

  /** HA1: the client has written down that the run ended well: delivered. */
  recorded(device: string, slot: string, version: number): void {
    const receiver = this.#of(device);
    receiver.recorded.add(version);
    const list = receiver.waiting.get(slot) ?? [];
    receiver.waiting.set(
      slot,
      list.filter((one) => one.version !== version),
    );
    if (!this.#forAny.has(version)) return;
    for (const other of this.#receivers.values()) {
      const list = other.waiting.get(slot) ?? [];
      // SC2: what gave way to it in a full window does not come back.
      const full = !isSubchannelQueue(slot) && list.length > limits.unconfirmedPerSlot;
      for (const one of list) {
        if (one.version === version || (full && one.version < version && !one.offered)) one.mayEnd = true;
      }
    }
  }

  /**
   * Looks at a device whose handler is well and which reads, when all is quiet: whatever it is still owed is lost.
   * @param now what has expired may have ended.
   * @param patient a version whose run failed may be waiting for its next offer.
   */
  expectNothingOwed(device: string, now: number, patient: boolean): void {
    const { waiting } = this.#of(device);
    // QE1: what failed fills the page of the queues until it has its next offer.
    const failed = [...waiting].flatMap(([slot, list]) =>
      isSubchannelQueue(slot) ? list.filter(({ failures }) => failures > 0) : [],
    );
    const behind = patient && failed.length > limits.queuePage / 2;
    for (const [slot, list] of waiting) {
      if (behind && isSubchannelQueue(slot)) continue;
      const owed = list.filter((one) => !one.mayEnd && one.expiresAt > now && !(patient && one.failures > 0));
      for (const { version } of owed) this.#fault('lost', `${device} never ran ${version} of ${slot}`);
    }
  }

  hasRecorded(device: string, version: number): boolean {
    return this.#of(device).recorded.has(version);
  }

  get verdict(): Verdict {
    const { lost, duplicated, reordered } = this.#faults;
    return {
      accepted: this.#accepted,
      lost: lost.length,
      duplicated: duplicated.length,
      reordered: reordered.length,
    };
  }

  /** What was broken, in sentences. */
  get broken(): readonly string[] {
    return Object.entries(this.#faults).flatMap(([fault, all]) => all.map((text) => `${fault}: ${text}`));
  }

  /** SC2: one who is away gets the newest; of a full window the oldest that was not written gives way. */
  #giveWay({ live }: Receiver, before: readonly Waiting[]): void {
    if (!live) for (const one of before) one.mayEnd = true;
    else if (before.length >= limits.unconfirmedPerSlot) {
      const givesWay = before.find((one) => !one.offered && !one.mayEnd);
      if (givesWay !== undefined) givesWay.mayEnd = true;
    }
  }

  /** VT14: what is not among the newest of a queue may have given way. */
  #queue(channel: string, slot: string, version: number): void {
    const name = `${channel} ${slot}`;
    const queue = [...(this.#queues.get(name) ?? []), version];
    this.#queues.set(name, queue.slice(-limits.queuedPerSubchannel));
    const [oldest] = queue;
    if (oldest === undefined || queue.length <= limits.queuedPerSubchannel) return;
    for (const device of this.#receivers.keys()) {
      const message = this.#find(device, slot, oldest);
      if (message !== undefined) message.mayEnd = true;
    }
  }

  #fault(kind: Fault, text: string): void {
    this.#faults[kind].push(text);
  }

  #of(device: string): Receiver {
    const receiver = this.#receivers.get(device);
    if (receiver === undefined) throw new Error(`the model has no ${device}`);
    return receiver;
  }

  #find(device: string, slot: string, version: number): Waiting | undefined {
    return this.#of(device)
      .waiting.get(slot)
      ?.find((one) => one.version === version);
  }
}
