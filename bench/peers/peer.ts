import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../figure.ts';
import type { Delivery } from '../load/delivery.ts';
import type { Talk } from '../load/spec.ts';

/** A server that others made, running. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  readonly talk: (channels: number) => Talk;
  /** What it does not do that Reveille does. */
  readonly note: string;
  /** How its subscribers take messages; absent where it is not asked to deliver. */
  readonly delivery?: {
    readonly name: string;
    readonly kind: Exclude<Delivery['kind'], 'reveille'>;
    /** Whether what was not acknowledged is still there after a restart. */
    readonly durable: boolean;
    readonly note: string;
  };
  stop(): Promise<void>;
}

/** How to start one. */
export interface PeerKind {
  readonly name: string;
  /** The packages that have it. */
  readonly origin: string;
  /** Its program; nothing where it is not installed, and then it is left out. */
  find(): string | null | undefined;
  start(bench: Bench, program: string): Promise<Peer>;
}

/** How long a start may take. */
const START_MS = 30_000;

/** A free port of the loopback address. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** A peer's process that ends by its pid, once it takes connections at `port`. @throws Error with its output when it does not. */
export async function startProcess(command: readonly string[], port: number) {
  const child = Bun.spawn([...command], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
  let log = '';
  const reading = (async () => {
    for await (const chunk of child.stderr) log = (log + new TextDecoder().decode(chunk)).slice(-4_000);
  })();
  const until = performance.now() + START_MS;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      await reading;
      throw new Error(`${command.join(' ')} did not start:\n${log}`);
    }
    await Bun.sleep(50);
  }
  return {
    pid: child.pid,
    stop: async (signal: NodeJS.Signals = 'SIGTERM') => {
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
      await child.exited;
      clearTimeout(late);
    },
  };
}

async function takesConnections(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

/** A folder of that name for what a peer keeps. */
export async function emptyFolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  // One that is started again begins with nothing.
  await rm(path, { recursive: true, force: true });
  await mkdir(path);
  return path;
}

/** The first version number that a program tells. */
export function versionOf(command: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...command]);
  return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
}
