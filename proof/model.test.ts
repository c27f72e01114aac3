import { expect, test } from 'bun:test';
import { runModelRounds } from './model-rounds.ts';

/** The same histories each time: `npm run proof` looks for new ones. `FUZZ_SEED=… bun test proof/model.test.ts` plays others. */
const seed = Number(process.env.FUZZ_SEED ?? 2_013);

test('PF1 random histories on the real core and store break no promise of the model', async () => {
  const verdict = await runModelRounds({ seed, rounds: Number(process.env.FUZZ_RUNS ?? 40), untilMs: 8_000 });
  expect(verdict).toMatchObject({ lost: 0, duplicated: 0, reordered: 0 });
  expect(verdict.accepted).toBeGreaterThan(0);
}, 120_000);
