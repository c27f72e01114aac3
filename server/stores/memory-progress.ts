import { limits } from '../../protocol/limits.ts';
import { isQueue, isSubchannelQueue } from '../../protocol/slot.ts';
import { reaches } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Clock } from '../core/clock.ts';
import type { KeptMulticast } from '../core/multicast.ts';
import type { ChannelKey, DeviceKey, Kept, Missed, MissedOf } from '../core/store.ts';
import type { Member, MemoryMembers } from './memory-members.ts';
import type { Entry } from './memory-trace.ts';
import { assumedEnding, isMissed, isTopic, mayBeConfirmed } from './rules.ts';

const nothing: Missed = { kept: [], more: false };

/** The way of messages on devices, in the store in memory: what waits, what began, what ended. */
export class MemoryProgress {
  readonly #clock: Clock;
  readonly #members: MemoryMembers;
  readonly #entries: ReadonlyMap<Version, Entry>;
  readonly #confirmed = new Map<ChannelKey, number>();

  constructor(clock: Clock, members: MemoryMembers, entries: ReadonlyMap<Version, Entry>) {
    this.#clock = clock;
    this.#members = members;
    this.#entries = entries;
  }

  lastConfirmed(channel: ChannelKey): number | undefined {
    return this.#confirmed.get(channel);
  }

  /** Forgets when channels confirmed. */
  forget(): void {
    this.#confirmed.clear();
  }

  missed(key: DeviceKey, limit: number, { after, lowest }: MissedOf): Missed {
    const member = this.#members.find(key);
    if (member === undefined || this.#members.channel(member.channel)?.state !== 'live') return nothing;
    const now = this.#clock.now();
    const waits = ({ kept, endings }: Entry) =>
      !endings.has(key) && kept.expiresAt > now && reaches(kept.urgency, lowest);
    const newest = after === undefined ? this.#newestOfSlots(member) : [];
    for (const entry of newest) this.#endOlder(member, entry, now);
    const queue = this.#entitledTo(member).filter(
      (entry) => isQueue(entry.kept.slot) && entry.kept.version > (after ?? 0) && waits(entry),
    );
    const given = [...newest.filter(waits), ...queue.slice(0, limit)];
    return { kept: given.map((entry) => entry.kept), more: queue.length > limit };
  }

