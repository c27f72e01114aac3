import { Command } from 'commander';
import packageFile from '../package.json' with { type: 'json' };
import { accountVerb } from './account.ts';
import { backupVerb } from './backup.ts';
import { bootstrapVerb } from './bootstrap.ts';
import { browserVerb } from './browser.ts';
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

/** Every verb of `reveille`, as commander knows it. Nothing is parsed yet. */
export function program(): Command {
  const command = new Command('reveille')
    .description(
      'The push service that you own: Google Cloud Messaging for Chrome, alive again and self-hosted.',
    )
    .version(packageFile.version)
    .showHelpAfterError('Say --help for what there is.');
  for (const verb of verbs) command.addCommand(verb());
  return command;
}
