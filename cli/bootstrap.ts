import { Command } from 'commander';
import { z } from 'zod';
import { answered, CliError, call, defaultServer, Refused, readServer } from './call.ts';
import { type Demo, demoShape, Records } from './records.ts';
import { refresh } from './token.ts';

const answerShape = demoShape.extend({ cookie: z.string() });

interface BootstrapFlags {
  readonly server: string;
  readonly json?: boolean;
  readonly dailyQuota?: string;
  readonly setUpCode?: string;
}

/** `reveille bootstrap`: one of each thing that a first message needs. */
export function bootstrapVerb(): Command {
  return new Command('bootstrap')
    .description(
      'Make a demo account, project, client, grant, app and channel on a server, or show the ones made before.',
    )
    .option('--server <url>', 'the server', defaultServer)
    .option('--json', 'print one line, one object')
    .option(
      '--daily-quota <number>',
      "messages a day of the project; 0 = no limit (default: the server's own)",
    )
    .option(
      '--set-up-code <code>',
      'what serve printed, for the first account of a server that others can reach',
    )
    .action(async (flags: BootstrapFlags) => {
      const server = readServer(flags.server);
      const wanted = readWanted(flags);
      // What is wanted otherwise than before has to be said to the server.
      const stored = Object.keys(wanted).length === 0 ? await reusable(server) : undefined;
      const demo = stored ?? (await make(server, wanted));
      console.log(flags.json === true ? JSON.stringify(demo) : describe(demo));
    });
}

/** What an earlier bootstrap stored, as long as its refresh token still stands. */
async function reusable(server: string): Promise<Demo | undefined> {
  const { demo } = await new Records(server).load();
  if (demo?.publish_refresh_token === undefined) return undefined;
  try {
    await refresh(server, demo);
    return demo;
  } catch (error) {
    // 400 invalid_grant and 401 invalid_client: it was revoked, or the server began anew. 429 is no such word.
    if (error instanceof Refused && (error.status === 400 || error.status === 401)) return undefined;
    throw error;
  }
}

interface Wanted {
  readonly dailyQuota?: number;
  readonly setupCode?: string;
}

async function make(server: string, wanted: Wanted): Promise<Demo> {
  const records = new Records(server);
  const record = await records.load();
  const response = await call(server, '/v2/bootstrap', {
    json: wanted,
    ...(record.cookie === undefined ? {} : { headers: { Cookie: record.cookie } }),
  });
  const { cookie, ...made } = answerShape.parse(await answered(response));
  const { email, password } = made.account;
  // The server tells a password once, when it makes the account.
  const earlier = record.demo?.account.email === email ? record.demo.account.password : null;
  const demo = { ...made, account: { email, password: password ?? earlier } };
  await records.save({ email, cookie, demo });
  return demo;
}

function readWanted({ dailyQuota, setUpCode }: BootstrapFlags): Wanted {
  if (dailyQuota !== undefined && !/^[0-9]{1,12}$/.test(dailyQuota)) {
    throw new CliError('--daily-quota takes a whole number; 0 = no limit.');
  }
  return {
    ...(dailyQuota === undefined ? {} : { dailyQuota: Number(dailyQuota) }),
    ...(setUpCode === undefined ? {} : { setupCode: setUpCode }),
  };
}

function describe(demo: Demo): string {
  return `Account   ${demo.account.email}
Password  ${demo.account.password ?? '(as you know it)'}
Project   ${demo.project.id}
Client    ${demo.client.client_id}
App       ${demo.app.id}
Channel   ${demo.channel_id}

Stored in your configuration folder; the other verbs use it. Next, in one shell:
  ./bin/reveille listen --json
and in another:
  ./bin/reveille send "Hello, push"`;
}
