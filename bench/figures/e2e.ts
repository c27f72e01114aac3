import { CONNECT_PATH } from '../../protocol/wire.ts';
import { runLoad, startBare } from '../children.ts';
import type { Bench, Figure, Key, Outcome } from '../figure.ts';
import { benchTown, listFile } from '../full-town.ts';
import { registerDevices } from '../idle-servers.ts';
import type { Deliveries, DeliveryOrder } from '../load/deliveries.ts';
import { interleave, median } from '../rounds.ts';

/** A load above this part of its core may be what limits. */
const LOAD_BUSY = 0.95;

/** How much is sent to whom. */
export interface Traffic {
  readonly devices: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly rounds: number;
}

type Server = Pick<DeliveryOrder, 'port' | 'path' | 'token' | 'pid' | 'channelsFile'>;

/** From the POST of a message to the confirm of its device, and the CPU that the server takes for one. */
export const e2e: Figure = {
  name: 'e2e',
  run: (bench) =>
    measureDeliveries(
      bench,
      bench.quick
        ? { devices: 100, perSecond: 200, seconds: 3, rounds: 3 }
        : { devices: 1_000, perSecond: 2_000, seconds: 10, rounds: 5 },
    ),
};

/** The figure with `traffic` for the service and for the bare runtime. */
export async function measureDeliveries(bench: Bench, traffic: Traffic): Promise<Outcome> {
  await using town = await benchTown(bench);
  const registered = await registerDevices(town, traffic.devices);
  const list = (name: string, what: 'hello' | 'channelId' | 'device') =>
    listFile(
      bench,
      name,
      registered.map((one) => one[what]),
    );
  const hellosFile = await list('hellos-e2e', 'hello');
  const own: Server = {
    port: Number(new URL(town.origin).port),
    path: CONNECT_PATH,
    token: await town.accessToken(),
    pid: town.pid,
    channelsFile: await list('channels-e2e', 'channelId'),
  };
  await using started = await startBare(bench, 'bench/bare-delivery.ts');
  const bare: Server = {
    port: started.port,
    path: '/',
    token: 'none',
    pid: started.pid,
    channelsFile: await list('names-e2e', 'device'),
  };
  const { rounds, devices: _devices, ...pace } = traffic;
  const measure = (server: Server) => () => {
    const order: DeliveryOrder = { ...pace, ...server, hellosFile, warmUpSeconds: 1 };
    return runLoad<Deliveries>(bench, 'bench/load/deliveries.ts', order);
  };
  const results = await interleave(rounds, [
    { name: 'Reveille', measure: measure(own) },
    { name: 'a bare Bun.serve with WebSocket', measure: measure(bare) },
  ]);
  return outcome(traffic, results);
}

function outcome(traffic: Traffic, results: ReadonlyMap<string, readonly Deliveries[]>): Outcome {
  const { devices, perSecond } = traffic;
  const of = (name: string, what: keyof Deliveries) =>
    median((results.get(name) ?? []).map((one) => one[what]));
  const rows = [...results.keys()].map((name) => ({
    name,
    cells: [
      of(name, 'p50Ms').toFixed(2),
      of(name, 'p99Ms').toFixed(2),
      of(name, 'cpuEach').toFixed(1),
      `${Math.round(of(name, 'loadCpu') * 100)} %`,
      String(of(name, 'failed')),
    ],
    bar: of(name, 'p99Ms'),
    own: name === 'Reveille',
    note: name === 'Reveille' ? 'synced before it is sent; confirms kept' : 'keeps nothing, checks nothing',
  }));
  const key = (what: keyof Deliveries, unit: string, limit: number): Key => {
    const value = of('Reveille', what);
    const target = { text: `≤ ${limit}`, reached: value <= limit };
    return { value, unit, n: devices, of: `devices, ${perSecond} messages/s`, target };
  };
  const busy = [...results.keys()].filter((name) => of(name, 'loadCpu') > LOAD_BUSY);
  return {
    title: 'From POST to confirm',
    columns: ['p50 ms', 'p99 ms', 'µs CPU each', 'load CPU', 'failed'],
    rows,
    unit: 'milliseconds from the POST to the confirm, p99; less is better',
    keys: {
      'e2e.p50': key('p50Ms', 'ms', 2),
      'e2e.p99': key('p99Ms', 'ms', 15),
      'cpu.perMessage': key('cpuEach', 'µs', 60),
    },
    remarks: [
      'A device confirms at once; its confirm is timed when it is sent. Brokers were not measured here.',
      ...(perSecond < 1_000
        ? [
            'With so few messages the CPU for one says little: hardly two share a commit, and the code is cold.',
          ]
        : []),
      ...busy.map((name) => `The load was the limit, not the server, of: ${name}.`),
    ],
    failed: [...results.values()].flat().reduce((sum, { failed }) => sum + failed, 0),
  };
}
