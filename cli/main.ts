import { Command, CommanderError } from 'commander';
import packageFile from '../package.json' with { type: 'json' };
import { ReveilleError } from '../protocol/errors.ts';
import { ConfigError } from '../server/config/config.ts';
import { accountVerb } from './account.ts';
import { backupVerb } from './backup.ts';
import { bootstrapVerb } from './bootstrap.ts';
import { browserVerb } from './browser.ts';
import { CliError } from './call.ts';
import { certVerb } from './cert.ts';
import { doctorVerb } from './doctor.ts';
import { emulatorVerb } from './emulator.ts';
import { keyVerb } from './key.ts';
import { listenVerb } from './listen.ts';
import { loginVerb } from './login.ts';
import { policyVerb } from './policy.ts';
import { publishVerb } from './publish.ts';
import { sendVerb } from './send.ts';
import { serveVerb } from './serve.ts';
import { tokenVerb } from './token.ts';

/** The command line: one file per verb, each of which makes its own commander command. */
const verbs = [
  serveVerb,
  certVerb,
  backupVerb,
  bootstrapVerb,
  loginVerb,
  listenVerb,
  sendVerb,
  tokenVerb,
  publishVerb,
  keyVerb,
  accountVerb,
  browserVerb,
  policyVerb,
  doctorVerb,
  emulatorVerb,
];

/** What is told to the reader as one sentence; anything else is a fault of ours and shows its stack. */
const sentences = [CliError, ConfigError, ReveilleError];

const program = new Command('reveille')
  .description(
    'The push service that you own: Google Cloud Messaging for Chrome, alive again and self-hosted.',
  )
  .version(packageFile.version)
  .showHelpAfterError('Say --help for what there is.');
for (const verb of verbs) program.addCommand(verb());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) {
    const plain = sentences.find((kind) => error instanceof kind) !== undefined;
    console.error(plain ? `reveille: ${(error as Error).message}` : error);
  }
  process.exitCode = 1;
}
