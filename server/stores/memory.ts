import type { AppId } from '../../protocol/app-id.ts';
import type { ChannelId } from '../../protocol/channel-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { reaches } from '../../protocol/urgency.ts';
import { nextVersion, type Version } from '../../protocol/version.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { Multicast, MulticastDraft } from '../core/multicast.ts';
import type {
  Channel,
  ChannelKey,
  ChannelState,
  Device,
  DeviceChange,
  DeviceDraft,
  DeviceKey,
  Draft,
  Kept,
  LeftDevice,
  MessageTrace,
  Missed,
  MissedOf,
  Store,
  TraceOf,
  WakeableOf,
} from '../core/store.ts';
import type { HolderId, Subscription } from '../core/subscription.ts';
import { type Member, MemoryMembers } from './memory-members.ts';
import { MemoryMulticasts } from './memory-multicasts.ts';
import { isDoneWith, sweptTo } from './memory-pruning.ts';
import { MemoryQuota } from './memory-quota.ts';
import { assertRoom } from './memory-room.ts';
import { MemorySubscriptions } from './memory-subscriptions.ts';
import { type Entry, traceOf } from './memory-trace.ts';
import { assumedEnding, firstQuotaDay, formerDeviceMs, removedSubscriptionMs, stateMs } from './rules.ts';

const nothing: Missed = { kept: [], more: false };

