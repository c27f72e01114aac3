import { limits } from '../../../protocol/limits.ts';
import { isQueue } from '../../../protocol/slot.ts';
import { reaches } from '../../../protocol/urgency.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Clock } from '../../core/clock.ts';
import type { ChannelKey, DeviceKey, Missed, MissedOf } from '../../core/store.ts';
import { assumedEnding, mayBeConfirmed } from '../rules.ts';
import type { ChannelTable } from './channel-table.ts';
import type { DeviceRow, DeviceTable } from './device-table.ts';
import type { Ended, EndingTable } from './ending-table.ts';
import { type Head, keptOf, type MessageTable } from './message-table.ts';
import type { StepTable } from './step-table.ts';

const nothing: Missed = { kept: [], more: false };

interface Entitled {
  readonly device: DeviceRow;
  readonly message: Ended & {
    readonly expiresAt: number;
    readonly stateUntil: number | null;
    readonly deliver: 'any' | null;
  };
}

/** The way of messages on devices: what waits, what began, what ended. All of it runs inside a commit, but the two `must…`. */
export class Progress {
  readonly #clock: Clock;
  readonly #channels: ChannelTable;
  readonly #devices: DeviceTable;
  readonly #messages: MessageTable;
  readonly #endings: EndingTable;
  readonly #steps: StepTable;

  constructor(deps: {
    readonly clock: Clock;
    readonly channels: ChannelTable;
    readonly devices: DeviceTable;
    readonly messages: MessageTable;
    readonly endings: EndingTable;
    readonly steps: StepTable;
  }) {
    this.#clock = deps.clock;
    this.#channels = deps.channels;
    this.#devices = deps.devices;
    this.#messages = deps.messages;
    this.#endings = deps.endings;
    this.#steps = deps.steps;
  }

