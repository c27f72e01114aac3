import type { Town } from '../../dev-env/town.ts';
import { CONNECT_PATH } from '../../protocol/wire.ts';
import { runLoad, startBare } from '../children.ts';
import type { Bench, Figure, Key, Outcome } from '../figure.ts';
import { benchTown, listFile } from '../full-town.ts';
import { registerDevices } from '../idle-servers.ts';
import type { Deliveries, DeliveryOrder } from '../load/deliveries.ts';
import { mosquitto } from '../peers/brokers.ts';
import type { PeerKind } from '../peers/peer.ts';
import { deliverers, startPeers } from '../peers/start-peers.ts';
import { interleave, median } from '../rounds.ts';

/** A load above this part of its core may be what limits. */
const LOAD_BUSY = 0.95;

/** How much is sent to whom. */
export interface Traffic {
  readonly devices: number;
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly rounds: number;
}

interface Delivering extends Pick<DeliveryOrder, 'port' | 'pid' | 'delivery'> {
  readonly name: string;
  readonly note: string;
  readonly durable?: boolean;
  readonly peer?: boolean;
}

const OWN = 'Reveille';
/** CPU of the service for one message, beside that of Mosquitto. */
const OF_MOSQUITTO = 1.2;

/** From the POST of a message to the confirm of its device, and the CPU that the server takes for one. */
export const e2e: Figure = {
  name: 'e2e',
  run: (bench) =>
    measureDeliveries(
      bench,
      bench.quick
        ? { devices: 100, perSecond: 200, warmUpSeconds: 0.5, seconds: 1.5, rounds: 2 }
        : { devices: 1_000, perSecond: 2_000, warmUpSeconds: 1, seconds: 10, rounds: 3 },
    ),
};

/** The figure with `traffic` for the service, the bare runtime and the peers. */
export async function measureDeliveries(
  bench: Bench,
  traffic: Traffic,
  kinds: readonly PeerKind[] = deliverers,
): Promise<Outcome> {
  await using town = await benchTown(bench);
  await using bare = await startBare(bench, 'bench/bare-delivery.ts');
  const { rounds, devices, ...pace } = traffic;
  const own = await ownDeliveries(bench, town, bare, devices);
  const { peers, remarks: missing, stop } = await startPeers(bench, kinds);
  try {
    const others = peers.flatMap(({ port, pid, version, delivery }): readonly Delivering[] => {
      if (delivery === undefined) return [];
      const { kind, name, ...more } = delivery;
      const target = { kind, devices, channels: devices };
      return [{ port, pid, ...more, name: `${name} (${version})`, peer: true, delivery: target }];
    });
    const all = [...own, ...others];
    const remarks = [...missing];
    const contenders = all.map(({ name, port, pid, delivery, peer }) => ({
      name,
      measure: () => {
        const order: DeliveryOrder = { ...pace, port, pid, delivery };
        return runLoad<Deliveries>(bench, 'bench/load/deliveries.ts', order);
      },
      ...(peer === true && { leftOut: (why: string) => void remarks.push(why) }),
    }));
    const results = await interleave(rounds, contenders);
    return outcome(
      traffic,
      all.filter(({ name }) => results.has(name)),
      results,
      remarks,
    );
  } finally {
    await stop();
  }
}

/** The service and the bare runtime, with the same devices. */
async function ownDeliveries(
  bench: Bench,
  town: Town,
  bare: { readonly port: number; readonly pid: number },
  devices: number,
): Promise<readonly Delivering[]> {
  const registered = await registerDevices(town, devices);
  const list = (name: string, what: 'hello' | 'channelId' | 'device') =>
    listFile(
      bench,
      name,
      registered.map((one) => one[what]),
    );
  const hellosFile = await list('hellos-e2e', 'hello');
  return [
    {
      name: OWN,
      port: Number(new URL(town.origin).port),
      pid: town.pid,
      delivery: {
        kind: 'reveille',
        path: CONNECT_PATH,
        token: await town.accessToken(),
        hellosFile,
        channelsFile: await list('channels-e2e', 'channelId'),
      },
      note: 'synced before it is sent; confirms kept; OAuth, ownership and quota checked',
    },
    {
      name: 'a bare Bun.serve with WebSocket',
      port: bare.port,
      pid: bare.pid,
      delivery: {
        kind: 'reveille',
        path: '/',
        token: 'none',
        hellosFile,
        channelsFile: await list('names-e2e', 'device'),
      },
      note: 'keeps nothing, checks nothing',
    },
  ];
}

function outcome(
  { devices, perSecond }: Traffic,
  all: readonly Delivering[],
  results: ReadonlyMap<string, readonly Deliveries[]>,
  missing: readonly string[],
): Outcome {
  const of = ({ name }: Pick<Delivering, 'name'>, what: keyof Deliveries) =>
    median((results.get(name) ?? []).map((one) => one[what]));
  const rows = all.map((one) => ({
    name: one.name,
    cells: [
      of(one, 'p50Ms').toFixed(2),
      of(one, 'p99Ms').toFixed(2),
      of(one, 'cpuEach').toFixed(1),
      `${Math.round(of(one, 'loadCpu') * 100)} %`,
      String(of(one, 'failed')),
    ],
    bar: of(one, 'p99Ms'),
    own: one.name === OWN,
    note: one.note,
  }));
  const key = (what: keyof Deliveries, unit: string, limit: number, than?: Than): Key => {
    const value = of({ name: OWN }, what);
    const reached = value <= limit && (than === undefined || value <= than.limit);
    const text = `≤ ${limit}${than === undefined ? '' : `, ${than.text} (${than.limit.toFixed(2)})`}`;
    return { value, unit, n: devices, of: `devices, ${perSecond} messages/s`, target: { text, reached } };
  };
  const durable = all.filter((one) => one.durable === true);
  const bestP99 = Math.min(...durable.map((one) => of(one, 'p99Ms')));
  const mosquittos = all.find(({ name }) => name.startsWith(mosquitto.name));
  const busy = all.filter((one) => of(one, 'loadCpu') > LOAD_BUSY);
  return {
    title: 'From POST to confirm',
    columns: ['p50 ms', 'p99 ms', 'µs CPU each', 'load CPU', 'failed'],
    rows,
    unit: 'milliseconds from the POST to the confirm, p99; less is better',
    keys: {
      'e2e.p50': key('p50Ms', 'ms', 2),
      'e2e.p99': key(
        'p99Ms',
        'ms',
        15,
        durable.length === 0 ? undefined : { limit: bestP99, text: 'no more than the best durable peer' },
      ),
      'cpu.perMessage': key(
        'cpuEach',
        'µs',
        60,
        mosquittos && { limit: OF_MOSQUITTO * of(mosquittos, 'cpuEach'), text: '1.2 × Mosquitto' },
      ),
    },
    remarks: [
      ...missing,
      'A device confirms at once; its confirm is timed when it is sent. PostgreSQL and Nchan are not asked to deliver: one takes a process for each device that listens, the other hears no confirm.',
      ...(perSecond < 1_000
        ? [
            'With so few messages the CPU for one says little: hardly two share a commit, and the code is cold.',
          ]
        : []),
      ...busy.map(({ name }) => `The load was the limit, not the server, of: ${name}.`),
    ],
    // What a peer loses stands in its row; it is no fault of the run.
    failed: all
      .filter(({ peer }) => peer !== true)
      .flatMap(({ name }) => results.get(name) ?? [])
      .reduce((sum, { failed }) => sum + failed, 0),
  };
}

interface Than {
  readonly limit: number;
  readonly text: string;
}
