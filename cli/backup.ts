import { resolve } from 'node:path';
import { Command } from 'commander';
import { settings } from '../server/config/env.ts';
import { ownDataFolder } from '../server/config/own-data-folder.ts';
import { CliError } from './call.ts';

/** The ring of keys, where it lives in the data folder. */
const RING_FILE = 'secrets';

/** `reveille backup`: the data folder as it is at one moment, while the server runs. */
export function backupVerb(): Command {
  return new Command('backup')
    .description(
      'Copy the data folder into a new folder, also while serve runs. docs/operating.md restores it.',
    )
    .argument('<folder>', 'the folder to make; it must not be there yet')
    .option('--data <folder>', `${settings.data.about} [${settings.data.variable}]`)
    .action(async (folder: string, { data }: { readonly data?: string }) => {
      const from = resolve(data ?? (process.env[settings.data.variable] || ownDataFolder));
      const to = resolve(folder);
      // Loaded here: no other verb needs SQLite.
      const { BackupError, backUp } = await import('../server/backup.ts');
      try {
        const files = backUp(from, to);
        for (const { path, bytes } of files) console.log(`${String(bytes).padStart(12)}  ${path}`);
        const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
        const ring = files.some(({ path }) => path === RING_FILE);
        console.log(`${String(total).padStart(12)}  bytes in ${to}\n${ring ? keysWithin : keysElsewhere}`);
      } catch (error) {
        if (error instanceof BackupError) throw new CliError(error.message, { cause: error });
        throw error;
      }
    });
}

const keysWithin =
  'The file secrets in it opens everything else: keep it apart from the rest, and put it back to restore.';
const keysElsewhere =
  'The ring of keys is not in it: keep what --secrets-file or REVEILLE_SECRETS names as well. Without it nothing opens.';
