import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Clock, Random } from '../../core/clock.ts';
import type { ChannelKey } from '../../core/store.ts';
import type { HolderId, Subscription } from '../../core/subscription.ts';
import type { ChannelTable } from './channel-table.ts';
import type { DeviceTable } from './device-table.ts';
import type { Membership } from './membership.ts';
import type { MetaTable } from './meta-table.ts';
import type { SubscriptionTable } from './subscription-table.ts';

export interface Opened {
  readonly subscription: Subscription;
  readonly fresh: boolean;
}

/** Push subscriptions come and go, each with its channel and its one device. What writes runs inside a commit. */
export class Subscribing {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #meta: MetaTable;
  readonly #channels: ChannelTable;
  readonly #devices: DeviceTable;
  readonly #subscriptions: SubscriptionTable;
  readonly #membership: Membership;

  constructor(deps: {
    readonly clock: Clock;
    readonly random: Random;
    readonly meta: MetaTable;
    readonly channels: ChannelTable;
    readonly devices: DeviceTable;
    readonly subscriptions: SubscriptionTable;
    readonly membership: Membership;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#meta = deps.meta;
    this.#channels = deps.channels;
    this.#devices = deps.devices;
    this.#subscriptions = deps.subscriptions;
    this.#membership = deps.membership;
  }

  /** The subscription as it stands: 'removed' for one that ended, undefined for one that never was. */
  find(holder: HolderId, name: string): Subscription | 'removed' | undefined {
    const found = this.#subscriptions.find(holder, name);
    return found?.removed ? 'removed' : found?.subscription;
  }

  of(holder: HolderId): readonly Subscription[] {
    return this.#subscriptions.of(holder);
  }

  open(holder: HolderId, name: string): Opened | undefined {
    const found = this.find(holder, name);
    if (found === 'removed') return undefined;
    return found === undefined ? this.renew(holder, name) : { subscription: found, fresh: false };
  }

  renew(holder: HolderId, name: string): Opened {
    const found = this.#subscriptions.find(holder, name);
    if (found?.removed === false) return { subscription: found.subscription, fresh: false };
    if (this.#subscriptions.countOf(holder) >= limits.subscriptionsPerHolder) {
      throw new ReveilleError('rate-limited');
    }
    const now = this.#clock.now();
    const channel = this.#channelOf(found?.subscription, now);
    const id = Buffer.from(this.#random(12)).toString('base64url');
    const draft = { id, channel, tokenHash: '', name: '', signIn: null };
    const { key } = this.#devices.insert(draft, this.#meta.lastVersion, now);
    const subscription = { key, id, channel: { key: channel }, holder, name, createdAt: now };
    this.#subscriptions.put(subscription);
    return { subscription, fresh: true };
  }

  remove(holder: HolderId, name: string): boolean {
    const found = this.find(holder, name);
    if (found === undefined || found === 'removed') return false;
    this.#remove(found);
    return true;
  }

  removeHolder(holder: HolderId): readonly string[] {
    const subscriptions = this.of(holder);
    for (const subscription of subscriptions) this.#remove(subscription);
    return subscriptions.map((subscription) => subscription.name);
  }

  heldNow(holder: HolderId): void {
    this.#subscriptions.seen(holder, this.#clock.now());
  }

  silent(before: number, limit: number): readonly HolderId[] {
    return this.#subscriptions.silent(before, limit);
  }

  expiredUntold(subscription: Subscription): Version | undefined {
    return this.#subscriptions.expiredUntold(subscription, this.#clock.now());
  }

  expiredTold(subscription: Subscription, version: Version): void {
    this.#subscriptions.expiredTold(subscription, version);
  }

  /** Forgets some that were removed at `before` or earlier. Answers how many. */
  dropRemoved(before: number, most: number): number {
    const channels = this.#subscriptions.dropRemoved(before, most);
    for (const channel of channels) this.#channels.dropNameless(channel);
    return channels.length;
  }

  #channelOf(before: Subscription | undefined, now: number): ChannelKey {
    if (before === undefined) return this.#channels.makeNameless(now);
    this.#channels.setState(before.channel.key, 'live');
    return before.channel.key;
  }

  #remove(subscription: Subscription): void {
    this.#membership.removeDevice(subscription.key);
    this.#channels.setState(subscription.channel.key, 'removed');
    this.#subscriptions.remove(subscription, this.#clock.now());
  }
}
