import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Version } from '../../protocol/version.ts';
import type { NodeId } from './presence.ts';
import type { ChannelKey, Kept, LeftDevice, Seen } from './store.ts';
import type { HolderId, Subscription } from './subscription.ts';

/** What nodes tell each other. */
export type Announcement =
  /** "There is something for you": committed messages, in the order of their versions. */
  | { readonly kind: 'kept'; readonly kept: readonly Kept[] }
  /** Devices whose right has ended: their connections must close now. */
  | { readonly kind: 'ended'; readonly devices: readonly LeftDevice[] }
  /** On these channels messages may have come further on a device, or ended there: who follows them looks. */
  | { readonly kind: 'moved'; readonly channels: readonly ChannelId[] }
  /** A push subscription was made, or found again: the browser that holds it, if connected, is offered what comes. */
  | { readonly kind: 'subscribed'; readonly subscription: Subscription }
  | { readonly kind: 'unsubscribed'; readonly holder: HolderId; readonly name: string }
  /** A message was taken back: who has not offered it yet need not. */
  | { readonly kind: 'withdrawn'; readonly channel: ChannelKey; readonly version: Version }
  /** The user has seen messages of a channel on one device: the others may take them down. */
  | { readonly kind: 'seen'; readonly channel: ChannelKey; readonly seen: Seen }
  /** A message that belongs to receipts was confirmed: who streams them tells so. */
  | { readonly kind: 'receipt'; readonly receipts: string; readonly version: Version }
  /** A channel was paused: its devices are offered nothing; or resumed: they are offered what waits. */
  | { readonly kind: 'paused' | 'resumed'; readonly channel: ChannelKey };

/** The port between nodes. An announcement that is lost costs delay, never a message: the store is read at the next connect. */
export interface Bus {
  /** Hands an announcement to a node; settles when that node's handlers have been called (or it is known to be gone). */
  announce(node: NodeId, announcement: Announcement): Promise<void>;
  /** Hands an announcement to every node. */
  announceAll(announcement: Announcement): Promise<void>;
  /** Registers what this node does with announcements. Answers how to stop. */
  onAnnounce(node: NodeId, handler: (announcement: Announcement) => void): () => void;
}
