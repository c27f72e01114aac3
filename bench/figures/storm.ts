import { CONNECT_PATH } from '../../protocol/wire.ts';
import { runLoad, startBare } from '../children.ts';
import type { Bench, Figure, Outcome, Row } from '../figure.ts';
import { benchTown, keepForEach, listFile, stillWaiting } from '../full-town.ts';
import { registerDevices } from '../idle-servers.ts';
import type { Storm, StormOrder } from '../load/storm.ts';
import { interleave, median } from '../rounds.ts';

const BARE = 'a bare Bun.serve with WebSocket';
const PER_SECOND = 100;

/** How many devices come back, how often. */
export interface Return {
  readonly devices: number;
  readonly rounds: number;
}

type Drained = Storm & { readonly failed: number };

/** All devices come back after a restart, each with a kept message. */
export const storm: Figure = {
  name: 'storm',
  run: (bench) => measureStorm(bench, { devices: bench.quick ? 1_500 : 15_000, rounds: 3 }),
};

/** The figure with so many devices, for the service and the bare runtime. */
export async function measureStorm(bench: Bench, { devices, rounds }: Return): Promise<Outcome> {
  await using town = await benchTown(bench);
  const registered = await registerDevices(town, devices);
  const hellosFile = await listFile(
    bench,
    'hellos-storm',
    registered.map(({ hello }) => hello),
  );
  await using bare = await startBare(bench, 'bench/bare-delivery.ts', 'waiting');
  const shared = { hellosFile, channelId: town.seed.channel_id, perSecond: PER_SECOND };
  const run = (order: StormOrder) => runLoad<Storm>(bench, 'bench/load/storm.ts', order);
  const results = await interleave(rounds, [
    {
      name: 'Reveille',
      async measure(): Promise<Drained> {
        await keepForEach(town, devices);
        const port = Number(new URL(town.origin).port);
        const token = await town.accessToken();
        const storm = await run({ ...shared, port, token, path: CONNECT_PATH });
        return { ...storm, failed: await stillWaiting(town, devices) };
      },
    },
    {
      name: BARE,
      async measure(): Promise<Drained> {
        return { ...(await run({ ...shared, port: bare.port, token: 'none', path: '/' })), failed: 0 };
      },
    },
  ]);
  return outcome(devices, results);
}

function outcome(devices: number, results: ReadonlyMap<string, readonly Drained[]>): Outcome {
  const of = (name: string, what: keyof Drained) => median((results.get(name) ?? []).map((one) => one[what]));
  const rows = [...results.keys()].map(
    (name): Row => ({
      name,
      cells: [
        of(name, 'seconds').toFixed(2),
        of(name, 'acceptP99Ms').toFixed(1),
        `${Math.round(of(name, 'loadCpu') * 100)} %`,
        String(of(name, 'failed')),
      ],
      bar: of(name, 'seconds'),
      own: name === 'Reveille',
      note:
        name === 'Reveille' ? 'messages read from the store, confirms kept' : 'keeps nothing, checks nothing',
    }),
  );
  const key = (what: keyof Drained, unit: string, limit: number, text: string) => {
    const value = of('Reveille', what);
    const target = { text: `${text} ${limit}`, reached: value <= limit };
    return { value, unit, n: devices, of: 'devices', target };
  };
  return {
    title: 'All devices come back',
    columns: ['seconds', 'accepting, p99 ms', 'load CPU', 'failed'],
    rows,
    unit: 'seconds until the last device has its message; less is better',
    keys: {
      'storm.seconds': key('seconds', 's', 10, '≤'),
      'storm.accept.p99': key('acceptP99Ms', 'ms', 100, '<'),
    },
    remarks: [
      `The server has just started; the time runs from the first connection. Meanwhile a sender sends ${PER_SECOND} messages a second. Afterwards the store is asked: a message that still waits counts as failed.`,
    ],
    failed: [...results.values()].flat().reduce((sum, { failed }) => sum + failed, 0),
  };
}
