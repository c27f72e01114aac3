/** One of those that are measured side by side. */
export interface Contender<Result> {
  readonly name: string;
  measure(): Promise<Result>;
  /** Told why when it fails; from then on it is left out. Without this a failure ends the run. */
  leftOut?(why: string): void;
}

/**
 * Measures everyone in each round, one after the other, so that what happens to the machine happens to all. Answers the
 * results of each by name, in the order of the rounds; of who was left out there are none.
 */
export async function interleave<Result>(
  rounds: number,
  contenders: readonly Contender<Result>[],
): Promise<ReadonlyMap<string, readonly Result[]>> {
  const results = new Map<string, Result[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      if (!results.has(contender.name)) continue;
      const result = await measureOrLeaveOut(contender);
      if (result === undefined) results.delete(contender.name);
      else results.get(contender.name)?.push(result.value);
    }
  }
  return results;
}

async function measureOrLeaveOut<Result>(
  contender: Contender<Result>,
): Promise<{ value: Result } | undefined> {
  try {
    return { value: await contender.measure() };
  } catch (error) {
    if (contender.leftOut === undefined) throw error;
    contender.leftOut(`${contender.name} was left out: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** The middle one; of an even number the lower of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
