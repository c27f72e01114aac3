/**
 * OR2: the place of a message in the order of its store: an integer below 2^53, rising, near the microseconds of the clock.
 * It is the message's id towards senders as well (its decimal digits).
 */
export type Version = number & { readonly __brand: 'Version' };

/** True for a whole number that can be a version. */
export function isVersion(value: unknown): value is Version {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/**
 * The version after `last`: max(last + 1, microseconds of the clock), so that it rises through a clock step back and a restart.
 * @param nowMs milliseconds since 1970.
 */
export function nextVersion(last: number, nowMs: number): Version {
  return Math.max(last + 1, Math.floor(nowMs * 1_000)) as Version;
}
