import { Command } from 'commander';
import { answered, CliError, call, defaultServer, readServer } from './call.ts';
import { readPassword } from './password.ts';
import { Records, type ServerRecord } from './records.ts';

interface LoginFlags {
  readonly server: string;
  readonly email?: string;
  readonly passwordStdin?: boolean;
}

/** `reveille login`: signs in and remembers it for the other verbs. */
export function loginVerb(): Command {
  return new Command('login')
    .description('Sign in to a server; the sign-in is kept in your configuration folder.')
    .option('--server <url>', 'the server', defaultServer)
    .option('--email <address>', 'e-mail of the account (default: the one of the last sign-in)')
    .option('--password-stdin', 'read the password from standard input instead of asking for it')
    .action(async (flags: LoginFlags) => {
      const server = readServer(flags.server);
      const records = new Records(server);
      const record = await records.load();
      const email = flags.email ?? record.email ?? record.demo?.account.email;
      if (email === undefined) throw new CliError('Say which account: --email you@example.org.');
      const password = await readPassword(flags.passwordStdin === true);
      const cookie = await signIn(server, email, password);
      await records.save({ email, cookie, ...ownDemo(record, email, password) });
      console.log(`Signed in to ${server} as ${email}.`);
    });
}

/**
 * What stays of an earlier bootstrap: project, client and app of another account are none of this one's, and a demo password
 * that someone has changed is no password any more.
 */
function ownDemo({ demo }: ServerRecord, email: string, password: string): Pick<ServerRecord, 'demo'> {
  if (demo?.account.email !== email) return {};
  if (demo.account.password === password) return { demo };
  return { demo: { ...demo, account: { email, password: null } } };
}

/**
 * Signs in as the sign-in page does.
 * @returns the sign-in as a value of a Cookie header.
 * @throws Refused for a wrong e-mail or password, a disabled account, too many tries.
 */
export async function signIn(server: string, email: string, password: string): Promise<string> {
  const response = await call(server, '/accounts/api/sign-in/email', {
    json: { email, password },
  });
  const pairs = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
  await answered(response);
  if (pairs.length === 0) throw new CliError(`${server} accepted the password but gave no sign-in.`);
  return pairs.join('; ');
}
