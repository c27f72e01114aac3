import { z } from 'zod';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Files } from './zip.ts';

const MANIFEST = 'manifest.json';
/** One to four integers below 65,536 without leading zeros (developer.chrome.com, "Version"). */
const VERSION = /^(?:0|[1-9][0-9]{0,4})(?:\.(?:0|[1-9][0-9]{0,4})){0,3}$/;

const version = z
  .string()
  .regex(VERSION, 'must be one to four numbers with dots, such as 1.0.2')
  .refine((text) => text.split('.').every((part) => Number(part) < 65_536), 'has a number above 65535')
  .refine((text) => /[1-9]/.test(text), 'must not be zero');

const shape = z.looseObject({
  manifest_version: z.union([z.literal(2), z.literal(3)], 'must be 3 (or 2)'),
  name: z.string().min(1, 'must not be empty').max(75, 'has at most 75 characters'),
  version,
  description: z.string().max(1_000, 'has at most 1,000 characters').optional(),
  default_locale: z
    .string()
    .regex(/^[A-Za-z_]{2,10}$/, 'must be a language such as en')
    .optional(),
  key: z.string().optional(),
});

/** A manifest that was checked; other members are as they were. */
export type Manifest = z.output<typeof shape>;

/**
 * Reads the manifest of an unpacked package.
 * @throws `manifest-invalid` that names the member that is wrong, or where the manifest lies instead.
 */
export function readManifest(files: Files): Manifest {
  const bytes = files.get(MANIFEST);
  if (bytes === undefined) throw wrong(whereItIs(files));
  const parsed = shape.safeParse(readJson(MANIFEST, bytes));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw wrong(place === '' ? 'It must be one JSON object.' : `"${place}": ${issue?.message}.`);
}

/** A text of the manifest; `__MSG_name__` in the words of the default language. */
export function textOf(files: Files, { default_locale: locale }: Manifest, text = ''): string {
  const name = /^__MSG_(\w+)__$/.exec(text)?.[1]?.toLowerCase();
  if (name === undefined) return text;
  const path = `_locales/${locale}/messages.json`;
  const bytes = files.get(path);
  if (bytes === undefined) throw wrong(`${text} needs the file ${path}.`);
  const messages = z
    .record(z.string(), z.looseObject({ message: z.string() }))
    .safeParse(readJson(path, bytes));
  const found = Object.entries(messages.data ?? {}).find(([key]) => key.toLowerCase() === name);
  if (found === undefined) throw wrong(`${path} has no message for ${text}.`);
  return found[1].message;
}

/** The same files with another manifest. */
export function withManifest(files: Files, manifest: Readonly<Record<string, unknown>>): Files {
  return new Map([...files, [MANIFEST, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)]]);
}

/** Below 0 when `a` is the lower version, above when the higher; missing numbers are 0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let i = 0; i < 4; i += 1) {
    const difference = Number(left[i] ?? 0) - Number(right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function readJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ReveilleError(
      'manifest-invalid',
      `${path} is not JSON: ${(cause as Error).message}.`,
      {},
      cause,
    );
  }
}

function whereItIs(files: Files): string {
  const deeper = [...files.keys()].find((name) => name.endsWith(`/${MANIFEST}`));
  return deeper === undefined
    ? 'The package has none at its top.'
    : `It must be at the top of the package and is at ${deeper.slice(0, 80)}: pack what is in the folder, not the folder.`;
}

function wrong(detail: string): ReveilleError {
  return new ReveilleError('manifest-invalid', detail);
}
