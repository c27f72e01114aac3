import { Command } from 'commander';
import type { Config } from '../server/config/config.ts';
import type { RawSettings } from '../server/config/env.ts';
import {
  checkClock,
  checkDataFolder,
  checkLimits,
  checkPort,
  checkReachability,
  type Finding,
} from './findings.ts';
import { configOf, withSettings } from './serve.ts';

/** `reveille doctor`: looks at what `serve` with the same flags would run on, and says how to mend what is wrong. */
export function doctorVerb(): Command {
  return withSettings(
    new Command('doctor').description(
      'Check port, data folder, clock, limits and reachability; takes the flags of serve.',
    ),
  ).action(async (flags: RawSettings) => {
    const findings = await examine(configOf(flags));
    for (const finding of findings) console.log(describe(finding));
    const wrong = findings.filter((finding) => finding.state === 'wrong').length;
    console.log(wrong === 0 ? '\nNothing is in the way.' : `\n${wrong} to mend.`);
    if (wrong > 0) process.exitCode = 1;
  });
}

async function examine(config: Config): Promise<Finding[]> {
  const port = await checkPort(config);
  return [
    port.finding,
    await checkDataFolder(config.dataFolder),
    await checkClock(port.running),
    await checkLimits(),
    await checkReachability(config, port.running),
  ];
}

const marks = { good: 'ok   ', note: 'note ', wrong: 'WRONG' } as const;

function describe({ state, subject, fact, mend }: Finding): string {
  return `${marks[state]}  ${subject}: ${fact}${mend === undefined ? '' : `\n       ${mend}`}`;
}
