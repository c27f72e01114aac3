import type { Bench, Figure, Key, Outcome, Row } from '../figure.ts';
import { benchTown } from '../full-town.ts';
import { bare, type FreshServer, idlePeer, ownDoor } from '../idle-servers.ts';
import type { IdleOrder } from '../load/idle-clients.ts';
import { mosquitto } from '../peers/brokers.ts';
import { aedes, socketIo } from '../peers/node-peers.ts';
import { residentBytes } from '../processes.ts';
import { interleave, median } from '../rounds.ts';

const CLIENTS = new URL('../load/idle-clients.ts', import.meta.url).pathname;
/** Connections before the first look at the memory: code is compiled, buffers are there. */
const WARM = 100;
/** A process may have 20,000 files on most machines; half of that leaves room. */
const PER_PROCESS = 10_000;
/** From the last hello to the second look: what was needed only for connecting is given back (LM1). */
const SETTLE_MS = 6_000;
const QUICK_SETTLE_MS = 1_000;

interface Idler {
  readonly name: string;
  readonly key?: string;
  readonly target?: number;
  readonly count: number;
  readonly note: string;
  readonly peer?: boolean;
  readonly start: () => Promise<FreshServer>;
}

const peers = [
  { kind: mosquitto, note: 'MQTT without TLS' },
  { kind: aedes, note: 'MQTT without TLS, on Node where there is one' },
  { kind: socketIo, note: 'without TLS, on Node where there is one; pings once in ten minutes' },
];

/** Resident memory of the server per connected, silent, logged-in device. */
export const idle: Figure = {
  name: 'idle',
  async run(bench) {
    const [plain, secure] = bench.quick ? [1_500, 800] : [15_000, 8_000];
    await using open = await benchTown(bench);
    await using closed = await benchTown(bench, { tls: true, mcs: true });
    const own = async (door: 'ws' | 'wss' | 'mcs' | 'autopush'): Promise<Idler> => {
      const isPlain = door === 'ws' || door === 'autopush';
      const count = isPlain ? plain : secure;
      const start = await ownDoor(bench, isPlain ? open : closed, door, count + WARM);
      const target = isPlain ? 1_300 : 8_000;
      return { name: `Reveille, ${door}`, key: `idle.${door}.bytes`, target, count, note: '', start };
    };
    const idlers: Idler[] = [await own('ws'), await own('autopush'), await own('wss'), await own('mcs')];
    const bareIdler = async (
      name: string,
      count: number,
      ...kind: ['websocket' | 'socket', typeof open?]
    ) => {
      const start = await bare(bench, kind[0], count + WARM, kind[1]);
      idlers.push({ name, count, note: 'remembers nothing', start });
    };
    await bareIdler('Bun, a bare WebSocket', plain, 'websocket');
    await bareIdler('Bun, a bare WebSocket over TLS', secure, 'websocket', closed);
    await bareIdler('Bun, a bare TLS socket', secure, 'socket', closed);
    const missing: string[] = [];
    for (const { kind, note } of peers) {
      const program = kind.find() ?? undefined;
      if (program === undefined)
        missing.push(`${kind.name} was left out: it is not installed (${kind.origin}).`);
      else {
        const start = await idlePeer(bench, kind, program, plain + WARM);
        idlers.push({ name: kind.name, count: plain, note, peer: true, start });
      }
    }
    return await compare(bench, idlers, missing);
  },
};

async function compare(bench: Bench, all: readonly Idler[], missing: string[]): Promise<Outcome> {
  const contenders = all.map((one) => ({
    name: one.name,
    measure: () => bytesPerDevice(bench, one),
    ...(one.peer === true && { leftOut: (why: string) => void missing.push(why) }),
  }));
  const results = await interleave(bench.quick ? 2 : 3, contenders);
  const bytesOf = ({ name }: Pick<Idler, 'name'>) => median(results.get(name) ?? []);
  const idlers = all.filter(({ name }) => results.has(name));
  const ofMosquitto = bytesOf(mosquitto);
  const rows: Row[] = idlers.map((one) => ({
    name: one.name,
    cells: [String(one.count), bytesOf(one).toFixed(0)],
    bar: bytesOf(one),
    own: one.key !== undefined,
    note: one.note,
  }));
  const keys = idlers.flatMap((one): [string, Key][] => {
    const { key, target, count } = one;
    if (key === undefined || target === undefined) return [];
    const value = bytesOf(one);
    const lighter = count === all.find(({ name }) => name === mosquitto.name)?.count;
    const reached = lighter
      ? {
          text: `≤ ${target}, below Mosquitto's ${ofMosquitto.toFixed(0)}`,
          reached: value <= target && value < ofMosquitto,
        }
      : { text: `≤ ${target}`, reached: value <= target };
    return [[key, { value, unit: 'bytes', n: count, of: 'devices', target: reached }]];
  });
  const few =
    'With so few devices what a server grows by anyway counts for much: the full run is the figure.';
  return {
    title: 'Memory of an idle device',
    columns: ['devices', 'bytes each'],
    rows,
    unit: 'bytes of resident memory per connected device; less is better',
    keys: Object.fromEntries(keys),
    remarks: bench.quick ? [...missing, few] : missing,
    failed: 0,
  };
}

/** Starts a server, looks at its memory with few connections and with `count` more, and ends it and the clients. */
export async function bytesPerDevice(
  bench: Bench,
  { start, count }: Pick<Idler, 'start' | 'count'>,
): Promise<number> {
  const settleMs = bench.quick ? QUICK_SETTLE_MS : SETTLE_MS;
  const server = await start();
  const clients: Clients[] = [];
  try {
    clients.push(await connect(bench, { ...server.clients, from: 0, count: WARM }));
    await Bun.sleep(settleMs);
    const before = residentBytes(server.pid);
    for (let from = WARM; from < WARM + count; from += PER_PROCESS) {
      const some = Math.min(PER_PROCESS, WARM + count - from);
      clients.push(await connect(bench, { ...server.clients, from, count: some }));
    }
    await Bun.sleep(settleMs);
    return (residentBytes(server.pid) - before) / count;
  } finally {
    await Promise.all(clients.map((one) => one.end()));
    await server.stop();
  }
}

interface Clients {
  end(): Promise<void>;
}

/** Settles when all are connected. @throws Error with the output of the process when one is not. */
async function connect({ pinning }: Bench, order: IdleOrder): Promise<Clients> {
  const child = Bun.spawn([...pinning.load, process.execPath, CLIENTS, JSON.stringify(order)], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const { done } = await child.stdout.getReader().read();
  if (done) throw new Error(`clients did not connect: ${await new Response(child.stderr).text()}`);
  return {
    async end() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}
