import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keptTable } from '../load/postgres.ts';
import { freePort, type PeerKind, startProcess, versionOf } from './peer.ts';

/** Where Debian has the programs of each version. */
const DEBIAN_VERSIONS = '/usr/lib/postgresql';

/** PostgreSQL, synced at each commit. It refuses to run as root, so it is the user `postgres` of its package then. */
export const postgres: PeerKind = {
  name: 'PostgreSQL',
  origin: 'Debian: postgresql',
  find: () => Bun.which('psql'),
  async start({ folder, pinning }, psql) {
    const programs = await programsFolder();
    const data = join(folder, 'postgres');
    await mkdir(data);
    const root = process.getuid?.() === 0;
    const as = root ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'] : [];
    if (root) run(['chown', 'postgres:postgres', data]);
    run([...as, join(programs, 'initdb'), '-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8']);
    const port = freePort();
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'];
    const flags = ['-D', data, '-p', String(port), ...settings.flatMap((one) => ['-c', one])];
    const command = [...pinning.server, ...as, join(programs, 'postgres'), ...flags];
    const running = await startProcess(command, port);
    const connection = ['-h', '127.0.0.1', '-p', String(port), '-U', 'bench', '-d', 'postgres'];
    await untilReady([psql, ...connection, '-qc', keptTable]);
    return {
      name: 'PostgreSQL, upsert + NOTIFY',
      version: versionOf([join(programs, 'postgres'), '--version']),
      port,
      pid: running.pid,
      // SIGINT: ends the sessions too.
      stop: () => running.stop('SIGINT'),
      talk: (channels) => ({ kind: 'postgres', channels }),
      note: 'synced before the answer; no OAuth, no quota',
    };
  },
};

async function programsFolder(): Promise<string> {
  const versions = await readdir(DEBIAN_VERSIONS).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new Error(`no server programs in ${DEBIAN_VERSIONS} (Debian: postgresql)`);
  return join(DEBIAN_VERSIONS, newest, 'bin');
}

/** It takes connections a moment before it takes statements. */
async function untilReady(command: readonly string[]): Promise<void> {
  for (let left = 100; ; left -= 1) {
    const { exitCode, stderr } = Bun.spawnSync([...command]);
    if (exitCode === 0) return;
    if (left === 0) throw new Error(`PostgreSQL: ${stderr}`);
    await Bun.sleep(100);
  }
}

function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd: '/' });
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}
