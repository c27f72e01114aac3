import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { isUrgency, type Urgency } from '../../../protocol/urgency.ts';
import type { Push } from '../../core/push.ts';

/** What the headers of a push say about its delivery (RFC 8030 section 5). */
export interface DeliveryWish extends Pick<Push, 'ttl' | 'topic' | 'urgency'> {
  /** The sender asked for receipts (RFC 8030 section 5.1). */
  readonly wantsReceipts: boolean;
}

/** @throws `ttl-invalid`, `ttl-negative`, `topic-invalid`, `urgency-invalid`. */
export function readDeliveryWish(headers: Headers): DeliveryWish {
  return {
    ttl: readTtl(headers.get('ttl')),
    topic: readTopic(headers.get('topic')),
    urgency: readUrgency(headers.get('urgency')),
    wantsReceipts: wantsAsync(headers.get('prefer')),
  };
}

/** Seconds as the sender asked for them; how many are granted is not decided here. */
function readTtl(value: string | null): number {
  const text = value?.trim() ?? '';
  if (/^-\d+$/.test(text)) throw new ReveilleError('ttl-negative', undefined, { location: 'TTL' });
  if (!/^\d+$/.test(text))
    throw new ReveilleError('ttl-invalid', text === '' ? undefined : `It was "${text.slice(0, 40)}".`, {
      location: 'TTL',
    });
  return Number(text);
}

function readTopic(value: string | null): string | null {
  if (value === null) return null;
  if (value.length > limits.topicCharacters || !/^[\w-]+$/.test(value))
    throw new ReveilleError('topic-invalid', `It was "${value.slice(0, 40)}".`, { location: 'Topic' });
  return value;
}

function readUrgency(value: string | null): Urgency {
  if (value === null) return 'normal';
  const urgency = value.trim().toLowerCase();
  if (!isUrgency(urgency))
    throw new ReveilleError('urgency-invalid', `It was "${value.slice(0, 40)}".`, { location: 'Urgency' });
  return urgency;
}

/** `Prefer: respond-async`, among other wishes (RFC 7240 section 4.1). */
function wantsAsync(value: string | null): boolean {
  return (value ?? '').split(',').some((wish) => /^\s*respond-async\s*(;.*)?$/i.test(wish));
}
