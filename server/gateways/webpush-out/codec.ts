import { encryptNotification, vapidHeaders } from '@block65/webcrypto-web-push';
import { isSubchannelQueue, subchannelOf } from '../../../protocol/slot.ts';
import type { Kept } from '../../core/store.ts';
import type { PushTransport } from '../../doors/push-transport.ts';

/** RFC 8291 section 4: one record of 4,096 bytes leaves this much for the text. */
const TEXT_BYTES_MAX = 3_993;

/** One push, ready to go: to our own subscription as it is, to a vendor with `headersOf`. */
export interface WakePush {
  /** aes128gcm; empty = a push without data, upon which the client connects and fetches what waits. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Seconds. */
  readonly ttl: number;
  /** One per subchannel: of what a push service still holds, the newest of each is enough. */
  readonly topic: string;
}

/** Who pushes, as push services are told (RFC 8292). Keys in base64url. */
export interface Signer {
  readonly publicKey: string;
  readonly privateKey: string;
  /** A `mailto:` or `https:` address of the operator. */
  readonly subject: string;
}

/**
 * The push that wakes an app for a message: `{version, subchannelId, payload}`, encrypted for its subscription.
 * @param pad makes all of them equally long, so that who carries them learns nothing from their length.
 */
export async function encodeWake(
  transport: PushTransport,
  kept: Kept,
  now: number,
  pad: boolean,
): Promise<WakePush> {
  const { version, slot, payload, expiresAt } = kept;
  const subchannelId = subchannelOf(slot);
  const text = new TextEncoder().encode(JSON.stringify({ version, subchannelId, payload }));
  // Of a queue older ones may wait, which come first; what any one device handles may be handled by now. The client fetches.
  const fetched = isSubchannelQueue(slot) || kept.deliver === 'any';
  const body =
    text.length > TEXT_BYTES_MAX || fetched
      ? new Uint8Array()
      : await encryptNotification(subscriptionOf(transport), text, { pad });
  return {
    body,
    ttl: Math.max(1, Math.ceil((expiresAt - now) / 1_000)),
    topic: `reveille-${isSubchannelQueue(slot) ? 'q' : ''}${subchannelId}`,
  };
}

/** The headers of RFC 8030 and RFC 8292 for a push to the endpoint of a transport, which must be https. */
export async function headersOf(
  transport: PushTransport,
  { body, ttl, topic }: WakePush,
  signer: Signer,
): Promise<Record<string, string>> {
  const { headers } = await vapidHeaders(subscriptionOf(transport), signer);
  return {
    Authorization: headers.authorization,
    TTL: String(ttl),
    Topic: topic,
    // RFC 8030 section 5.3: anything lower may wait until the user picks the device up.
    Urgency: 'high',
    'Content-Length': String(body.length),
    ...(body.length > 0 && {
      'Content-Encoding': 'aes128gcm',
      'Content-Type': 'application/octet-stream',
    }),
  };
}

function subscriptionOf({ endpoint, p256dh, auth }: PushTransport) {
  return { endpoint, expirationTime: null, keys: { p256dh, auth } };
}
