import { ZipFile } from 'yazl';

export interface ZipEntry {
  readonly name: string;
  readonly bytes: string | Buffer;
  readonly mode?: number;
}

/** A zip archive of these files, in this order, whatever is wrong with them. */
export async function zipOf(entries: readonly ZipEntry[]): Promise<Buffer<ArrayBuffer>> {
  const zip = new ZipFile();
  for (const { name, bytes, mode } of entries)
    zip.addBuffer(Buffer.from(bytes), name, { mode: mode ?? 0o100644 });
  zip.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** The smallest extension, packed: version 1.0 of "Hello", with other manifest members and more files if wanted. */
export function packedExtension(
  manifest: Readonly<Record<string, unknown>> = {},
  more: readonly ZipEntry[] = [],
): Promise<Buffer<ArrayBuffer>> {
  const whole = { manifest_version: 3, name: 'Hello', version: '1.0', ...manifest };
  return zipOf([{ name: 'manifest.json', bytes: JSON.stringify(whole) }, ...more]);
}
