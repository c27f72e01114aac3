import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { answered, CliError, call, defaultServer, readServer } from './call.ts';
import { readPassword } from './password.ts';
import { configOf } from './serve.ts';

interface ResetFlags {
  readonly server: string;
  readonly email: string;
  readonly data?: string;
  readonly passwordStdin?: boolean;
}

/** The file in the data folder by which a person who can read the folder proves to be the operator. */
const operatorTokenFile = 'operator.token';

/** `reveille account …`: what the operator of a server may do to an account. */
export function accountVerb(): Command {
  const reset = new Command('reset')
    .description(
      'Set a new password for an account and end all of its sign-ins. For whoever can read the data folder.',
    )
    .requiredOption('--email <address>', 'e-mail of the account')
    .option('--server <url>', 'the server, which must be running', defaultServer)
    .option('--data <folder>', 'its data folder (default: as for serve)')
    .option('--password-stdin', 'read the password from standard input instead of asking for it')
    .action(resetPassword);
  return new Command('account').description("Mend accounts from the server's own machine.").addCommand(reset);
}

async function resetPassword(flags: ResetFlags): Promise<void> {
  const server = readServer(flags.server);
  const folder = flags.data === undefined ? configOf({}).dataFolder : resolve(flags.data);
  const token = await operatorToken(folder);
  const password = await readPassword(flags.passwordStdin === true, `New password of ${flags.email}`);
  const response = await call(server, '/accounts/operator/reset-password', {
    json: { email: flags.email, password },
    headers: { Authorization: `Bearer ${token}` },
  });
  if (!response.ok) await answered(response);
  console.log(`The password of ${flags.email} is set; every sign-in of the account has ended.`);
}

async function operatorToken(folder: string): Promise<string> {
  const path = join(folder, operatorTokenFile);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new CliError(
      `${path} cannot be read. Run this on the server's machine as the user who runs it, and name its data folder with --data.`,
      { cause },
    );
  }
}
