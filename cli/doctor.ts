import { Command } from 'commander';
import type { Config } from '../server/config/config.ts';
import type { RawSettings } from '../server/config/env.ts';
import { checkPushDoor, checkRunningBrowsers, thisMachine } from './browser-findings.ts';
import { readBrowserSettings } from './browser-settings.ts';
import {
  checkClock,
  checkDataFolder,
  checkLimits,
  checkPort,
  checkReachability,
  type Finding,
} from './findings.ts';
import { checkPushHosts } from './push-findings.ts';
import { configOf, withSettings } from './serve.ts';
import { madeAuthority } from './trust.ts';

interface DoctorFlags extends RawSettings {
  readonly browser?: boolean;
  readonly push?: boolean;
}

/** `reveille doctor`: looks at what `serve` with the same flags would run on, and says how to mend what is wrong. */
export function doctorVerb(): Command {
  return withSettings(
    new Command('doctor').description(
      'Check port, data folder, clock, limits and reachability; takes the flags of serve.',
    ),
  )
    .option('--browser', 'also say why a browser does not connect')
    .option('--push', 'also greet the push services that --push-hosts names')
    .action(async ({ browser, push, ...flags }: DoctorFlags) => {
      const config = configOf(flags);
      const findings = await examine(config, browser === true);
      if (push === true) findings.push(...(await checkPushHosts(config)));
      for (const finding of findings) console.log(describe(finding));
      const wrong = findings.filter((finding) => finding.state === 'wrong').length;
      console.log(wrong === 0 ? '\nNothing is in the way.' : `\n${wrong} to mend.`);
      if (wrong > 0) process.exitCode = 1;
    });
}

async function examine(config: Config, browser: boolean): Promise<Finding[]> {
  const authority = madeAuthority(config.dataFolder);
  const port = await checkPort(config, authority);
  return [
    port.finding,
    await checkDataFolder(config.dataFolder),
    await checkClock(port.running, authority),
    await checkLimits(),
    await checkReachability(config, port.running, authority),
    ...(browser ? await examineBrowsers(port.running, authority) : []),
  ];
}

async function examineBrowsers(
  running: string | undefined,
  authority: string | undefined,
): Promise<Finding[]> {
  if (running === undefined) {
    const fact = 'nothing runs that they could connect to';
    return [{ state: 'note', subject: 'browsers', fact, mend: './bin/reveille serve' }];
  }
  const settings = await readBrowserSettings(running, authority);
  return [
    ...(await checkPushDoor(settings, authority, thisMachine)),
    ...(await checkRunningBrowsers(settings, thisMachine)),
  ];
}

const marks = { good: 'ok   ', note: 'note ', wrong: 'WRONG' } as const;

function describe({ state, subject, fact, mend }: Finding): string {
  return `${marks[state]}  ${subject}: ${fact}${mend === undefined ? '' : `\n       ${mend}`}`;
}
