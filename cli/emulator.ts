import { Command } from 'commander';
import type { EmulatedTown } from '../dev-env/emulator/emulator-door.ts';
import { CliError } from './call.ts';
import { stopSignal } from './serve.ts';

interface EmulatorFlags {
  readonly host: string;
  readonly port: string;
  readonly seed: string;
  readonly now?: string;
  readonly json?: boolean;
}

/** `reveille emulator`: the service for tests, in memory, on a clock that tests move. */
export function emulatorVerb(): Command {
  return new Command('emulator')
    .description(
      'Run the service for tests: in memory, with a demo town, on a clock that stands still until it is moved.',
    )
    .option('--host <host>', 'a loopback address; no other is taken', '127.0.0.1')
    .option('--port <number>', '0 = a free one', '8030')
    .option('--seed <text>', 'the same seed makes the same town', 'reveille')
    .option(
      '--now <time>',
      'what the clock says at first, or "host" for the time of this machine (default: 2026-01-01T00:00:00Z)',
    )
    .option('--json', 'print the town as one line, one object, once it is ready')
    .action(async (flags: EmulatorFlags) => {
      const { host, seed, now, json } = flags;
      // Loaded here: the other verbs start without the weight of the server.
      const { Emulator } = await import('../dev-env/emulator/emulator.ts');
      const time = now === undefined ? {} : { now: readTime(now) };
      const emulator = await Emulator.start({ host, port: readPort(flags.port), seed, ...time });
      const stopped = stopSignal();
      console.log(json === true ? JSON.stringify(emulator.town) : describe(emulator.town));
      await stopped;
      await emulator[Symbol.asyncDispose]();
    });
}

function readPort(text: string): number {
  if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new CliError('--port takes a whole number from 0 to 65535.');
}

function readTime(text: string): number {
  const time = text === 'host' ? Date.now() : Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new CliError('--now takes "host" or a time such as 2026-01-01T00:00:00Z.');
}

function describe(town: EmulatedTown): string {
  return `The emulator is listening on ${town.origin}

Account        ${town.account.email}
Password       ${town.account.password}
Project        ${town.project.id}
Client         ${town.client.client_id}
Client secret  ${town.client.client_secret}
Refresh token  ${town.refresh_token}
App            ${town.app.id}
Channel        ${town.channel_id}

All of it as JSON: GET ${town.origin}/emulator. Its clock stands still; move it:
  curl -d '{"advanceMs":60000}' -H 'Content-Type: application/json' ${town.origin}/emulator/clock
Nothing is kept. Ctrl+C ends it; docs/emulator.md shows a test.`;
}
