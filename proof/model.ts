import { limits } from '../protocol/limits.ts';

/** A message in the model, as it stands on one device. */
interface Waiting {
  readonly version: number;
  readonly expiresAt: number;
  /** Written to the connection that stands. */
  offered: boolean;
  failures: number;
  /** SPEC allows it to end without a good run: superseded (SC2, OR1), failed (HA2). */
  mayEnd: boolean;
}

/** One device in the model: what SPEC still owes it, by subchannel, and what its handler saw. */
interface Receiver {
  readonly waiting: Map<string, Waiting[]>;
  readonly begun: Map<string, number>;
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
  readonly #faults: Record<Fault, string[]> = { lost: [], duplicated: [], reordered: [] };
  #newest = 0;
  #accepted = 0;

  /** FO2: entitled to what is accepted from here on. */
  registered(device: string): void {
    const receiver: Receiver = {
      waiting: new Map(),
      begun: new Map(),
      recorded: new Set(),
      entitled: new Set(),
      live: false,
    };
    this.#receivers.set(device, receiver);
  }

  /** AC1, OR2, QU1: a message is kept, and higher than every one before. */
  accepted(
    { version, slot, expiresAt }: Pick<Waiting, 'version' | 'expiresAt'> & { slot: string },
    day: string,
  ) {
    if (version <= this.#newest) this.#fault('reordered', `version ${version} after ${this.#newest}`);
    this.#newest = Math.max(this.#newest, version);
    this.#accepted++;
    this.#perDay.set(day, this.acceptedOn(day) + 1);
    for (const receiver of this.#receivers.values()) {
      const before = receiver.waiting.get(slot) ?? [];
      // SC2: one who is away gets the newest; of a full window the oldest that was not written gives way.
      if (!receiver.live) for (const one of before) one.mayEnd = true;
      else if (before.length >= limits.unconfirmedPerSlot) {
        const givesWay = before.find((one) => !one.offered && !one.mayEnd);
        if (givesWay !== undefined) givesWay.mayEnd = true;
      }
      const message = { version, expiresAt, offered: false, failures: 0, mayEnd: false };
      receiver.waiting.set(slot, [...before, message]);
      receiver.entitled.add(version);
    }
  }

  acceptedOn(day: string): number {
    return this.#perDay.get(day) ?? 0;
  }

  live(device: string): void {
    this.#of(device).live = true;
  }

  /** SC2: of what had not ended the newest of each subchannel waits. */
  away(device: string): void {
    const receiver = this.#of(device);
    receiver.live = false;
    for (const list of receiver.waiting.values()) {
      for (const [at, one] of list.entries()) {
        one.offered = false;
        if (at < list.length - 1) one.mayEnd = true;
      }
    }
  }

  offered(device: string, slot: string, version: number): void {
    const message = this.#find(device, slot, version);
    if (message !== undefined) message.offered = true;
  }

  /** OR1, FO2, HA1: rising, entitled, and never again once a good run was recorded. */
  runBegan(device: string, slot: string, version: number): void {
    const receiver = this.#of(device);
    if (receiver.recorded.has(version)) this.#fault('duplicated', `${device} ran ${version} again`);
    if (!receiver.entitled.has(version))
      this.#fault('reordered', `${device} got ${version} of before it came`);
    const highest = receiver.begun.get(slot) ?? 0;
    if (version < highest) this.#fault('reordered', `${device} ran ${version} after ${highest}`);
    receiver.begun.set(slot, Math.max(highest, version));
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
  }

  /**
   * Looks at a device whose handler is well and which reads, when all is quiet: whatever it is still owed is lost.
   * @param now what has expired may have ended.
   * @param patient a version whose run failed may be waiting for its next offer.
   */
  expectNothingOwed(device: string, now: number, patient: boolean): void {
    for (const [slot, list] of this.#of(device).waiting) {
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
