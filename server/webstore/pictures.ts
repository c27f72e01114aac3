import { createHash } from 'node:crypto';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Manifest } from './manifest.ts';
import type { Files } from './zip.ts';

/** A picture as we made it: pixels that were decoded and encoded anew, and nothing else of what was uploaded. */
export interface Picture {
  /** Its name is its content's, such as `3f….png`. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What is decoded; SVG and HTML are no pictures here (decision 0178). */
const taken: ReadonlySet<string> = new Set(['png', 'jpeg', 'webp']);
const ICON_PIXELS = 128;
const SCREENSHOT_PIXELS = 1280;
const ICONS_TRIED = 4;

/** @throws `input-invalid` with what is wrong with the picture. */
export async function readScreenshot(bytes: Uint8Array): Promise<Picture> {
  return await encodedAnew(bytes, 'webp', SCREENSHOT_PIXELS);
}

/** The icon of a package, or undefined when it has none that can be read: a package is not refused for its looks. */
export async function iconOf(files: Files, { icons }: Manifest): Promise<Picture | undefined> {
  const named = typeof icons === 'object' && icons !== null ? Object.entries(icons) : [];
  const bySize = named.sort(([a], [b]) => distance(a) - distance(b)).slice(0, ICONS_TRIED);
  for (const [, path] of bySize) {
    const bytes = files.get(String(path).replace(/^\.?\//, ''));
    const icon = bytes && (await encodedAnew(bytes, 'png', ICON_PIXELS).catch(() => undefined));
    if (icon !== undefined) return icon;
  }
  return undefined;
}

/** The size that is shown is the best, then the next larger ones, then the smaller. */
function distance(size: string): number {
  const pixels = Number(size);
  if (!Number.isFinite(pixels)) return Number.MAX_SAFE_INTEGER;
  return pixels >= ICON_PIXELS ? pixels - ICON_PIXELS : 1e6 - pixels;
}

async function encodedAnew(given: Uint8Array, as: 'png' | 'webp', most: number): Promise<Picture> {
  if (given.length > limits.pictureBytes)
    throw wrong(`It is larger than ${limits.pictureBytes / 1024 / 1024} MiB.`);
  try {
    // The size in the header is asked before a pixel is unpacked; the work is done on a thread of its own.
    const image = new Bun.Image(Uint8Array.from(given), { maxPixels: limits.picturePixels });
    const { format } = await image.metadata();
    if (!taken.has(format)) throw wrong('It is no PNG, JPEG or WebP.');
    image.resize(most, most, { fit: 'inside', withoutEnlargement: true });
    const bytes = await (as === 'png' ? image.png() : image.webp({ quality: 85 })).bytes();
    const { width, height } = await new Bun.Image(bytes).metadata();
    const file = `${createHash('sha256').update(bytes).digest('hex').slice(0, 40)}.${as}`;
    return { file, bytes, width, height };
  } catch (cause) {
    if (cause instanceof ReveilleError) throw cause;
    throw wrong(faults[String((cause as { code?: unknown }).code)] ?? 'It cannot be read.', cause);
  }
}

const faults: Readonly<Record<string, string>> = {
  ERR_IMAGE_UNKNOWN_FORMAT: 'It is no PNG, JPEG or WebP.',
  ERR_IMAGE_TOO_MANY_PIXELS: `It has more than ${limits.picturePixels / 1_000_000} million pixels.`,
};

function wrong(detail: string, cause?: unknown): ReveilleError {
  return new ReveilleError('input-invalid', `The picture was not accepted. ${detail}`, {}, cause);
}
