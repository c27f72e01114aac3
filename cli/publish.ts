import { Command } from 'commander';
import { isAppId } from '../protocol/app-id.ts';
import { CliError, defaultServer, readServer } from './call.ts';
import { type ExtensionFolder, ledTo, packFolder, readExtensionFolder } from './extension-folder.ts';
import { Records } from './records.ts';
import { PackageRefused, Store, type StoreItem } from './store.ts';

interface PublishFlags {
  readonly server: string;
  readonly item?: string;
  readonly group?: string;
  readonly create?: boolean;
  readonly draft?: boolean;
}

/** `reveille publish DIR`: packs an extension, uploads it to the store of a server and publishes it. */
export function publishVerb(): Command {
  return new Command('publish')
    .description('Pack an unpacked extension, upload it to the store of a server, and publish it.')
    .argument('<folder>', 'the folder with manifest.json')
    .option('--server <url>', 'the server', defaultServer)
    .option(
      '--item <id>',
      'the item (default: that of key.pem or of "key" in the manifest, or what bootstrap made)',
    )
    .option('--create', 'make a new item, with the key of key.pem or one that the server makes')
    .option('--group <name>', 'the publisher group of a new item, by name or id')
    .option('--draft', 'upload only; publish later')
    .addHelpText(
      'after',
      `
Publishes as the account of bootstrap, or by REVEILLE_CLIENT_ID, REVEILLE_CLIENT_SECRET and REVEILLE_REFRESH_TOKEN
(scope https://www.googleapis.com/auth/chromewebstore), as pipelines do.`,
    )
    .action(async (path: string, flags: PublishFlags) => {
      const server = readServer(flags.server);
      const folder = ledTo(server, await readExtensionFolder(path));
      const store = await Store.open(server);
      const { id } = await uploaded(store, server, folder, flags);
      console.log(`Uploaded as a draft of the item ${id}.`);
      if (flags.draft === true) return;
      await store.publish(id);
      console.log(`Published ${folder.manifest.version}: browsers that have it update within hours.`);
      console.log(`Its page says how to install it: ${server}/detail/${id}`);
    });
}

async function uploaded(
  store: Store,
  server: string,
  folder: ExtensionFolder,
  flags: PublishFlags,
): Promise<StoreItem> {
  const { manifest, keyFile } = folder;
  const archive = await packFolder(folder, false);
  const size = `${Math.ceil(archive.length / 1024)} KiB`;
  console.log(
    `Packed ${folder.files.size} files as version ${manifest.version}, ${size}. Uploading to ${server} …`,
  );
  if (flags.create === true) return await store.insert(await packFolder(folder, true), flags.group);
  const id = await itemOf(server, folder, flags.item);
  if ((await store.find(id)) === undefined) {
    if (keyFile === undefined)
      throw new CliError(
        `There is no item ${id} among those of your publisher groups on ${server}. Put its key.pem into the folder, or say --create for an item with a new id.`,
      );
    return await store.insert(await packFolder(folder, true), flags.group);
  }
  try {
    return await store.upload(id, archive);
  } catch (error) {
    // The server holds no key of this item: it gets it once.
    if (!(error instanceof PackageRefused) || error.fault !== 'PKG_KEY_MISSING' || keyFile === undefined)
      throw error;
    return await store.upload(id, await packFolder(folder, true));
  }
}

/** The item that a folder is of. @throws CliError when nothing says it. */
export async function itemOf(
  server: string,
  { key }: ExtensionFolder,
  named: string | undefined,
): Promise<string> {
  if (named !== undefined && key !== undefined && named !== key.id)
    throw new CliError(
      `--item names ${named}, and the key in the folder is that of ${key.id}: leave one out.`,
    );
  if (named !== undefined && !isAppId(named))
    throw new CliError(`--item takes an id of 32 letters a-p, not ${JSON.stringify(named)}.`);
  const id = named ?? key?.id ?? (await new Records(server).load()).demo?.app.id;
  if (id !== undefined) return id;
  throw new CliError(
    'Nothing says which item this is: no key.pem, no "key" in the manifest. Name it with --item, or say --create for a new one.',
  );
}
