import type { Ending } from '../core/store.ts';

/**
 * What is counted of the messages of a project. Endings are counted once for each device, so one message to three devices may be
 * accepted once and confirmed three times.
 */
export type Kind = 'accepted' | 'delivered' | Ending | `refused:${string}` | `took:${number}`;

/** Upper bounds, in milliseconds, of the times from accepting to confirm; the last box has none. About 1.6 apart. */
const BOUNDS: readonly number[] = [
  5, 8, 12, 20, 30, 50, 80, 125, 200, 300, 500, 800, 1_250, 2_000, 3_000, 5_000, 8_000, 12_500, 20_000,
  30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 14_400_000, 86_400_000, 604_800_000,
];

/** The box of a time, as a kind. */
export function tookKind(ms: number): `took:${number}` {
  const box = BOUNDS.findIndex((bound) => ms <= bound);
  return `took:${box === -1 ? BOUNDS.length : box}`;
}

export type Counts = ReadonlyMap<string, number>;

export const countOf = (counts: Counts, kind: Kind): number => counts.get(kind) ?? 0;

/** Refusals by their code, the most frequent first. */
export function refusalsOf(counts: Counts): readonly (readonly [code: string, count: number])[] {
  return [...counts]
    .filter(([kind]) => kind.startsWith('refused:'))
    .map(([kind, count]) => [kind.slice('refused:'.length), count] as const)
    .sort(([one, more], [other, less]) => less - more || one.localeCompare(other));
}

/**
 * The time within which this part of the confirms came, in milliseconds: the upper bound of its box.
 * @param part 0.5 = the median
 * @returns undefined when there was none, or it took longer than every bound
 */
export function percentile(counts: Counts, part: number): number | undefined {
  const boxes = [...BOUNDS, undefined].map((bound, box) => [bound, counts.get(`took:${box}`) ?? 0] as const);
  const all = boxes.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bound, count] of boxes) {
    seen += count;
    if (count > 0 && seen >= all * part) return bound;
  }
  return undefined;
}
