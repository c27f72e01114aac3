import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CliError } from './call.ts';
import type { Demo } from './records.ts';

/** The parts of a manifest that are looked at; the rest is copied as it is. */
const manifestShape = z.looseObject({
  name: z.string(),
  key: z.string().optional(),
  browser_specific_settings: z
    .looseObject({ gecko: z.looseObject({ id: z.string() }).optional() })
    .optional(),
});

type Manifest = z.infer<typeof manifestShape>;

/** An extension as it is to be loaded: what its manifest says in this browser. */
export interface ExtensionPlan {
  readonly folder: string;
  readonly manifest: Manifest;
  /** The app of `bootstrap` that it runs as; undefined when it is an app of its own. */
  readonly runsAs: string | undefined;
}

const example = fileURLToPath(new URL('../examples/hello-push', import.meta.url));

/**
 * Reads the manifest of the unpacked extension in `path` and fits it to a server. The example that is shipped, and an
 * extension without a key, run as the app that `bootstrap` made there: that one is registered and its channel is known.
 * @throws CliError when there is no manifest.
 */
export async function planExtension(
  path: string,
  server: string,
  demo: Demo | undefined,
): Promise<ExtensionPlan> {
  const folder = resolve(path);
  const read = await readManifest(folder);
  const borrows = demo !== undefined && (read.key === undefined || folder === example);
  const manifest = {
    ...read,
    ...(borrows ? { key: demo.app.key } : {}),
    push_messaging: { ...(read.push_messaging as object | undefined), server },
  };
  return { folder, manifest, runsAs: borrows ? demo.app.id : undefined };
}

/** Copies the extension, with its fitted manifest, to a temporary folder; the caller removes it. */
export async function copyExtension({ folder, manifest }: ExtensionPlan): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), `reveille-${basename(folder)}-`));
  try {
    await cp(folder, copy, { recursive: true });
    await writeFile(join(copy, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    return copy;
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    throw error;
  }
}

/** What Firefox calls the extension. @throws CliError when its manifest does not say. */
export function geckoIdOf({ manifest }: ExtensionPlan): string {
  const id = manifest.browser_specific_settings?.gecko?.id;
  // It becomes the name of a file.
  if (id === undefined || !/^[\w@.{}-]+$/.test(id))
    throw new CliError('Firefox needs "browser_specific_settings": {"gecko": {"id": "…"}} in the manifest.');
  return id;
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  try {
    return manifestShape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'it is no manifest';
    throw new CliError(`--load takes the folder of an unpacked extension; ${path} cannot be read (${why}).`);
  }
}
