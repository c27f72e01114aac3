import { CommanderError } from 'commander';
import { ReveilleError } from '../protocol/errors.ts';
import { ConfigError } from '../server/config/config.ts';
import { CliError } from './call.ts';
import { program } from './program.ts';

/** What is told to the reader as one sentence; anything else is a fault of ours and shows its stack. */
const sentences = [CliError, ConfigError, ReveilleError];

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) {
    const plain = sentences.find((kind) => error instanceof kind) !== undefined;
    console.error(plain ? `reveille: ${(error as Error).message}` : error);
  }
  process.exitCode = 1;
}
