import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { ChannelKey, DeviceKey } from './keys.ts';

/** What an outbox delivers to: a device with an app's channel, or the one device of a push subscription. */
export interface Addressee {
  readonly key: DeviceKey;
  /** Public name, for events and the trace. */
  readonly id: string;
  /** Its public id, where it has one: that of a subscription has none. */
  readonly channel: { readonly key: ChannelKey; readonly id?: ChannelId };
  /** What lies below is withheld from it. Stock browsers name none: they get everything. */
  readonly lowestUrgency?: Urgency;
}

/**
 * Who connects for a subscription: one browser profile at one gateway. `mcs:<device id>` for Chromium's push client,
 * `autopush:<uaid>` for Firefox's.
 */
export type HolderId = string;

/**
 * A plain push subscription (a page's, an extension's): a channel without a user and with exactly one device. A message with
 * a Topic takes the slot of that name, one without joins the queue; the browser's ack is final.
 */
export interface Subscription extends Addressee {
  readonly holder: HolderId;
  /** Which of the holder's: what the gateway calls it. */
  readonly name: string;
  readonly createdAt: number;
}

/** The part of the Store port that keeps subscriptions. Its contract is in stores/contract.ts. */
export interface SubscriptionStore {
  /**
   * The subscription (holder, name), made at first use. One that was removed stays removed: the answer is undefined then,
   * until it has been forgotten (limits.removedSubscriptionDays).
   * @throws `rate-limited` when the holder has limits.subscriptionsPerHolder of them.
   */
  openSubscription(
    holder: HolderId,
    name: string,
  ): Promise<{ readonly subscription: Subscription; readonly fresh: boolean } | undefined>;
  /**
   * Makes a removed subscription anew, as a browser may that registers again under the same name: with the same channel, and
   * entitled to nothing from before. Else as openSubscription.
   */
  renewSubscription(
    holder: HolderId,
    name: string,
  ): Promise<{ readonly subscription: Subscription; readonly fresh: boolean }>;
  /** The live subscriptions of a holder, oldest first. */
  subscriptionsOf(holder: HolderId): Promise<readonly Subscription[]>;
  /** Ends one: what waited for it ends as `withdrawn`. Answers false when there was none. */
  removeSubscription(holder: HolderId, name: string): Promise<boolean>;
  /** Ends all of a holder, as removeSubscription does. Answers the names of those that ended, oldest first. */
  removeHolder(holder: HolderId): Promise<readonly string[]>;
  /** Notes that the holder connected now; nothing when it has no subscriptions. */
  heldNow(holder: HolderId): Promise<void>;
  /**
   * Holders of live subscriptions that neither connected nor got their first one since `before` (milliseconds since 1970),
   * longest silent first, at most `limit`: they age out.
   */
  silentHolders(before: number, limit: number): Promise<readonly HolderId[]>;
  /**
   * The newest message of a subscription that expired before its browser got it and that the browser was not told of; undefined
   * = none. Of a topic only the newest counts, and what was for a connected browser alone (limits.instantMs) does not.
   */
  expiredUntold(subscription: Subscription): Promise<Version | undefined>;
  /** The browser was told of what expired, up to `version`. */
  expiredTold(subscription: Subscription, version: Version): Promise<void>;
}
