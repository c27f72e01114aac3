import { MESSAGES, tooEarly } from '../e2e/early-answers.ts';
import { runCrashRounds } from './crash-rig.ts';
import { tryDoors } from './doors-tried.ts';
import type { Verdict } from './model.ts';
import { runModelRounds } from './model-rounds.ts';

/**
 * `npm run proof`: that what is accepted is never lost, in random histories of the core and in crashes of a real server. Prints the
 * seed; `-- --seed N` plays the same histories again, `-- --nightly` plays for long. An answer before its sync counts as a loss.
 * Then that nobody is in who does not belong: every route is tried with credentials that must not open it.
 */
const nightly = process.argv.includes('--nightly');
const given = process.argv.indexOf('--seed');
const seed = given === -1 ? Date.now() % 2 ** 31 : Number(process.argv[given + 1]);

const MINUTE = 60_000;
const sum = { accepted: 0, lost: 0, duplicated: 0, reordered: 0 };

function add(verdict: Verdict): void {
  sum.accepted += verdict.accepted;
  sum.lost += verdict.lost;
  sum.duplicated += verdict.duplicated;
  sum.reordered += verdict.reordered;
}

try {
  console.log(`histories against the model of SPEC, seed ${seed}`);
  const histories = await runModelRounds({
    seed,
    rounds: nightly ? 20_000 : 2_000,
    untilMs: nightly ? 30 * MINUTE : MINUTE / 2,
  });
  console.log(`${histories.played} histories, accepted ${histories.accepted}`);
  add(histories);
  const rounds = nightly ? 500 : 30;
  const rig = await runCrashRounds(rounds, seed);
  const done = Object.entries(rig.done).map(([what, count]) => `${what} ${count}`);
  console.log(`${rounds} crashes (${done.join(', ')}), accepted ${rig.accepted}`);
  add(rig);
  const early = await tooEarly({});
  console.log(`${MESSAGES} answers under strace, ${early.length} before their sync`);
  sum.lost += early.length;
  console.log(
    `accepted ${sum.accepted}, lost ${sum.lost}, duplicated ${sum.duplicated}, reordered ${sum.reordered}`,
  );
  const doors = await tryDoors();
  for (const line of doors.wrong) console.error(line);
  console.log(`doors tried ${doors.tried}, opened wrongly ${doors.wrong.length}`);
  process.exitCode = sum.lost + sum.duplicated + sum.reordered + doors.wrong.length === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
