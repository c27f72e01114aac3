import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { Clock } from '../core/clock.ts';
import type { ChannelKey } from '../core/store.ts';
import type { HolderId, Subscription } from '../core/subscription.ts';
import type { MemoryMembers } from './memory-members.ts';

interface Entry {
  subscription: Subscription;
  removedAt: number | null;
  /** Its newest message that its browser missed, of those that are gone. */
  expired?: Version;
  /** Up to which its browser was told of what expired. */
  told?: Version;
}

/** Push subscriptions of the store in memory. */
export class MemorySubscriptions {
  readonly #clock: Clock;
  readonly #members: MemoryMembers;
  readonly #entries = new Map<ChannelKey, Entry>();
  readonly #seen = new Map<HolderId, number>();

  constructor(clock: Clock, members: MemoryMembers) {
    this.#clock = clock;
    this.#members = members;
  }

  open(
    holder: HolderId,
    name: string,
    removed: 'renew' | 'leave',
  ): { subscription: Subscription; fresh: boolean } | undefined {
    const known = [...this.#entries.values()].find(
      ({ subscription }) => subscription.holder === holder && subscription.name === name,
    );
    if (known?.removedAt === null) return { subscription: known.subscription, fresh: false };
    if (known !== undefined && removed === 'leave') return undefined;
    const live = this.of(holder).length;
    if (live >= limits.subscriptionsPerHolder) throw new ReveilleError('rate-limited');
    const member = this.#members.subscribe(known?.subscription.channel.key);
    const { key, id, channel } = member;
    const createdAt = this.#clock.now();
    const subscription = { key, id, channel: { key: channel }, holder, name, createdAt };
    this.#entries.set(channel, { subscription, removedAt: null });
    if (live === 0) this.#seen.set(holder, createdAt);
    return { subscription, fresh: true };
  }

  of(holder: HolderId): readonly Subscription[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.removedAt === null && entry.subscription.holder === holder)
      .map((entry) => entry.subscription)
      .sort((a, b) => a.key - b.key);
  }

  remove(holder: HolderId, name: string): boolean {
    const found = this.of(holder).find((subscription) => subscription.name === name);
    if (found === undefined) return false;
    this.#remove(found);
    return true;
  }

  removeHolder(holder: HolderId): readonly string[] {
    const subscriptions = this.of(holder);
    for (const subscription of subscriptions) this.#remove(subscription);
    return subscriptions.map((subscription) => subscription.name);
  }

  heldNow(holder: HolderId): void {
    if (this.#seen.has(holder)) this.#seen.set(holder, this.#clock.now());
  }

  silent(before: number, limit: number): readonly HolderId[] {
    const silent = [...this.#seen].filter(([, seenAt]) => seenAt < before);
    const order = ([idA, seenA]: [string, number], [idB, seenB]: [string, number]) =>
      seenA - seenB || (idA < idB ? -1 : 1);
    return silent
      .sort(order)
      .slice(0, limit)
      .map(([holder]) => holder);
  }

  /** Forgets those removed at `before` or earlier. */
  dropRemoved(before: number): void {
    for (const [channel, { removedAt }] of this.#entries) {
      if (removedAt === null || removedAt > before) continue;
      this.#entries.delete(channel);
      this.#members.forgetChannel(channel);
    }
  }

  /** @param late the newest that it missed of those that are not gone yet. */
  expiredUntold({ channel, key }: Subscription, late: Version | undefined): Version | undefined {
    const entry = this.#entries.get(channel.key);
    if (entry === undefined || entry.removedAt !== null || entry.subscription.key !== key) return undefined;
    const newest = Math.max(entry.expired ?? 0, late ?? 0) as Version;
    return newest > (entry.told ?? 0) ? newest : undefined;
  }

  expiredTold({ channel, key }: Subscription, version: Version): void {
    const entry = this.#entries.get(channel.key);
    if (entry?.subscription.key === key && version > (entry.told ?? 0)) entry.told = version;
  }

  /** A message that the browser missed is about to go. */
  expired({ channel, version }: { readonly channel: ChannelKey; readonly version: Version }): void {
    const entry = this.#entries.get(channel);
    if (entry !== undefined && version > (entry.expired ?? 0)) entry.expired = version;
  }

  #remove(subscription: Subscription): void {
    this.#members.unsubscribe(subscription);
    this.#entries.set(subscription.channel.key, { subscription, removedAt: this.#clock.now() });
    if (this.of(subscription.holder).length === 0) this.#seen.delete(subscription.holder);
  }
}
