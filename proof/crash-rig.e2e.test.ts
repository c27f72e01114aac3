import { expect, test } from 'bun:test';
import { runCrashRounds } from './crash-rig.ts';

test('PF2 three killed servers, of which one syncs late and one has a full disk, lose nothing by damage to their logs', async () => {
  const { done, ...verdict } = await runCrashRounds(3, 2_013);
  expect(verdict).toMatchObject({ lost: 0, duplicated: 0, reordered: 0 });
  expect(verdict.accepted).toBeGreaterThan(0);
  expect(done).toMatchObject({ plain: 1, 'late syncs': 1, 'full disk': 1 });
}, 170_000);
