import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';
import { RateLimit } from './rate-limit.ts';

/**
 * IN10: refused requests have limits of their own, per client and per address, so that who hammers a door is told to wait.
 * Only refusals count and only refusals are answered so: a good request of a client that was just refused a hundred
 * times goes through (docs/decisions/0051).
 */
export class Refusals {
  readonly #perClient: RateLimit;
  readonly #perAddress: RateLimit;

  constructor(clock: Clock) {
    this.#perClient = new RateLimit(clock, limits.refusedPerClient, limits.refusedMs);
    this.#perAddress = new RateLimit(clock, limits.refusedPerAddress, limits.refusedMs);
  }

  /**
   * Counts a refusal. Answers the error to send: the one that came in, or `rate-limited` with the seconds to wait.
   * @param client the OAuth client, when the token was good. An error of ours (5xx) is nobody's fault and does not count.
   */
  count(error: ReveilleError, address: string, client: string | undefined): ReveilleError {
    if (error.status >= 500 || error.code === 'rate-limited') return error;
    const clientMs = client === undefined ? 0 : this.#perClient.take(client);
    const waitMs = Math.max(clientMs, this.#perAddress.take(address));
    if (waitMs === 0) return error;
    return new ReveilleError(
      'rate-limited',
      `Too many requests were refused, the last one because: ${error.message}`,
      {
        retryAfterSeconds: Math.ceil(waitMs / 1_000),
      },
    );
  }
}