  /** What waits, by reading alone. `mustRecord`: something was superseded while away, so `recordMissed` has to answer. */
  missed(key: DeviceKey, limit: number, which: MissedOf): { missed: Missed; mustRecord: boolean } {
    const device = this.#reachable(key);
    if (device === undefined) return { missed: nothing, mustRecord: false };
    const heads = which.after === undefined ? this.#messages.heads(device) : [];
    const mustRecord = heads.some((head) => head.olderWait === 1);
    return { missed: this.#answer(device, heads, limit, which), mustRecord };
  }

  /** The same, recording what was superseded while the device was away (SC2). */
  recordMissed(key: DeviceKey, limit: number, which: MissedOf): Missed {
    const device = this.#reachable(key);
    if (device === undefined) return nothing;
    const heads = which.after === undefined ? this.#messages.heads(device) : [];
    const now = this.#clock.now();
    for (const head of heads) {
      if (!isQueue(head.slot) && head.olderWait === 1)
        this.#endings.endOlder(device, head.slot, head.version, now);
    }
    return this.#answer(device, heads, limit, which);
  }

  sent(key: DeviceKey, version: Version): void {
    const found = this.#entitled(key, version);
    if (found !== undefined && found.message.stateUntil !== null)
      this.#steps.note('sent', found.device, version, this.#clock.now());
  }

  /** Would `taken` change anything? */
  mustRecordTaken(key: DeviceKey, version: Version): boolean {
    const found = this.#entitled(key, version);
    if (found === undefined) return false;
    const { device, message } = found;
    if (message.stateUntil !== null && !this.#steps.has('received', device, version)) return true;
    return !isQueue(message.slot) && this.#endings.olderWait(device, message.slot, version);
  }

  taken(key: DeviceKey, version: Version): void {
    const found = this.#entitled(key, version);
    if (found !== undefined) this.#runBegan(found);
  }

  /** Answers whether it ended on other devices by this. */
  confirm(key: DeviceKey, version: Version): boolean {
    const found = this.#entitled(key, version);
    if (found === undefined) return false;
    const { device, message } = found;
    const any = message.deliver === 'any';
    if (!mayBeConfirmed(this.#endings.of(device, version), any)) return false;
    this.#endings.record(device, message, 'confirmed', this.#clock.now());
    if (this.#channels.byKey(device.channel)?.user !== '')
      this.#steps.channelConfirmed(device.channel, this.#clock.now());
    this.#runBegan(found);
    if (!isQueue(message.slot)) this.#endings.markUpTo(device, message.slot, version);
    return any && this.endEverywhere(version, 'withdrawn', this.#clock.now());
  }

  runFailed(key: DeviceKey, version: Version): { failedRuns: number; ended: boolean } {
    const found = this.#entitled(key, version);
    if (found === undefined) return { failedRuns: 0, ended: true };
    const { device, message } = found;
    const now = this.#clock.now();
    const before = this.#endings.of(device, version);
    if (before === undefined) this.#runBegan(found);
    if (before === undefined && message.expiresAt <= now) {
      this.#endings.record(device, message, 'expired', message.expiresAt);
    } else if (before === undefined) {
      const failedRuns = this.#endings.addFailedRun(device, version);
      const ended = failedRuns >= limits.failedRuns;
      if (ended) this.#endings.record(device, message, 'failed', now);
      return { failedRuns, ended };
    }
    return { failedRuns: this.#endings.failedRuns(device, version), ended: true };
  }

  supersede(key: DeviceKey, version: Version): void {
    const found = this.#entitled(key, version);
    if (found === undefined || this.#endings.of(found.device, version) !== undefined) return;
    const { ending, at } = assumedEnding(found.message.expiresAt, this.#clock.now(), 'superseded');
    this.#endings.record(found.device, found.message, ending, at);
  }

  withdraw(version: Version): ChannelKey | undefined {
    const message = this.#messages.place(version);
    const now = this.#clock.now();
    if (message === undefined || message.expiresAt <= now) return undefined;
    if (!this.#endings.stillWaits(message.channel, version)) return undefined;
    this.endEverywhere(version, 'withdrawn', now);
    return message.channel;
  }

  /** Ends a message on every device that is entitled to it and has not ended it. Answers whether there was one. */
  endEverywhere(version: Version, assumed: 'superseded' | 'withdrawn', now: number): boolean {
    const message = this.#messages.place(version);
    if (message === undefined) return false;
    const { ending, at } = assumedEnding(message.expiresAt, now, assumed);
    const waits = this.#devices
      .ofChannel(message.channel)
      .filter((one) => one.since < version && this.#endings.of(one, version) === undefined);
    for (const device of waits) this.#endings.record(device, message, ending, at);
    return waits.length > 0;
  }

  #answer(device: DeviceRow, heads: readonly Head[], limit: number, which: MissedOf): Missed {
    const now = this.#clock.now();
    const newest = heads
      .filter((head) => head.ended === 0 && head.expiresAt > now)
      .map(keptOf)
      .filter((kept) => reaches(kept.urgency, which.lowest));
    const queued = this.#messages.queued(device, which, now, limit + 1);
    return { kept: [...newest, ...queued.slice(0, limit)], more: queued.length > limit };
  }

  /** OR1: older ones of the slot will not run any more. */
  #runBegan({ device, message }: Entitled): void {
    if (message.stateUntil !== null) this.#steps.note('received', device, message.version, this.#clock.now());
    if (isQueue(message.slot)) return;
    this.#endings.endOlder(device, message.slot, message.version, this.#clock.now());
  }

  /** The device, when its channel is live. */
  #reachable(key: DeviceKey): DeviceRow | undefined {
    const device = this.#devices.byKey(key);
    return device && this.#channels.byKey(device.channel)?.state === 'live' ? device : undefined;
  }

  /** Both, when the device is there and the message was kept for its channel after it registered (FO2). */
  #entitled(key: DeviceKey, version: Version): Entitled | undefined {
    const device = this.#devices.byKey(key);
    if (device === undefined || version <= device.since) return undefined;
    const message = this.#messages.place(version);
    return message?.channel === device.channel ? { device, message } : undefined;
  }
}
