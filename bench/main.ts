import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import type { Bench, Figure, Outcome } from './figure.ts';
import { accept } from './figures/accept.ts';
import { e2e } from './figures/e2e.ts';
import { fanout } from './figures/fanout.ts';
import { growth } from './figures/growth.ts';
import { idle } from './figures/idle.ts';
import { storm } from './figures/storm.ts';
import { wake } from './figures/wake.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, readOptions } from './options.ts';
import { choosePinning } from './pinning.ts';
import { failures, heading, markdown, type Report, writeJson, writeResults } from './report.ts';

/**
 * `npm run bench`: the service beside the runtime's own limit and its peers, in the same run. Ratios say what the service
 * costs; absolute numbers belong to the machine (docs/decisions/0225).
 */
const figures: readonly Figure[] = [accept, e2e, fanout, wake, storm, growth, idle];

async function measure(figure: Figure, shared: Omit<Bench, 'folder'>): Promise<Outcome> {
  // Open to others: a peer may run as a user of its own.
  const folder = await mkdtemp(join(tmpdir(), 'reveille-bench-'));
  Bun.spawnSync(['chmod', '755', folder]);
  try {
    return await figure.run({ ...shared, folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main({ quick, only, json, results }: BenchOptions): Promise<void> {
  const pinning = choosePinning();
  const machine = await describeMachine(tmpdir());
  let report: Report = { machine, pinned: pinning.told, quick, figures: {} };
  console.log(heading(report));
  for (const figure of figures) {
    if (only.length > 0 && !only.includes(figure.name)) continue;
    const outcome = await measure(figure, { quick, pinning });
    report = { ...report, figures: { ...report.figures, [figure.name]: outcome } };
    console.log(markdown(outcome));
  }
  await writeResults(results, report);
  if (json !== undefined) await writeJson(json, report);
  const failed = failures(report);
  for (const line of failed) console.error(line);
  if (failed.length > 0) process.exitCode = 1;
}

try {
  await main(
    readOptions(
      process.argv.slice(2),
      figures.map(({ name }) => name),
    ),
  );
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  if (error.message !== '(outputHelp)') console.error(error.message);
  process.exitCode = error.exitCode;
}
