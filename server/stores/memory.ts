import type { AppId } from '../../protocol/app-id.ts';
import type { ChannelId } from '../../protocol/channel-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { nextVersion, type Version } from '../../protocol/version.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { KeptMulticast, Multicast, MulticastDraft } from '../core/multicast.ts';
import type {
  Channel,
  ChannelKey,
  ChannelState,
  Device,
  DeviceChange,
  DeviceDraft,
  DeviceKey,
  Draft,
  EndedListener,
  FormerDevice,
  Kept,
  LeftDevice,
  MessageTrace,
  Missed,
  MissedOf,
  Seen,
  Store,
  TraceOf,
  WakeableOf,
} from '../core/store.ts';
import type { HolderId, Subscription } from '../core/subscription.ts';
import { wayOf } from './memory-endings.ts';
import { MemoryMembers } from './memory-members.ts';
import { MemoryMulticasts } from './memory-multicasts.ts';
import { MemoryProgress } from './memory-progress.ts';
import { isDoneWith, sweptTo } from './memory-pruning.ts';
import { MemoryQuota } from './memory-quota.ts';
import { assertRoom } from './memory-room.ts';
import { MemorySeen } from './memory-seen.ts';
import { MemorySubscriptions } from './memory-subscriptions.ts';
import { type Entry, traceOf } from './memory-trace.ts';
import { firstQuotaDay, formerDeviceMs, removedSubscriptionMs, stateMs } from './rules.ts';

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
  readonly #seen = new MemorySeen();
  readonly #progress: MemoryProgress;
  readonly #listeners: EndedListener[] = [];
  #last = 0 as Version;
  #sweptTo = 0 as Version;
  #closed = false;

  constructor({
    clock,
    random,
    devicesPerChannel = limits.devicesPerChannel,
  }: { readonly clock: Clock; readonly random: Random; readonly devicesPerChannel?: number }) {
    this.#clock = clock;
    this.#members = new MemoryMembers(clock, random, devicesPerChannel, {
      lastVersion: () => this.#last,
      leaves: (member) => this.#progress.withdrawAll(member),
      removed: (channel) => this.#seen.drop(channel),
    });
    this.#progress = new MemoryProgress(clock, this.#members, this.#entries);
    this.#subscriptions = new MemorySubscriptions(clock, this.#members);
  }

  async keep(draft: Draft): Promise<Kept> {
    this.#assertOpen();
    const now = this.#clock.now();
    this.#members.assertOpenChannel(draft.channel);
    this.#quota.assertLeft(draft);
    assertRoom(draft, this.#entries, now, (entry) => this.#progress.stillWaits(entry));
    this.#quota.add(draft);
    return this.#append(draft, now);
  }

  async keepMulticast(draft: MulticastDraft): Promise<KeptMulticast> {
    this.#assertOpen();
    const now = this.#clock.now();
    return this.#multicasts.keep(draft, now, {
      quota: this.#quota,
      isOpen: (channel) => ['live', 'paused'].includes(this.#members.channel(channel)?.state ?? ''),
      append: (one) => this.#append(one, now),
      giveWay: (one) => this.#progress.giveWay(one, now),
    });
  }

  async findMulticast(id: string): Promise<Multicast | undefined> {
    this.#assertOpen();
    return this.#multicasts.find(id);
  }

  async lastConfirmed(channel: ChannelKey): Promise<number | undefined> {
    this.#assertOpen();
    return this.#progress.lastConfirmed(channel);
  }

  async markSeen(key: DeviceKey, seen: Seen): Promise<boolean> {
    this.#assertOpen();
    const member = this.#members.find(key);
    if (member === undefined || seen.version <= member.since || seen.version > this.#last) return false;
    return this.#seen.mark(member.channel, seen, this.#clock.now());
  }

  async seenOf(channel: ChannelKey): Promise<readonly Seen[]> {
    this.#assertOpen();
    return this.#seen.of(channel);
  }

  async missed(key: DeviceKey, limit: number, which: MissedOf = {}): Promise<Missed> {
    this.#assertOpen();
    return this.#progress.missed(key, limit, which);
  }

  async sent(key: DeviceKey, version: Version): Promise<void> {
    this.#assertOpen();
    this.#progress.sent(key, version);
  }

  async taken(key: DeviceKey, version: Version): Promise<void> {
    this.#assertOpen();
    this.#progress.taken(key, version);
  }

  async confirm(key: DeviceKey, version: Version): Promise<boolean> {
    this.#assertOpen();
    return this.#progress.confirm(key, version);
  }

  async runFailed(key: DeviceKey, version: Version): Promise<{ failedRuns: number; ended: boolean }> {
    this.#assertOpen();
    return this.#progress.runFailed(key, version);
  }

  async supersede(key: DeviceKey, version: Version): Promise<void> {
    this.#assertOpen();
    this.#progress.supersede(key, version);
  }

  async withdraw(version: Version): Promise<ChannelKey | undefined> {
    this.#assertOpen();
    return this.#progress.withdraw(version);
  }

  async prune(): Promise<number> {
    this.#assertOpen();
    const now = this.#clock.now();
    const before = this.#entries.size;
    this.#sweptTo = sweptTo(this.#entries, this.#sweptTo, now);
    for (const entry of this.#entries.values()) {
      const isDone = isDoneWith(entry, this.#entries, this.#sweptTo, now, (one) =>
        this.#progress.stillWaits(one),
      );
      if (entry.kept.version <= this.#sweptTo && isDone) {
        if (this.#progress.isMissed(entry)) this.#subscriptions.expired(entry.kept);
        this.#progress.endUnseen(entry, now);
        this.#entries.delete(entry.kept.version);
      }
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
    return newestFirst.map((entry) => traceOf(entry, this.#members, this.#seen, this.#clock.now()));
  }

  async traced(version: Version): Promise<MessageTrace | undefined> {
    this.#assertOpen();
    const entry = this.#entries.get(version);
    return entry && traceOf(entry, this.#members, this.#seen, this.#clock.now());
  }

  /** Every message that is kept, newest first. */
  all(): readonly MessageTrace[] {
    const now = this.#clock.now();
    return [...this.#entries.values()]
      .reverse()
      .map((entry) => traceOf(entry, this.#members, this.#seen, now));
  }

  /** Forgets every message and what was counted of them; channels and devices stay. */
  forget(): void {
    this.#entries.clear();
    this.#progress.forget();
    this.#multicasts.dropBefore(Number.POSITIVE_INFINITY);
    this.#quota.dropBefore('\uffff');
  }

  onEnded(listener: EndedListener): void {
    this.#listeners.push(listener);
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

  async leftAfter(moment: number, limit: number): Promise<readonly FormerDevice[]> {
    this.#assertOpen();
    return this.#members.leftAfter(moment, limit);
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

  async expiredUntold(subscription: Subscription): Promise<Version | undefined> {
    this.#assertOpen();
    const late = this.#progress.lastMissed(subscription.key);
    return this.#subscriptions.expiredUntold(subscription, late);
  }

  async expiredTold(subscription: Subscription, version: Version): Promise<void> {
    this.#assertOpen();
    this.#subscriptions.expiredTold(subscription, version);
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
      ...(draft.deliver && { deliver: draft.deliver }),
      ...(stateUntil !== undefined && { tracked: true }),
    };
    const app = this.#members.channel(channel)?.app ?? '';
    const way = wayOf({ version: kept.version, project, app, acceptedAt: now }, this.#listeners);
    this.#entries.set(kept.version, { kept, project, receipts, stateUntil, ...way });
    return kept;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ReveilleError('unavailable', 'The store is closed.');
  }
}
