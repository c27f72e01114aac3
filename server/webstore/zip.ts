import { type Entry, fromBuffer, type ZipFile as OpenZip } from 'yauzl';
import { ZipFile } from 'yazl';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/** Files by their path, such as `icons/16.png`. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** What packers leave behind and no extension needs: macOS's shadow files, and the signatures of another store. */
const LITTER = /^__MACOSX\/|^_metadata\/|(^|\/)\.DS_Store$/;
const FILE_KIND = 0xf000;
const LINK = 0xa000;
const NAME_CHARACTERS = 240;

/**
 * Unpacks a zip archive within the bounds of `limits.package…`.
 * @throws `package-invalid` with what is wrong: no zip, too large, too many files, a name that leaves the folder or stands twice.
 */
export async function unpack(archive: Uint8Array): Promise<Files> {
  if (archive.length > limits.packageBytes)
    throw wrong(`It is larger than ${limits.packageBytes / 1024 / 1024} MiB.`);
  try {
    return await readAll(await openZip(archive));
  } catch (cause) {
    if (cause instanceof ReveilleError) throw cause;
    throw wrong(`It cannot be read as a zip archive: ${(cause as Error).message}.`, cause);
  }
}

/** Packs files in the order of their names, with one fixed time: equal files make equal archives. */
export async function pack(files: Files): Promise<Uint8Array> {
  const zip = new ZipFile();
  const mtime = new Date(Date.UTC(1980, 0, 2));
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    zip.addBuffer(Buffer.from(bytes), name, { mtime, mode: 0o100644 });
  zip.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function openZip(archive: Uint8Array): Promise<OpenZip> {
  const options = { lazyEntries: true, strictFileNames: true, validateEntrySizes: true } as const;
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
    fromBuffer(bytes, options, (error, zip) => (error === null ? resolve(zip) : reject(error)));
  });
}

async function readAll(zip: OpenZip): Promise<Files> {
  if (zip.entryCount > limits.packageFiles) throw wrong(`It has more than ${limits.packageFiles} files.`);
  const files = new Map<string, Uint8Array>();
  const names = new Set<string>();
  let unpackedBytes = 0;
  for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip)) {
    const name = entry.fileName;
    if (name.endsWith('/') || LITTER.test(name)) continue;
    assertPlain(entry);
    // Windows and macOS would write both into one file.
    if (names.has(name.toLowerCase())) throw wrong(`The file ${shown(name)} is in it twice.`);
    names.add(name.toLowerCase());
    unpackedBytes += entry.uncompressedSize;
    if (unpackedBytes > limits.packageUnpackedBytes)
      throw wrong(`Unpacked it is larger than ${limits.packageUnpackedBytes / 1024 / 1024} MiB.`);
    files.set(name, await readEntry(zip, entry));
  }
  return files;
}

function assertPlain(entry: Entry): void {
  const { fileName, uncompressedSize, compressedSize } = entry;
  if (fileName.length > NAME_CHARACTERS || hasControls(fileName))
    throw wrong(`The name ${shown(fileName)} is too long or has control characters.`);
  if (fileName.split('/').some((part) => part === '' || part === '.'))
    throw wrong(`The name ${shown(fileName)} is no plain path.`);
  if (((entry.externalFileAttributes >>> 16) & FILE_KIND) === LINK)
    throw wrong(`${shown(fileName)} is a link: put the file itself there.`);
  if (entry.isEncrypted()) throw wrong(`${shown(fileName)} is encrypted: pack without a password.`);
  if (uncompressedSize > limits.packageSmallBytes && uncompressedSize > compressedSize * limits.packageRatio)
    throw wrong(
      `${shown(fileName)} unpacks to more than ${limits.packageRatio} times its size, as a zip bomb does.`,
    );
}

const hasControls = (name: string): boolean => [...name].some((letter) => letter < ' ' || letter === '\x7f');

function nextEntry(zip: OpenZip): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      zip.off('entry', onEntry).off('end', onEnd).off('error', onError);
      act();
    };
    const onEntry = (entry: Entry) => settle(() => resolve(entry));
    const onEnd = () => settle(() => resolve(undefined));
    const onError = (error: Error) => settle(() => reject(error));
    zip.on('entry', onEntry).on('end', onEnd).on('error', onError);
    zip.readEntry();
  });
}

function readEntry(zip: OpenZip, entry: Entry): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error !== null) return reject(error);
      const chunks: Uint8Array[] = [];
      stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      stream.once('end', () => resolve(Buffer.concat(chunks)));
      stream.once('error', reject);
    });
  });
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 80));

function wrong(detail: string, cause?: unknown): ReveilleError {
  return new ReveilleError('package-invalid', detail, {}, cause);
}
