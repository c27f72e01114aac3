import type { Slot } from '../../protocol/slot.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { ChannelKey } from './keys.ts';

/** Messages as they are handed over to be kept, and as they come back: the words of the port in store.ts. */

export type { Slot };

/** What the intake hands over to be kept. */
export interface Draft {
  readonly channel: ChannelKey;
  readonly slot: Slot;
  readonly payload: string;
  /** Only with an encrypted push: how its body is encoded. The payload is that body in base64url. */
  readonly headers?: PushHeaders;
  /** Unless it is normal. Devices of ours may name the lowest they want; stock browsers get them all. */
  readonly urgency?: StatedUrgency;
  /** The receipts that this push belongs to (RFC 8030 section 5.1), to be asked for with `trace`. */
  readonly receipts?: string;
  /** Milliseconds since 1970 at which the message ends by itself. */
  readonly expiresAt: number;
  /** Of a multicast's message: until when its state is kept, and its way recorded step by step. */
  readonly stateUntil?: number;
  /** The first device that confirms it ends it for the others. Unsaid = each device handles it. */
  readonly deliver?: 'any';
  /** The project whose quota it counts against. */
  readonly project: string;
  /** Accepted messages that the project may have in `quotaDay`; 0 = no limit. */
  readonly dailyQuota: number;
  /** The day that the message counts for, "2026-11-24". */
  readonly quotaDay: string;
}

/** Normal is not written down. */
export type StatedUrgency = Exclude<Urgency, 'normal'>;

/** The content headers that travel with an encrypted push (RFC 8291; the last two only with the draft's `aesgcm`). */
export interface PushHeaders {
  readonly encoding: 'aes128gcm' | 'aesgcm';
  readonly encryption?: string;
  readonly cryptoKey?: string;
}

/** A message that was committed. */
export interface Kept {
  readonly version: Version;
  readonly channel: ChannelKey;
  readonly slot: Slot;
  readonly payload: string;
  readonly headers?: PushHeaders;
  readonly urgency?: StatedUrgency;
  /** The receipts that tell of its end. */
  readonly receipts?: string;
  /** The first device that confirms it ends it for the others. */
  readonly deliver?: 'any';
  /** Its way is recorded step by step (`sent`, `taken`). */
  readonly tracked?: true;
  readonly acceptedAt: number;
  readonly expiresAt: number;
}
