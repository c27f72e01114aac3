import { Command } from 'commander';
import { z } from 'zod';
import { answered, CliError, call, defaultServer, readServer } from './call.ts';
import { type Demo, Records } from './records.ts';

const tokenShape = z.looseObject({ access_token: z.string() });

/** `reveille token`: an access token for the stored client, for curl and for scripts. */
export function tokenVerb(): Command {
  return new Command('token')
    .description('Print an access token of what bootstrap made; good for about an hour.')
    .option('--server <url>', 'the server', defaultServer)
    .option('--json', 'print the whole answer of the token endpoint in one line')
    .action(async (flags: { server: string; json?: boolean }) => {
      const server = readServer(flags.server);
      const answer = await refresh(server, await storedDemo(server));
      console.log(flags.json === true ? JSON.stringify(answer) : answer.access_token);
    });
}

/** What bootstrap left for this server. @throws CliError when there is nothing. */
export async function storedDemo(server: string): Promise<Demo> {
  const { demo } = await new Records(server).load();
  if (demo === undefined) {
    const there = server === defaultServer ? '' : ` --server ${server}`;
    throw new CliError(`Nothing is stored for ${server}: say ./bin/reveille bootstrap${there} first.`);
  }
  return demo;
}

/** The guide's first call: a refresh token becomes an access token. @throws Refused when it was revoked. */
export async function refresh(server: string, demo: Demo): Promise<z.infer<typeof tokenShape>> {
  return await exchange(server, demo.client, demo.refresh_token);
}

/** An access token of any client. @throws Refused when the refresh token was revoked or is another client's. */
export async function tokenBy(
  server: string,
  client: Pick<Demo['client'], 'client_id' | 'client_secret'>,
  refreshToken: string,
): Promise<string> {
  return (await exchange(server, client, refreshToken)).access_token;
}

async function exchange(
  server: string,
  { client_id, client_secret }: Pick<Demo['client'], 'client_id' | 'client_secret'>,
  refresh_token: string,
): Promise<z.infer<typeof tokenShape>> {
  const form = { client_id, client_secret, refresh_token, grant_type: 'refresh_token' };
  return tokenShape.parse(await answered(await call(server, '/o/oauth2/token', { form })));
}
