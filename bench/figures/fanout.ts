import { CONNECT_PATH } from '../../protocol/wire.ts';
import { runLoad, startBare } from '../children.ts';
import type { Bench, Figure, Outcome, Row } from '../figure.ts';
import { benchTown, listFile } from '../full-town.ts';
import { registerDevices } from '../idle-servers.ts';
import type { Fanout, FanoutOrder } from '../load/fanout.ts';
import { interleave, median } from '../rounds.ts';

const BARE = "the bare runtime's send loop";

/** How many devices have one channel, and how many messages are sent to it in a round. */
export interface Crowd {
  readonly devices: number;
  readonly messages: number;
  readonly rounds: number;
}

/** One message to all the devices of one channel. */
export const fanout: Figure = {
  name: 'fanout',
  run: (bench) =>
    measureFanout(
      bench,
      bench.quick
        ? { devices: 1_000, messages: 10, rounds: 3 }
        : { devices: 10_000, messages: 10, rounds: 5 },
    ),
};

/** The figure with a `crowd`, for the service and the bare runtime. */
export async function measureFanout(bench: Bench, crowd: Crowd): Promise<Outcome> {
  const { devices, messages, rounds } = crowd;
  await using town = await benchTown(bench, {
    flags: ['--log-level', 'warn', '--devices-per-channel', String(devices)],
  });
  const registered = await registerDevices(town, devices, { channels: 1 });
  const hellosFile = await listFile(
    bench,
    'hellos-fanout',
    registered.map(({ hello }) => hello),
  );
  const channelId = registered[0]?.channelId ?? '';
  const own: FanoutOrder = {
    port: Number(new URL(town.origin).port),
    path: CONNECT_PATH,
    token: await town.accessToken(),
    pid: town.pid,
    ...{ channelId, hellosFile, messages },
  };
  await using bare = await startBare(bench, 'bench/bare-fanout.ts');
  const other: FanoutOrder = { ...own, port: bare.port, path: '/', token: 'none', pid: bare.pid };
  const measure = (order: FanoutOrder) => () => runLoad<Fanout>(bench, 'bench/load/fanout.ts', order);
  const results = await interleave(rounds, [
    { name: 'Reveille', measure: measure(own) },
    { name: BARE, measure: measure(other) },
  ]);
  return outcome(crowd, results);
}

function outcome({ devices }: Crowd, results: ReadonlyMap<string, readonly Fanout[]>): Outcome {
  const of = (name: string, what: keyof Fanout) => median((results.get(name) ?? []).map((one) => one[what]));
  const rows = [...results.keys()].map(
    (name): Row => ({
      name,
      cells: [
        of(name, 'perSecond').toFixed(0),
        of(name, 'lastMs').toFixed(1),
        of(name, 'cpuEach').toFixed(1),
        of(name, 'cpuConfirmed').toFixed(1),
        `${Math.round(of(name, 'loadCpu') * 100)} %`,
        String(of(name, 'failed')),
      ],
      bar: of(name, 'perSecond'),
      own: name === 'Reveille',
      note:
        name === 'Reveille' ? 'synced before it is sent; confirms kept' : 'keeps nothing; hears no confirm',
    }),
  );
  const perSecond = of('Reveille', 'perSecond');
  const ofRaw = perSecond / of(BARE, 'perSecond');
  const target = (limit: number, value: number) => ({ text: `≥ ${limit}`, reached: value >= limit });
  const n = { n: devices, of: 'devices of one channel' };
  return {
    title: 'One message to all devices of a channel',
    columns: ['deliveries per s', 'ms to the last', 'µs CPU each', 'with its confirm', 'load CPU', 'failed'],
    rows,
    unit: 'deliveries per second',
    keys: {
      'fanout.perSecond': {
        value: perSecond,
        unit: 'deliveries/s',
        ...n,
        target: target(150_000, perSecond),
      },
      'fanout.ofRaw': { value: ofRaw, unit: 'ratio', ...n, target: target(0.7, ofRaw) },
    },
    remarks: [
      'Timed from the POST until the last device has the message, one message after the other, by devices that confirm only after that; what a confirm costs stands beside.',
    ],
    failed: [...results.values()].flat().reduce((sum, { failed }) => sum + failed, 0),
  };
}
