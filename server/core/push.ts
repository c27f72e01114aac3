import { ReveilleError } from '../../protocol/errors.ts';
import { limits, retentionMs } from '../../protocol/limits.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Events } from '../observe/events.ts';
import type { Announcer } from './announcer.ts';
import type { Bus } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Endpoint, Endpoints } from './endpoint.ts';
import { Load } from './load.ts';
import { utcDays } from './quota-day.ts';
import type { Draft, Kept, PushHeaders, Store } from './store.ts';
import type { HolderId, Subscription, SubscriptionStore } from './subscription.ts';

/** The project that pushes count for: they have no quota of their own, a full queue is their limit. */
export const PUSH_PROJECT = 'web-push';

/** Holders that one round of ageing ends: their subscriptions go in one commit each. */
const HOLDERS_PER_ROUND = 100;

/** One push as a sender means it (RFC 8030 section 5). */
export interface Push {
  /** The encrypted body; empty = a push without data. */
  readonly body: Uint8Array;
  /** How the body is encoded; null when it is empty. */
  readonly headers: PushHeaders | null;
  /** Seconds. 0 = for a browser that is connected. */
  readonly ttl: number;
  /** Replaces the message of this topic that still waits; null = replaces none. */
  readonly topic: string | null;
  readonly urgency: Urgency;
  /** The receipts that this push belongs to; null = none were asked for. */
  readonly receipts: string | null;
}

/** Where a push goes, and which key its sender must show: base64url as the browser named it, null = any sender. */
export interface Target {
  readonly subscription: Subscription;
  readonly senderKey: string | null;
}

/** Seconds that a push is kept, of those that its sender asked for. */
export function grantedTtl(seconds: number): number {
  return Math.min(seconds, retentionMs / 1_000);
}

/** Push subscriptions and the way of a push into the house, for the gateways, the web push doors and our own wake-ups. */
export class Pushes {
  /** As Acceptance.load. */
  readonly load: Load;
  readonly #store: SubscriptionStore & Pick<Store, 'keep' | 'withdraw'>;
  readonly #endpoints: Endpoints;
  readonly #announcer: Pick<Announcer, 'announce'>;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #events: Events;

  constructor(deps: {
    readonly store: Store;
    readonly endpoints: Endpoints;
    readonly announcer: Pick<Announcer, 'announce'>;
    readonly bus: Bus;
    /** None = one of its own. */
    readonly load?: Load;
    readonly clock: Clock;
    readonly events: Events;
  }) {
    this.#store = deps.store;
    this.#endpoints = deps.endpoints;
    this.#announcer = deps.announcer;
    this.#bus = deps.bus;
    this.load = deps.load ?? new Load();
    this.#clock = deps.clock;
    this.#events = deps.events;
  }

  /**
   * A browser registers. Asked again under the same name it answers the same token; a removed name is made anew.
   * @param senderKey the application server key that pushes must be signed with; null = any sender.
   * @returns the token of the endpoint, base64url.
   * @throws `input-invalid` when the names are too long for a token, `rate-limited` when the holder has too many.
   */
  async subscribe(holder: HolderId, name: string, senderKey: string | null): Promise<string> {
    const endpoint = { holder, name, senderKey };
    // Sealed for now to see that it can be: a subscription whose token is too long must not be made.
    this.#seal(endpoint, this.#clock.now());
    const { subscription, fresh } = await this.#store.renewSubscription(holder, name);
    if (fresh) await this.#bus.announceAll({ kind: 'subscribed', subscription });
    return this.#seal(endpoint, subscription.createdAt);
  }