/**
 * The Store port in memory: for fast tests, and the plainest telling of what a store does. Every question is answered by
 * looking at all the messages of a channel, so nothing can be out of step with anything else.
 */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #members: MemoryMembers;
  readonly #subscriptions: MemorySubscriptions;
  readonly #entries = new Map<Version, Entry>();
  readonly #quota = new MemoryQuota();
  readonly #multicasts = new MemoryMulticasts();
  readonly #confirmed = new Map<ChannelKey, number>();
  #last = 0 as Version;
  #sweptTo = 0 as Version;
  #closed = false;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#members = new MemoryMembers(clock, random, {
      lastVersion: () => this.#last,
      leaves: (member) => this.#withdraw(member),
    });
    this.#subscriptions = new MemorySubscriptions(clock, this.#members);
  }

  async keep(draft: Draft): Promise<Kept> {
    this.#assertOpen();
    const now = this.#clock.now();
    this.#members.assertOpenChannel(draft.channel);
    this.#quota.assertLeft(draft);
    assertRoom(draft, this.#entries, now, (entry) => this.#stillWaits(entry));
    this.#quota.add(draft);
    return this.#append(draft, now);
  }

  async keepMulticast(draft: MulticastDraft): Promise<{ multicast: Multicast; kept: readonly Kept[] }> {
    this.#assertOpen();
    const now = this.#clock.now();
    return this.#multicasts.keep(draft, now, {
      quota: this.#quota,
      isOpen: (channel) => ['live', 'paused'].includes(this.#members.channel(channel)?.state ?? ''),
      append: (one) => this.#append(one, now),
    });
  }

  async findMulticast(id: string): Promise<Multicast | undefined> {
    this.#assertOpen();
    return this.#multicasts.find(id);
  }

  async lastConfirmed(channel: ChannelKey): Promise<number | undefined> {
    this.#assertOpen();
    return this.#confirmed.get(channel);
  }

  async missed(key: DeviceKey, limit: number, { after, lowest }: MissedOf = {}): Promise<Missed> {
    this.#assertOpen();
    const member = this.#members.find(key);
    if (member === undefined || this.#members.channel(member.channel)?.state !== 'live') return nothing;
    const now = this.#clock.now();
    const waits = ({ kept, endings }: Entry) =>
      !endings.has(key) && kept.expiresAt > now && reaches(kept.urgency, lowest);
    const newest = after === undefined ? this.#newestOfSlots(member) : [];
    for (const entry of newest) this.#endOlder(member, entry, now);
    const queue = this.#entitledTo(member).filter(
      (entry) => entry.kept.slot === null && entry.kept.version > (after ?? 0) && waits(entry),
    );
    const given = [...newest.filter(waits), ...queue.slice(0, limit)];
    return { kept: given.map((entry) => entry.kept), more: queue.length > limit };
  }

  async sent(key: DeviceKey, version: Version): Promise<void> {
    const entry = this.#entitled(key, version)?.entry;
    if (entry?.kept.tracked && !entry.sentAt.has(key)) entry.sentAt.set(key, this.#clock.now());
  }

  async taken(key: DeviceKey, version: Version): Promise<void> {
    const found = this.#entitled(key, version);
    if (found !== undefined) this.#runBegan(found.member, found.entry, this.#clock.now());
  }

  async confirm(key: DeviceKey, version: Version): Promise<void> {
    const found = this.#entitled(key, version);
    if (found === undefined) return;
    const before = found.entry.endings.get(key)?.ending;
    if (before !== undefined && before !== 'superseded' && before !== 'expired') return;
    found.entry.endings.set(key, { ending: 'confirmed', at: this.#clock.now() });
    if (this.#members.channel(found.member.channel)?.user !== '')
      this.#confirmed.set(found.member.channel, this.#clock.now());
    this.#runBegan(found.member, found.entry, this.#clock.now());
  }

  async runFailed(key: DeviceKey, version: Version): Promise<{ failedRuns: number; ended: boolean }> {
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

  async supersede(key: DeviceKey, version: Version): Promise<void> {
    const found = this.#entitled(key, version);
    if (found === undefined || found.entry.endings.has(key)) return;
    found.entry.endings.set(key, assumedEnding(found.entry.kept.expiresAt, this.#clock.now(), 'superseded'));
  }

  async withdraw(version: Version): Promise<ChannelKey | undefined> {
    this.#assertOpen();
    const entry = this.#entries.get(version);
    const now = this.#clock.now();
    if (entry === undefined || entry.kept.expiresAt <= now || !this.#stillWaits(entry)) return undefined;
    for (const member of this.#members.ofChannel(entry.kept.channel)) {
      if (member.since >= version || entry.endings.has(member.key)) continue;
      entry.endings.set(member.key, { ending: 'withdrawn', at: now });
    }
    return entry.kept.channel;
  }

  async prune(): Promise<number> {
    this.#assertOpen();
    const now = this.#clock.now();
    const before = this.#entries.size;
    this.#sweptTo = sweptTo(this.#entries, this.#sweptTo, now);
    for (const entry of this.#entries.values()) {
      const isDone = isDoneWith(entry, this.#entries, this.#sweptTo, now, (one) => this.#stillWaits(one));
      if (entry.kept.version <= this.#sweptTo && isDone) this.#entries.delete(entry.kept.version);
    }
    this.#members.dropFormer(now - formerDeviceMs);
    this.#subscriptions.dropRemoved(now - removedSubscriptionMs);
    this.#multicasts.dropBefore(now - stateMs);
    this.#quota.dropBefore(firstQuotaDay(now));
    return before - this.#entries.size;
  }

  async trace(of: TraceOf, limit: number): Promise<readonly MessageTrace[]> {
    this.#assertOpen();
    const asked = ({ kept, project, receipts }: Entry) => {
      if ('channel' in of) return kept.channel === of.channel;
      return 'project' in of ? project === of.project : receipts === of.receipts;
    };
    const newestFirst = [...this.#entries.values()].filter(asked).reverse().slice(0, limit);
    return newestFirst.map((entry) => traceOf(entry, this.#members, this.#clock.now()));
  }

  async traced(version: Version): Promise<MessageTrace | undefined> {
    this.#assertOpen();
    const entry = this.#entries.get(version);
    return entry && traceOf(entry, this.#members, this.#clock.now());
  }

  /** Every message that is kept, newest first. */
  all(): readonly MessageTrace[] {
    const now = this.#clock.now();
    return [...this.#entries.values()].reverse().map((entry) => traceOf(entry, this.#members, now));
  }

  /** Forgets every message and what was counted of them; channels and devices stay. */
  forget(): void {
    this.#entries.clear();
    this.#confirmed.clear();
    this.#multicasts.dropBefore(Number.POSITIVE_INFINITY);
    this.#quota.dropBefore('\uffff');
  }

  async acceptedOn(project: string, quotaDay: string): Promise<number> {
    return this.#quota.acceptedOn(project, quotaDay);
  }

  async openChannel(user: string, app: AppId): Promise<Channel> {
    this.#assertOpen();
    return this.#members.openChannel(user, app);
  }

  async findChannel(id: ChannelId): Promise<Channel | undefined> {
    this.#assertOpen();
    return this.#members.findChannel(id);
  }

  async channelsOf(user: string): Promise<readonly Channel[]> {
    return this.#members.channelsOf(user);
  }

  async setChannelState(channel: ChannelKey, state: ChannelState): Promise<readonly LeftDevice[]> {
    this.#assertOpen();
    return this.#members.setChannelState(channel, state);
  }

  async register(draft: DeviceDraft): Promise<{ device: Device; evicted: DeviceKey | null }> {
    this.#assertOpen();
    return this.#members.register(draft);
  }

  async findDevice(id: string): Promise<Device | undefined> {
    this.#assertOpen();
    return this.#members.findDevice(id);
  }

  async devicesOf(channel: ChannelKey): Promise<readonly Device[]> {
    return this.#members.devicesOf(channel);
  }

  async wakeable(of: WakeableOf): Promise<readonly Device[]> {
    this.#assertOpen();
    return this.#members.wakeable(of);
  }

  async updateDevice(device: DeviceKey, change: DeviceChange): Promise<void> {
    this.#assertOpen();
    this.#members.update(device, change);
  }

  async seen(device: DeviceKey): Promise<void> {
    this.#members.seen(device);
  }

  async removeDevice(device: DeviceKey): Promise<void> {
    this.#assertOpen();
    this.#members.remove(device);
  }

  async removeSignIn(signIn: string): Promise<readonly LeftDevice[]> {
    this.#assertOpen();
    return this.#members.removeSignIn(signIn);
  }

  async removeUser(user: string): Promise<readonly LeftDevice[]> {
    this.#assertOpen();
    return this.#members.removeUser(user);
  }

  async removeApp(app: AppId): Promise<readonly LeftDevice[]> {
    this.#assertOpen();
    return this.#members.removeApp(app);
  }

  async openSubscription(
    holder: HolderId,
    name: string,
  ): Promise<{ subscription: Subscription; fresh: boolean } | undefined> {
    this.#assertOpen();
    return this.#subscriptions.open(holder, name, 'leave');
  }

  async renewSubscription(
    holder: HolderId,
    name: string,
  ): Promise<{ subscription: Subscription; fresh: boolean }> {
    this.#assertOpen();
    const opened = this.#subscriptions.open(holder, name, 'renew');
    if (opened === undefined) throw new Error('a subscription that cannot be renewed');
    return opened;
  }

  async subscriptionsOf(holder: HolderId): Promise<readonly Subscription[]> {
    this.#assertOpen();
    return this.#subscriptions.of(holder);
  }

  async removeSubscription(holder: HolderId, name: string): Promise<boolean> {
    this.#assertOpen();
    return this.#subscriptions.remove(holder, name);
  }

  async removeHolder(holder: HolderId): Promise<readonly string[]> {
    this.#assertOpen();
    return this.#subscriptions.removeHolder(holder);
  }

  async heldNow(holder: HolderId): Promise<void> {
    this.#assertOpen();
    this.#subscriptions.heldNow(holder);
  }

  async silentHolders(before: number, limit: number): Promise<readonly HolderId[]> {
    this.#assertOpen();
    return this.#subscriptions.silent(before, limit);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #append(draft: Draft, now: number): Kept {
    this.#last = nextVersion(this.#last, now);
    const { channel, slot, payload, expiresAt, project, receipts, stateUntil } = draft;
    const kept: Kept = {
      ...{ version: this.#last, channel, slot, payload, acceptedAt: now, expiresAt },
      ...(draft.headers && { headers: draft.headers }),
      ...(draft.urgency && { urgency: draft.urgency }),
      ...(receipts !== undefined && { receipts }),
      ...(stateUntil !== undefined && { tracked: true }),
    };
    const way = { endings: new Map(), failedRuns: new Map(), sentAt: new Map(), receivedAt: new Map() };
    this.#entries.set(kept.version, { kept, project, receipts, stateUntil, ...way });
    return kept;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ReveilleError('unavailable', 'The store is closed.');
  }

  /** FO2: what was kept for the channel of the device after it registered, in order. */
  #entitledTo(member: Member): readonly Entry[] {
    return [...this.#entries.values()].filter(
      ({ kept }) => kept.channel === member.channel && kept.version > member.since,
    );
  }

  #entitled(key: DeviceKey, version: Version): { member: Member; entry: Entry } | undefined {
    this.#assertOpen();
    const member = this.#members.find(key);
    const entry = this.#entries.get(version);
    if (member === undefined || entry === undefined) return undefined;
    const isFor = entry.kept.channel === member.channel && version > member.since;
    return isFor ? { member, entry } : undefined;
  }

  #newestOfSlots(member: Member): readonly Entry[] {
    const newest = new Map<string, Entry>();
    for (const entry of this.#entitledTo(member)) {
      if (entry.kept.slot !== null) newest.set(entry.kept.slot, entry);
    }
    return [...newest.values()].sort((a, b) => a.kept.version - b.kept.version);
  }

  /** OR1: a run of it began. */
  #runBegan(member: Member, entry: Entry, now: number): void {
    if (entry.kept.tracked && !entry.receivedAt.has(member.key)) entry.receivedAt.set(member.key, now);
    this.#endOlder(member, entry, now);
  }

  #endOlder(member: Member, newer: Entry, now: number): void {
    if (newer.kept.slot === null) return;
    for (const { kept, endings } of this.#entitledTo(member)) {
      if (kept.slot !== newer.kept.slot || kept.version >= newer.kept.version) continue;
      if (!endings.has(member.key)) endings.set(member.key, assumedEnding(kept.expiresAt, now, 'superseded'));
    }
  }

  #withdraw(member: Member): void {
    for (const { kept, endings } of this.#entitledTo(member)) {
      if (endings.has(member.key)) continue;
      endings.set(member.key, assumedEnding(kept.expiresAt, this.#clock.now(), 'withdrawn'));
    }
  }

  #stillWaits({ kept, endings }: Entry): boolean {
    return this.#members
      .ofChannel(kept.channel)
      .some((member) => member.since < kept.version && !endings.has(member.key));
  }
}
