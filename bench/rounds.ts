/** One of those that are measured side by side. */
export interface Contender<Result> {
  readonly name: string;
  measure(): Promise<Result>;
}

/**
 * Measures everyone in each round, one after the other, so that what happens to the machine happens to all. Answers the
 * results of each by name, in the order of the rounds.
 */
export async function interleave<Result>(
  rounds: number,
  contenders: readonly Contender<Result>[],
): Promise<ReadonlyMap<string, readonly Result[]>> {
  const results = new Map<string, Result[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, measure } of contenders) results.get(name)?.push(await measure());
  }
  return results;
}

/** The middle one; of an even number the lower of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
