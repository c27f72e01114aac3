import { Database } from 'bun:sqlite';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** One file of a backup. */
export interface BackedUpFile {
  /** Within the folder. */
  readonly path: string;
  readonly bytes: number;
}

/** A backup that cannot be made as asked. The message says how to mend it. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** In the order in which they are copied: a channel whose account was made in between belongs to nobody, and harms nobody. */
const DATABASES = ['control.db', 'messages.db'];
/** What belongs to one process, or is a file not yet whole; SQLite's own files beside a database are in its copy. */
const LEFT_OUT = /^(lock\.db.*|operator\.token|.*\.db-(wal|shm|journal)|.*\.part)$/;
/** A commit of the running server is waited for this long. */
const BUSY_MS = 30_000;

/**
 * Copies a data folder, also one that a server uses, into a new folder that is a data folder itself. Each database is copied
 * as it was at one moment, by SQLite, and checked; the rest is copied file by file after them, so that what they name is
 * there. Nothing stands at `target` before all of it is whole and on disk.
 * @param folder absolute
 * @param target absolute, not there yet, outside of `folder`
 * @throws BackupError when there is nothing to copy, `target` is there or within `folder`, or a copy is damaged.
 */
export function backUp(folder: string, target: string): readonly BackedUpFile[] {
  const missing = DATABASES.find((name) => !existsSync(join(folder, name)));
  if (missing !== undefined)
    throw new BackupError(`${folder} has no ${missing}: name the data folder of the server with --data.`);
  if (resolve(target).startsWith(resolve(folder) + sep))
    throw new BackupError(`${target} is within the data folder: a backup goes elsewhere.`);
  if (existsSync(target))
    throw new BackupError(`${target} is there already, and nothing is written over: name another folder.`);
  const part = `${target}.part-${process.pid}`;
  mkdirSync(dirname(target), { recursive: true });
  mkdirSync(part, { mode: 0o700 });
  try {
    for (const name of DATABASES) copyDatabase(join(folder, name), join(part, name));
    copyRest(folder, part);
    const files = filesIn(part);
    sync(part);
    renameSync(part, target);
    sync(dirname(target));
    return files;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

function copyDatabase(from: string, to: string): void {
  // SQLite takes an empty file as it is, with its mode.
  closeSync(openSync(to, 'wx', 0o600));
  const source = new Database(from, { readwrite: true, create: false });
  try {
    source.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    source.run('VACUUM INTO ?', [to]);
  } finally {
    source.close(true);
  }
  const copy = new Database(to, { readonly: true });
  try {
    const found = copy.query<{ quick_check: string }, []>('PRAGMA quick_check(1)').get()?.quick_check;
    if (found !== 'ok') throw new BackupError(`The copy of ${from} is damaged, and was removed: ${found}.`);
  } finally {
    copy.close(true);
  }
  sync(to);
}

function copyRest(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)];
    if (LEFT_OUT.test(entry.name) || existsSync(copy)) continue;
    if (entry.isDirectory()) {
      mkdirSync(copy, { mode: 0o700 });
      copyRest(source, copy);
      sync(copy);
    } else if (entry.isFile()) copyFile(source, copy);
  }
}

/** A file that was removed after it was listed is one that nothing needs any more. */
function copyFile(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  chmodSync(to, 0o600);
  sync(to);
}

function filesIn(folder: string): readonly BackedUpFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => ({ path, stat: statSync(join(folder, path)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ path, stat }) => ({ path, bytes: stat.size }));
}

function sync(path: string): void {
  const opened = openSync(path, 'r');
  fsyncSync(opened);
  closeSync(opened);
}
