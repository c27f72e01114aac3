import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { namesHost } from '../outgoing/reachable.ts';

/** Whose messages a webhook is told of: those that a project sends, or those that an app's users get. */
export interface Owner {
  readonly kind: 'project' | 'app';
  readonly id: string;
}

/** What a webhook can be told; the states are those of `GET /v2/messages/{id}`. */
export const eventTypes = [
  'message.received',
  'message.confirmed',
  'message.superseded',
  'message.expired',
  'message.failed',
  'message.withdrawn',
  'device.gone',
  'quota.warning',
] as const;
export type EventType = (typeof eventTypes)[number];

/** Where events go, as its owner wants it. */
export interface Target {
  readonly url: string;
  readonly events: readonly EventType[];
  /** True = of every message; false = of those that ask for it. */
  readonly all: boolean;
}

export interface Webhook extends Target {
  readonly id: string;
  readonly owner: Owner;
  readonly createdAt: number;
  /** Set while it is switched off, because it failed for too long or does not want to be called. */
  readonly disabled: { readonly at: number; readonly why: string } | null;
  /** Since when no call has succeeded; null when the last one did. */
  readonly failingSince: number | null;
  /** Events that found the queue full, so far. */
  readonly dropped: number;
}

/** One event for one webhook, to be told until it is answered. */
export interface Delivery {
  /** The `webhook-id`: the same for every try, so that a receiver knows an event that it has seen. */
  readonly id: string;
  readonly webhook: string;
  /** One of `eventTypes`, or `webhook.test`. */
  readonly type: string;
  readonly body: string;
}

/** A delivery for the page that lists them. */
export interface ShownDelivery extends Omit<Delivery, 'body'> {
  readonly createdAt: number;
  readonly state: 'waiting' | 'delivered' | 'given-up';
  readonly attempts: number;
  /** The status that came back, or why none did; null before the first try. */
  readonly lastAnswer: string | null;
  readonly lastAt: number | null;
  readonly nextAt: number | null;
}

/** @throws `input-invalid` with what is wrong. */
export function checkedTarget({
  url,
  events,
  all,
}: {
  url: string;
  events: readonly string[];
  all: boolean;
}): Target {
  const wanted = eventTypes.filter((type) => events.includes(type));
  if (wanted.length === 0)
    throw new ReveilleError('input-invalid', 'Choose at least one event.', { location: 'events' });
  return { url: checkedUrl(url), events: wanted, all };
}

function checkedUrl(text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !namesHost(url) || url.href.length > limits.webhookUrlCharacters)
    throw new ReveilleError(
      'input-invalid',
      'A webhook is an https address with the name of a host, such as https://example.org/hook: no bare address, no password in it.',
      { location: 'url' },
    );
  url.hash = '';
  return url.href;
}
