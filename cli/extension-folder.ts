import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReveilleError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type AppKey, readKeyFile, readPublicKey } from '../server/webstore/app-key.ts';
import { type Manifest, readManifest, withManifest } from '../server/webstore/manifest.ts';
import { type Files, pack } from '../server/webstore/zip.ts';
import { CliError } from './call.ts';

const KEY_FILE = 'key.pem';
const MANIFEST = 'manifest.json';
const example = fileURLToPath(new URL('../examples/hello-push', import.meta.url));

/** An unpacked extension as it lies in a folder. */
export interface ExtensionFolder {
  readonly path: string;
  /** Without `key.pem`, and without what begins with a dot or is of a package manager. */
  readonly files: Files;
  readonly manifest: Manifest;
  /** The text of `key.pem`. */
  readonly keyFile: string | undefined;
  /** What says whose extension it is: the key of `key.pem` or of the manifest; undefined when neither is there. */
  readonly key: AppKey | undefined;
}

/**
 * Reads the folder of an unpacked extension and looks at it as the store will.
 * @throws CliError, ReveilleError `manifest-invalid`, `key-foreign`, `input-invalid` with what is wrong with it.
 */
export async function readExtensionFolder(path: string): Promise<ExtensionFolder> {
  const folder = resolve(path);
  const files = new Map<string, Uint8Array>();
  for (const name of await namesIn(folder)) files.set(name, await readFile(join(folder, name)));
  const keyFile = files.get(KEY_FILE);
  files.delete(KEY_FILE);
  const manifest = readManifest(files);
  const pem = keyFile && Buffer.from(keyFile).toString('latin1');
  return { path: folder, files, manifest, keyFile: pem, key: keyOf(pem, manifest, folder) };
}

/** Packs a folder as a zip archive; with `key.pem` when its item does not have it yet. */
export async function packFolder(folder: ExtensionFolder, withKey: boolean): Promise<Uint8Array> {
  const { files, keyFile, manifest } = folder;
  const all = new Map(withManifest(files, manifest));
  if (withKey && keyFile !== undefined) all.set(KEY_FILE, Buffer.from(keyFile));
  return await pack(all);
}

/** The example that is shipped, led to a server and without the key that everybody has; any other folder as it is. */
export function ledTo(server: string, folder: ExtensionFolder): ExtensionFolder {
  if (folder.path !== example) return folder;
  const { key: _, ...manifest } = folder.manifest;
  return { ...folder, manifest: { ...manifest, push_messaging: { server } } };
}

/** The example that is shipped has a key that everybody knows, so it says nothing. */
function keyOf(pem: string | undefined, manifest: Manifest, folder: string): AppKey | undefined {
  const inFile = pem === undefined ? undefined : readKeyFile(pem);
  const inManifest =
    manifest.key === undefined || folder === example ? undefined : readPublicKey(manifest.key);
  if (inFile !== undefined && inManifest !== undefined && inFile.id !== inManifest.id)
    throw new ReveilleError(
      'key-foreign',
      `key.pem is that of ${inFile.id}, "key" of manifest.json that of ${inManifest.id}.`,
    );
  return inFile ?? inManifest;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new CliError(`${folder} is no folder: name the folder of an unpacked extension.`);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({
      entry,
      name: relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'),
    }))
    .filter(({ name }) => !name.split('/').some((part) => part.startsWith('.') || part === 'node_modules'));
  const link = names.find(({ entry }) => !entry.isFile());
  if (link !== undefined) throw new CliError(`${link.name} is a link: put the file itself there.`);
  if (names.length > limits.packageFiles)
    throw new CliError(
      `${folder} has more than ${limits.packageFiles} files: name the folder of the extension alone.`,
    );
  if (!names.some(({ name }) => name === MANIFEST))
    throw new CliError(`${folder} has no manifest.json: name the folder of an unpacked extension.`);
  return names.map(({ name }) => name);
}
