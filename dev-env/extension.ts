import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The example that is shipped. */
export const helloPush = new URL('../examples/hello-push', import.meta.url).pathname;

export interface ExtensionOptions {
  /** Origin of the service. */
  readonly server: string;
  /** Public key: the extension's id follows from it. null leaves it to the CRX. */
  readonly key: string | null;
  readonly version?: string;
  /** Another background script, beside the shim. */
  readonly background?: string;
  /** More files, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Further manifest members, or other values for those of the example. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** The id that Chromium gives to an extension with this public key: the first half of its hash, in letters a to p. */
export function appIdOf(key: string): string {
  const hash = new Bun.CryptoHasher('sha256').update(Buffer.from(key, 'base64')).digest('hex');
  return [...hash.slice(0, 32)].map((digit) => 'abcdefghijklmnop'[Number.parseInt(digit, 16)]).join('');
}

/** Copies the example into a temporary folder, made for this service and this key. Answers the folder; the caller removes it. */
export async function makeExtension(options: ExtensionOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-extension-'));
  await cp(helloPush, folder, { recursive: true });
  const { key: _, ...manifest } = (await Bun.file(join(folder, 'manifest.json')).json()) as Record<
    string,
    unknown
  >;
  const made = {
    ...manifest,
    ...(options.key === null ? {} : { key: options.key }),
    ...(options.version === undefined ? {} : { version: options.version }),
    push_messaging: { server: options.server },
    ...options.manifest,
  };
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(made, null, 2));
  const files = {
    ...options.files,
    ...(options.background === undefined ? {} : { 'background.js': options.background }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}
