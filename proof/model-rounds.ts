import * as fc from 'fast-check';
import { happenings, settleAll } from './commands.ts';
import type { Verdict } from './model.ts';
import { ModelTown } from './model-town.ts';

export interface RoundsOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Stops here though rounds are left. */
  readonly untilMs?: number;
}

/**
 * Random histories of a town, each held against the model. Answers what was counted over all of them, and how many were played.
 * @throws Error with the seed and the shortest history that breaks a promise.
 */
export async function runModelRounds({
  seed,
  rounds,
  untilMs,
}: RoundsOptions): Promise<Verdict & { readonly played: number }> {
  let played = 0;
  const sum = { accepted: 0, lost: 0, duplicated: 0, reordered: 0 };
  const history = fc.commands(happenings, { size: 'max', maxCommands: 60 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), history, async (devices, commands) => {
      await using town = await ModelTown.open(devices);
      await fc.asyncModelRun(() => ({ model: {}, real: town }), commands);
      await settleAll(town);
      played++;
      for (const [what, count] of Object.entries(town.promises.verdict)) sum[what as keyof Verdict] += count;
    }),
    {
      seed,
      numRuns: rounds,
      includeErrorInReport: true,
      ...(untilMs === undefined ? {} : { interruptAfterTimeLimit: untilMs, markInterruptAsFailure: false }),
    },
  );
  return { ...sum, played };
}
