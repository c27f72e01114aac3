import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { readKeyFile, readPublicKey } from './app-key.ts';
import { looksLikeCrx, openCrx } from './crx.ts';
import { type Manifest, readManifest, textOf } from './manifest.ts';
import { type Files, unpack } from './zip.ts';

const KEY_FILE = 'key.pem';

/** What was uploaded, read and checked, before it is known whether it may become a package of an item. */
export interface Upload {
  /** Without `key.pem`. */
  readonly files: Files;
  /** Without `key` and `update_url`: what is given out gets its own. */
  readonly manifest: Manifest;
  /** In the words of the default language. */
  readonly name: string;
  readonly description: string;
  /** `key.pem`, as packages of the time carried it once (reference 4.1). */
  readonly keyFile: { readonly pem: string; readonly id: AppId } | undefined;
  /** Items that the package says it is of, and by which part of it. */
  readonly claims: readonly { readonly id: AppId; readonly by: string }[];
}

/**
 * Reads an uploaded zip or CRX3 file.
 * @throws `package-invalid`, `manifest-invalid`, `input-invalid` with what is wrong with it.
 */
export async function readUpload(file: Uint8Array): Promise<Upload> {
  const crx = looksLikeCrx(file) ? openCrx(file) : undefined;
  const files = new Map(await unpack(crx?.archive ?? file));
  const { key, update_url: _, ...manifest } = readManifest(files);
  const keyFile = keyFileOf(files.get(KEY_FILE));
  files.delete(KEY_FILE);
  return {
    files,
    manifest,
    name: textOf(files, manifest, manifest.name),
    description: textOf(files, manifest, manifest.description),
    keyFile,
    claims: [
      ...(crx === undefined ? [] : [{ id: crx.appKey.id, by: 'The package is signed with' }]),
      ...(key === undefined ? [] : [{ id: readPublicKey(key).id, by: '"key" of manifest.json is' }]),
      ...(keyFile === undefined ? [] : [{ id: keyFile.id, by: 'key.pem belongs to' }]),
    ],
  };
}

/** @throws `key-foreign` naming both ids when the package says that it is of another item. */
export function assertOf(id: AppId, { claims }: Upload): void {
  const foreign = claims.find((claim) => claim.id !== id);
  if (foreign === undefined) return;
  throw new ReveilleError('key-foreign', `${foreign.by} the key of ${foreign.id}, and this item is ${id}.`);
}

function keyFileOf(bytes: Uint8Array | undefined): Upload['keyFile'] {
  if (bytes === undefined) return undefined;
  const pem = Buffer.from(bytes).toString('latin1');
  return { pem, id: readKeyFile(pem).id };
}
