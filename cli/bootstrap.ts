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
    .action(async (flags: BootstrapFlags) => {
      const server = readServer(flags.server);
      const demo = (await reusable(server)) ?? (await make(server, readQuota(flags.dailyQuota)));
      console.log(flags.json === true ? JSON.stringify(demo) : describe(demo));
    });
}

/** What an earlier bootstrap stored, as long as its refresh token still stands. */
async function reusable(server: string): Promise<Demo | undefined> {
  const { demo } = await new Records(server).load();
  if (demo === undefined) return undefined;
  try {
    await refresh(server, demo);
    return demo;
  } catch (error) {
    // 400 invalid_grant and 401 invalid_client: it was revoked, or the server began anew. 429 is no such word.
    if (error instanceof Refused && (error.status === 400 || error.status === 401)) return undefined;
    throw error;
  }
}

async function make(server: string, dailyQuota: number | undefined): Promise<Demo> {
  const records = new Records(server);
  const { cookie: signedIn } = await records.load();
  const response = await call(server, '/v2/bootstrap', {
    json: dailyQuota === undefined ? {} : { dailyQuota },
    headers: { Origin: server, ...(signedIn === undefined ? {} : { Cookie: signedIn }) },
  });
  const { cookie, ...demo } = answerShape.parse(await answered(response));
  await records.save({ email: demo.account.email, cookie, demo });
  return demo;
}

function readQuota(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,12}$/.test(text)) throw new CliError('--daily-quota takes a whole number; 0 = no limit.');
  return Number(text);
}

function describe(demo: Demo): string {
  return `Account   ${demo.account.email}
Password  ${demo.account.password}
Project   ${demo.project.id}
Client    ${demo.client.client_id}
App       ${demo.app.id}
Channel   ${demo.channel_id}

Stored in your configuration folder; the other verbs use it. Next, in one shell:
  ./bin/reveille listen --json
and in another:
  ./bin/reveille send "Hello, push"`;
}
