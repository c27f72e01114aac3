import { Command } from 'commander';
import { CliError, defaultServer, readServer } from './call.ts';
import { readExtensionFolder } from './extension-folder.ts';
import { itemOf } from './publish.ts';
import { Store } from './store.ts';

interface KeyFlags {
  readonly server: string;
  readonly item?: string;
  readonly json?: boolean;
}

/** `reveille key DIR`: the id of an extension, and the key that gives it to an unpacked copy. */
export function keyVerb(): Command {
  return new Command('key')
    .description(
      'Print id and key of an extension: of its key.pem, of "key" in its manifest, or as the server knows its item.',
    )
    .argument('<folder>', 'the folder with manifest.json')
    .option('--server <url>', 'the server that is asked when the folder has no key', defaultServer)
    .option('--item <id>', 'the item to ask for (default: what bootstrap made)')
    .option('--json', 'print one line, one object')
    .action(async (path: string, flags: KeyFlags) => {
      const folder = await readExtensionFolder(path);
      const own = flags.item === undefined ? folder.key : undefined;
      const { id, key } =
        own ?? (await askedFor(flags, await itemOf(readServer(flags.server), folder, flags.item)));
      if (flags.json === true) console.log(JSON.stringify({ id, key }));
      else
        console.log(
          `${id}\n\nIn manifest.json it gives that id to an unpacked extension:\n  "key": "${key}",`,
        );
    });
}

async function askedFor(flags: KeyFlags, id: string): Promise<{ readonly id: string; readonly key: string }> {
  const server = readServer(flags.server);
  const item = await (await Store.open(server)).find(id);
  if (item?.publicKey !== undefined) return { id, key: item.publicKey };
  throw new CliError(`There is no item ${id} among those of your publisher groups on ${server}.`);
}