  /** A browser gives a subscription up. It stays removed, also when this server had never heard of it. */
  async unsubscribe(holder: HolderId, name: string): Promise<void> {
    // Made first: an endpoint of before a lost database must answer "gone" from here on.
    await this.#store.openSubscription(holder, name);
    if (await this.#store.removeSubscription(holder, name))
      await this.#bus.announceAll({ kind: 'unsubscribed', holder, name });
  }

  /** Ends all subscriptions of a browser profile. */
  async endHolder(holder: HolderId): Promise<void> {
    for (const name of await this.#store.removeHolder(holder))
      await this.#bus.announceAll({ kind: 'unsubscribed', holder, name });
  }

  /**
   * Ends holders that have not connected for limits.silentHolderDays: a profile that was deleted says no goodbye.
   * @param isHeld is a holder connected now? It is noted as heard of.
   * @returns how many ended.
   */
  async endSilent(isHeld: (holder: HolderId) => boolean): Promise<number> {
    const before = this.#clock.now() - limits.silentHolderDays * 86_400_000;
    let ended = 0;
    for (const holder of await this.#store.silentHolders(before, HOLDERS_PER_ROUND)) {
      if (isHeld(holder)) await this.#store.heldNow(holder);
      else {
        await this.endHolder(holder);
        ended += 1;
      }
    }
    return ended;
  }

  /**
   * The subscription that an endpoint's token names, made when this server does not know it (any more).
   * @throws `endpoint-unknown` when the token is not ours, `endpoint-gone` when the subscription was removed.
   */
  async open(token: string): Promise<Target> {
    const endpoint = this.#endpoints.open(token);
    if (endpoint === undefined) throw new ReveilleError('endpoint-unknown');
    const opened = await this.#store.openSubscription(endpoint.holder, endpoint.name);
    if (opened === undefined) throw new ReveilleError('endpoint-gone');
    const { subscription, fresh } = opened;
    if (fresh) await this.#bus.announceAll({ kind: 'subscribed', subscription });
    return { subscription, senderKey: endpoint.senderKey };
  }

  /**
   * Keeps a push and announces it. Settles when it is synced to disk.
   * @throws `endpoint-gone` when the subscription was removed meanwhile, `queue-full` with the seconds to wait,
   * `store-full`, `unavailable`, `overloaded`.
   */
  async accept(target: Target, push: Push): Promise<Kept> {
    const kept = await this.#keep(target, push);
    this.#events.accepted(kept.version, PUSH_PROJECT, '');
    void this.#announcer.announce(kept);
    return kept;
  }

  /** Takes a push back (RFC 8030 has it for its sender). Answers false when it waited for nobody any more. */
  async withdraw(version: Version): Promise<boolean> {
    const channel = await this.#store.withdraw(version);
    if (channel === undefined) return false;
    await this.#bus.announceAll({ kind: 'withdrawn', channel, version });
    return true;
  }

  async #keep(target: Target, push: Push): Promise<Kept> {
    const now = this.#clock.now();
    const ttlMs = push.ttl === 0 ? limits.instantMs : grantedTtl(push.ttl) * 1_000;
    const draft: Draft = {
      channel: target.subscription.channel.key,
      slot: push.topic === null ? null : `t:${push.topic}`,
      payload: Buffer.from(push.body).toString('base64url'),
      ...(push.headers !== null && { headers: push.headers }),
      ...(push.urgency !== 'normal' && { urgency: push.urgency }),
      ...(push.receipts !== null && { receipts: push.receipts }),
      expiresAt: now + ttlMs,
      project: PUSH_PROJECT,
      dailyQuota: 0,
      quotaDay: utcDays(now).day,
    };
    this.load.begin();
    try {
      return await this.#store.keep(draft);
    } catch (error) {
      throw asPushError(error);
    } finally {
      this.load.end();
    }
  }

  #seal(endpoint: Endpoint, since: number): string {
    try {
      return this.#endpoints.seal(endpoint, since);
    } catch (cause) {
      throw new ReveilleError('input-invalid', 'The names of this subscription are too long.', {}, cause);
    }
  }
}

/** What the store says, in the words of an endpoint. */
function asPushError(error: unknown): unknown {
  if (!(error instanceof ReveilleError)) return error;
  if (error.code === 'channel-invalid') return new ReveilleError('endpoint-gone');
  if (error.code !== 'queue-full') return error;
  return new ReveilleError('queue-full', undefined, { retryAfterSeconds: limits.queueRetrySeconds }, error);
}
