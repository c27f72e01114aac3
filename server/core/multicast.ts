import type { ChannelId } from '../../protocol/channel-id.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Slot } from '../../protocol/slot.ts';
import type { Version } from '../../protocol/version.ts';
import type { Draft, Kept } from './kept.ts';
import type { ChannelKey } from './keys.ts';

/** A channel that a multicast names, and why it gets nothing: what was known before it was to be kept. */
export interface MulticastTarget {
  readonly channelId: ChannelId;
  /** null when it was refused. */
  readonly channel: ChannelKey | null;
  readonly refusal: ErrorCode | null;
  /** Where its app has the subchannel that was named; none = where the message says. */
  readonly slot?: Slot;
}

/** One request of the second API: one message to many channels, kept in one commit. */
export interface MulticastDraft {
  /** Public name, random, in URLs. */
  readonly id: string;
  /** The sender's own name for the request, so that it may be repeated; null = none. */
  readonly key: string | null;
  /** SHA-256 of the request's body: tells a repeat from another request under the same key. */
  readonly bodyHash: string;
  readonly message: Omit<Draft, 'channel' | 'stateUntil'>;
  /** Targets that the project may reach in `quotaDay`; 0 = no limit. */
  readonly dailyTargets: number;
  readonly targets: readonly MulticastTarget[];
}

/** What became of one channel of a multicast: it was kept as a message, or refused. */
export type TargetResult =
  | { readonly channelId: ChannelId; readonly version: Version }
  | { readonly channelId: ChannelId; readonly refusal: ErrorCode };

/** A multicast as it was answered. */
export interface Multicast {
  readonly id: string;
  readonly project: string;
  readonly acceptedAt: number;
  /** In the order of the request. */
  readonly targets: readonly TargetResult[];
}

export interface KeptMulticast {
  readonly multicast: Multicast;
  readonly kept: readonly Kept[];
  /** What gave way in the queues that were full. */
  readonly dropped: readonly { readonly channel: ChannelKey; readonly version: Version }[];
}

/** The part of the Store port that keeps multicasts. Its contract is in stores/multicast-contract.ts. */
export interface MulticastStore {
  /**
   * Keeps a message for each target in one commit, counts one against the project's messages of the day and the targets
   * against its targets, and remembers the answer. A channel that was removed meanwhile is refused by itself. A repeat (the
   * same project and key within limits.idempotencyHours, the same body) gets the first answer and keeps nothing: `kept` is
   * empty then. How the messages stand is kept for limits.stateDays, whatever the trace does. When more than
   * limits.queuedPerSubchannel wait in the queue of a subchannel, the oldest of them ends as superseded wherever it waits,
   * in the same commit: `dropped`.
   * @throws `idempotency-conflict` for another body under the key, `quota-exceeded`, `targets-exceeded`; what is refused is
   * not counted.
   */
  keepMulticast(draft: MulticastDraft): Promise<KeptMulticast>;
  /** By public name; undefined when it was never there, or after limits.stateDays. */
  findMulticast(id: string): Promise<Multicast | undefined>;
  /** When a device of the channel last confirmed a message; undefined = never. */
  lastConfirmed(channel: ChannelKey): Promise<number | undefined>;
}