  sent(key: DeviceKey, version: Version): void {
    const entry = this.#entitled(key, version)?.entry;
    if (entry?.kept.tracked && !entry.sentAt.has(key)) entry.sentAt.set(key, this.#clock.now());
  }

  taken(key: DeviceKey, version: Version): void {
    const found = this.#entitled(key, version);
    if (found !== undefined) this.#runBegan(found.member, found.entry, this.#clock.now());
  }

  confirm(key: DeviceKey, version: Version): boolean {
    const found = this.#entitled(key, version);
    if (found === undefined) return false;
    const any = found.entry.kept.deliver === 'any';
    if (!mayBeConfirmed(found.entry.endings.get(key)?.ending, any)) return false;
    found.entry.endings.set(key, { ending: 'confirmed', at: this.#clock.now() });
    if (this.#members.channel(found.member.channel)?.user !== '')
      this.#confirmed.set(found.member.channel, this.#clock.now());
    this.#runBegan(found.member, found.entry, this.#clock.now());
    return any && this.#endEverywhere(found.entry, 'withdrawn', this.#clock.now());
  }

  runFailed(key: DeviceKey, version: Version): { failedRuns: number; ended: boolean } {
    const found = this.#entitled(key, version);
    if (found === undefined) return { failedRuns: 0, ended: true };
    const { member, entry } = found;
    const now = this.#clock.now();
    const failedRuns = entry.failedRuns.get(key) ?? 0;
    if (entry.endings.has(key)) return { failedRuns, ended: true };
    this.#runBegan(member, entry, now);
    if (entry.kept.expiresAt <= now) {
      entry.endings.set(key, { ending: 'expired', at: entry.kept.expiresAt });
      return { failedRuns, ended: true };
    }
    entry.failedRuns.set(key, failedRuns + 1);
    const ended = failedRuns + 1 >= limits.failedRuns;
    if (ended) entry.endings.set(key, { ending: 'failed', at: now });
    return { failedRuns: failedRuns + 1, ended };
  }

  supersede(key: DeviceKey, version: Version): void {
    const found = this.#entitled(key, version);
    if (found === undefined || found.entry.endings.has(key)) return;
    found.entry.endings.set(key, assumedEnding(found.entry.kept.expiresAt, this.#clock.now(), 'superseded'));
  }

  withdraw(version: Version): ChannelKey | undefined {
    const entry = this.#entries.get(version);
    const now = this.#clock.now();
    if (entry === undefined || entry.kept.expiresAt <= now || !this.stillWaits(entry)) return undefined;
    this.#endEverywhere(entry, 'withdrawn', now);
    return entry.kept.channel;
  }

  /** Ends whatever has not ended on a device that leaves. */
  withdrawAll(member: Member): void {
    for (const { kept, endings } of this.#entitledTo(member)) {
      if (endings.has(member.key)) continue;
      endings.set(member.key, assumedEnding(kept.expiresAt, this.#clock.now(), 'withdrawn'));
    }
  }

  /** A message is about to go: wherever it has not ended it has expired, or was replaced. */
  endUnseen(entry: Entry, now: number): void {
    this.#endEverywhere(entry, 'superseded', now);
  }

  /** Does some device that is entitled to the message still have to end it? */
  stillWaits({ kept, endings }: Entry): boolean {
    return this.#members
      .ofChannel(kept.channel)
      .some((member) => member.since < kept.version && !endings.has(member.key));
  }

  /** Did it expire on a device that still waited for it, in a queue or as the newest of its topic? */
  isMissed(entry: Entry): boolean {
    const { channel, slot, version } = entry.kept;
    if (!(isQueue(slot) || isTopic(slot)) || !isMissed(entry.kept, this.#clock.now())) return false;
    const isReplaced = ({ kept }: Entry) =>
      kept.channel === channel && kept.slot === slot && kept.version > version;
    return this.stillWaits(entry) && (isQueue(slot) || ![...this.#entries.values()].some(isReplaced));
  }

  lastMissed(key: DeviceKey): Version | undefined {
    const member = this.#members.find(key);
    if (member === undefined) return undefined;
    return this.#entitledTo(member).findLast((entry) => this.isMissed(entry))?.kept.version;
  }

  /** Ends the oldest message of the queue of a subchannel, when one more waits there than may. */
  giveWay({ channel, slot }: Kept, now: number): KeptMulticast['dropped'] {
    if (!isSubchannelQueue(slot)) return [];
    const waiting = [...this.#entries.values()].filter(
      (entry) =>
        entry.kept.channel === channel &&
        entry.kept.slot === slot &&
        entry.kept.expiresAt > now &&
        this.stillWaits(entry),
    );
    const [oldest] = waiting;
    if (oldest === undefined || waiting.length <= limits.queuedPerSubchannel) return [];
    this.#endEverywhere(oldest, 'superseded', now);
    return [{ channel, version: oldest.kept.version }];
  }

  /** Answers whether it ended on any device by this. */
  #endEverywhere({ kept, endings }: Entry, assumed: 'superseded' | 'withdrawn', now: number): boolean {
    const waits = this.#members
      .ofChannel(kept.channel)
      .filter(({ key, since }) => since < kept.version && !endings.has(key));
    for (const { key } of waits) endings.set(key, assumedEnding(kept.expiresAt, now, assumed));
    return waits.length > 0;
  }

  /** FO2: what was kept for the channel of the device after it registered, in order. */
  #entitledTo(member: Member): readonly Entry[] {
    return [...this.#entries.values()].filter(
      ({ kept }) => kept.channel === member.channel && kept.version > member.since,
    );
  }

  #entitled(key: DeviceKey, version: Version): { member: Member; entry: Entry } | undefined {
    const member = this.#members.find(key);
    const entry = this.#entries.get(version);
    if (member === undefined || entry === undefined) return undefined;
    const isFor = entry.kept.channel === member.channel && version > member.since;
    return isFor ? { member, entry } : undefined;
  }

  #newestOfSlots(member: Member): readonly Entry[] {
    const newest = new Map<string, Entry>();
    for (const entry of this.#entitledTo(member)) {
      if (!isQueue(entry.kept.slot)) newest.set(entry.kept.slot, entry);
    }
    return [...newest.values()].sort((a, b) => a.kept.version - b.kept.version);
  }

  /** OR1: a run of it began. */
  #runBegan(member: Member, entry: Entry, now: number): void {
    if (entry.kept.tracked && !entry.receivedAt.has(member.key)) entry.receivedAt.set(member.key, now);
    this.#endOlder(member, entry, now);
  }

  #endOlder(member: Member, newer: Entry, now: number): void {
    if (isQueue(newer.kept.slot)) return;
    for (const { kept, endings } of this.#entitledTo(member)) {
      if (kept.slot !== newer.kept.slot || kept.version >= newer.kept.version) continue;
      if (!endings.has(member.key)) endings.set(member.key, assumedEnding(kept.expiresAt, now, 'superseded'));
    }
  }
}
