/**
 * Makes the project ready to run, with nothing but Node and npm: installs the packages of the lock file, finds a Bun that
 * starts, and notes both under node_modules/.reveille, which is what `bin/run` looks at. Plain JavaScript, because it runs
 * before there is anything else.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An install that takes longer than this was abandoned; its lock counts no more. */
const LOCK_STALE_MS = 10 * 60_000;
const LOCK_POLL_MS = 250;

/**
 * Installs into `root` unless everything is there, and answers the path of Bun.
 * Two calls at the same time (two shells in a fresh clone) take turns.
 * @throws Error with a text for the reader when npm fails or no Bun starts.
 */
export function install(root, say = (text) => process.stderr.write(`${text}\n`)) {
  const unlock = lock(join(root, '.install-lock'));
  try {
    if (!installed(root)) npmInstall(root, say);
    const bun = findBun(root);
    note(root, bun);
    return bun;
  } finally {
    unlock();
  }
}

/**
 * True when node_modules holds what the lock file names, by npm's own record of what it installed. A package added by
 * `npm install` is thus no reason to install everything again.
 */
export function installed(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined)
    throw new Error('reveille: package-lock.json is missing or damaged; take it from the repository.');
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    const have = present[path];
    // Optional packages are those of other platforms; the root entry is the project itself.
    if (path === '' || (have === undefined && entry.optional === true)) return true;
    return have !== undefined && have.version === entry.version && have.integrity === entry.integrity;
  });
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function npmInstall(root, say) {
  say('reveille: installing packages (npm ci), once for this lock file …');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // `npm ci --omit=dev` would leave out the tests' tools; a service for others may set NODE_ENV.
    env: { ...process.env, NODE_ENV: '' },
  });
  if (result.status === 0) return;
  const reason = result.error?.message ?? `${result.stdout}${result.stderr}`.trim();
  throw new Error(`reveille: npm ci failed in ${root}. Mend what it says, then start again.\n${reason}`);
}

/**
 * A Bun that starts. npm's install script of the package puts the binary in place; where install scripts are blocked, that
 * script is run here, and where even that fails the binary of the platform's package is taken as it is.
 */
export function findBun(root) {
  const linked = join(root, 'node_modules', 'bun', 'bin', 'bun.exe');
  if (starts(linked)) return linked;
  const direct = platformBinary(root);
  if (direct !== undefined) return direct;
  spawnSync(process.execPath, ['install.js'], { cwd: join(root, 'node_modules', 'bun'), stdio: 'ignore' });
  const found = starts(linked) ? linked : platformBinary(root);
  if (found !== undefined) return found;
  throw new Error(
    `reveille: Bun does not start on this machine (${process.platform}, ${process.arch}). ` +
      'Remove node_modules and start again; optional packages must not be left out (npm config get omit).',
  );
}

function platformBinary(root) {
  const folder = join(root, 'node_modules', '@oven');
  const candidates = listed(folder).map((name) => join(folder, name, 'bin', 'bun'));
  return candidates.find(starts);
}

function listed(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function starts(binary) {
  return spawnSync(binary, ['--version'], { stdio: 'ignore' }).status === 0;
}

function note(root, bun) {
  const folder = join(root, 'node_modules', '.reveille');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(bun, join(folder, 'bun'));
  // The lock file comes last: it is what says that all before it is done.
  copyFileSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
}

function lock(path) {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (abandoned(path)) rmSync(path, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
    }
  }
}

function abandoned(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > LOCK_STALE_MS) return true;
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    install(dirname(dirname(fileURLToPath(import.meta.url))));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
