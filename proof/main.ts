import { CommanderError } from 'commander';
import { MESSAGES, tooEarly } from '../e2e/early-answers.ts';
import { runCrashRounds } from './crash-rig.ts';
import { tryDoors } from './doors-tried.ts';
import type { Verdict } from './model.ts';
import { runModelRounds } from './model-rounds.ts';
import { keepVerdict } from './nightly.ts';
import { type ProofOptions, readOptions } from './options.ts';
import { type Soak, soak } from './soak.ts';
import { soakVerdict, writeSoak } from './soak-report.ts';

/**
 * `npm run proof`: that what is accepted is never lost, in random histories of the core and in crashes of a real server. Prints the
 * seed; `-- --seed N` plays the same histories again, `-- --nightly` plays for long. An answer before its sync counts as a loss.
 * Then that nobody is in who does not belong: every route is tried with credentials that must not open it. `-- --soak` is another
 * proof: that memory does not grow.
 */
const MINUTE = 60_000;

/** Answers whether all promises held. */
async function proveKept({ nightly, seed, results }: ProofOptions): Promise<boolean> {
  const sum = { accepted: 0, lost: 0, duplicated: 0, reordered: 0 };
  const add = (verdict: Verdict) => {
    for (const what of Object.keys(sum) as (keyof Verdict)[]) sum[what] += verdict[what];
  };
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
  if (nightly) await keepVerdict(results, Date.now(), { histories: histories.played, crashes: rounds }, sum);
  return sum.lost + sum.duplicated + sum.reordered === 0;
}

async function proveShut(): Promise<boolean> {
  const doors = await tryDoors();
  for (const line of doors.wrong) console.error(line);
  console.log(`doors tried ${doors.tried}, opened wrongly ${doors.wrong.length}`);
  return doors.wrong.length === 0;
}

async function proveFlat(options: ProofOptions): Promise<boolean> {
  const { minutes, rate, results } = options;
  console.log(`${minutes} minutes at ${rate} messages a second`);
  const keep = (soFar: Soak) => writeSoak(results, soFar);
  const verdict = await soak({ minutes, perSecond: rate }, { tell: console.log, keep });
  for (const line of verdict.complaints) console.error(line);
  console.log(soakVerdict(verdict));
  return verdict.well;
}

try {
  const options = readOptions(process.argv.slice(2));
  const holds = options.soak ? await proveFlat(options) : (await proveKept(options)) && (await proveShut());
  process.exitCode = holds ? 0 : 1;
} catch (error) {
  const isHelp = error instanceof CommanderError && error.exitCode === 0;
  if (!isHelp) console.error(error instanceof Error ? error.message : error);
  process.exitCode = isHelp ? 0 : 1;
}
