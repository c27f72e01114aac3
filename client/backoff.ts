/**
 * The wait before attempt `attempt` (1, 2, …): `firstMs` doubling up to `maxMs`, of which a random half is taken off, so
 * that the clients of a service that restarts do not all come in the same moment.
 */
export function backoff(
  attempt: number,
  firstMs: number,
  maxMs: number,
  random: () => number = Math.random,
): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempt - 1, 30), maxMs);
  return Math.round(full * (1 - random() / 2));
}
