import { ReveilleError } from '../../protocol/errors.ts';
import type { Clock } from '../core/clock.ts';

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A token bucket per key: `burst` at once, refilled evenly over `windowMs`.
 * At most `keys` keys are remembered; the longest unused is forgotten first, so a flood of keys costs bounded memory.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #windowMs: number;
  readonly #keys: number;

  constructor(clock: Clock, burst: number, windowMs: number, keys = 10_000) {
    this.#clock = clock.outside ?? clock;
    this.#burst = burst;
    this.#windowMs = windowMs;
    this.#keys = keys;
  }

  /** Takes one from the bucket of `key`. Answers the milliseconds to wait when there is none, else 0. */
  take(key: string): number {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    const refill = (Math.max(0, now - bucket.at) / this.#windowMs) * this.#burst;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + refill);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#keys) this.#buckets.delete(this.#buckets.keys().next().value as string);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * this.#windowMs) / this.#burst);
    bucket.tokens -= 1;
    return 0;
  }

  /** @throws `rate-limited` with the seconds to wait. */
  assert(key: string, detail?: string): void {
    const waitMs = this.take(key);
    if (waitMs > 0)
      throw new ReveilleError('rate-limited', detail, { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
  }
}
