import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../figure.ts';
import { emptyFolder, freePort, type PeerKind, startProcess, versionOf } from './peer.ts';

const AEDES_NOTE = 'written to LevelDB before the answer, never synced; no OAuth, no quota';
const SOCKET_IO_NOTE = 'keeps nothing; no OAuth, no quota, nothing comes back to who was away';

/** The MQTT broker for Node, with what it keeps on disk. */
export const aedes: PeerKind = {
  name: 'aedes',
  origin: 'npm: aedes, aedes-persistence-level, classic-level',
  find: () => findPackages('aedes', 'aedes-persistence-level', 'classic-level'),
  async start(bench) {
    const server = await startOnNode(bench, 'aedes', await emptyFolder(bench.folder, 'aedes'));
    return {
      ...server,
      name: 'aedes, QoS 1 retained',
      talk: (channels) => ({ kind: 'mqtt', channels }),
      note: AEDES_NOTE,
      delivery: { name: 'aedes, QoS 1, sessions that stay', kind: 'mqtt', durable: true, note: AEDES_NOTE },
    };
  },
};

/** Rooms, events and acknowledgements; nothing is kept. */
export const socketIo: PeerKind = {
  name: 'Socket.IO',
  origin: 'npm: socket.io',
  find: () => findPackages('socket.io'),
  async start(bench) {
    const server = await startOnNode(bench, 'socket.io');
    return {
      ...server,
      name: 'Socket.IO, emit with ack',
      talk: (channels) => ({ kind: 'socket.io', channels }),
      note: SOCKET_IO_NOTE,
      delivery: { name: 'Socket.IO, emit with ack', kind: 'socket.io', durable: false, note: SOCKET_IO_NOTE },
    };
  },
};

const scripts = {
  aedes: 'bench/peers/aedes-server.ts',
  'socket.io': 'bench/peers/socketio-server.ts',
} as const;
const root = join(import.meta.dir, '../..');

/** Node, or the runtime of the bench where there is none; undefined when a package is missing. */
function findPackages(...names: readonly string[]): string | undefined {
  const here = names.every((name) => {
    try {
      return Bun.resolveSync(name, import.meta.dir) !== '';
    } catch {
      return false;
    }
  });
  return here ? (Bun.which('node') ?? process.execPath) : undefined;
}

/** Starts a server of this folder. Node 20 strips no types, so it gets a translation, beside which it finds the packages. */
async function startOnNode({ folder, pinning }: Bench, name: keyof typeof scripts, data = '') {
  const place = join(folder, 'on-node');
  await mkdir(place, { recursive: true });
  await symlink(join(root, 'node_modules'), join(place, 'node_modules')).catch(() => {});
  const text = await Bun.file(join(root, scripts[name])).text();
  const file = join(place, `${name}.mjs`);
  await Bun.write(file, new Bun.Transpiler({ loader: 'ts', target: 'node' }).transformSync(text));
  const runtime = Bun.which('node') ?? process.execPath;
  const port = freePort();
  const running = await startProcess([...pinning.server, runtime, file, String(port), data], port);
  const { version } = await Bun.file(join(place, 'node_modules', name, 'package.json')).json();
  const on =
    runtime === process.execPath ? `Bun ${Bun.version}` : `Node ${versionOf([runtime, '--version'])}`;
  return { port, ...running, version: `${version} on ${on}` };
}
