import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Town } from '../../dev-env/town.ts';
import { runLoad } from '../children.ts';
import type { Bench, Figure, Key, Outcome, Row } from '../figure.ts';
import { benchTown, KEPT_PAYLOAD, keepForEach, listFile, whileDown } from '../full-town.ts';
import { registerDevices } from '../idle-servers.ts';
import type { Rate } from '../load/exchange.ts';
import { residentBytes } from '../processes.ts';
import { interleave, median } from '../rounds.ts';

const CONNECTIONS = 64;

interface Grown {
  readonly name: string;
  readonly channels: number;
  readonly town: Town;
  readonly channelsFile: string;
  /** Bytes on disk that the kept messages took, all together. */
  readonly diskBytes: number;
}

interface Look {
  readonly startSeconds: number;
  readonly perSecond: number;
  readonly bytes: number;
  readonly failed: number;
}

/** What a thousand times as many channels, each with a kept message, cost. */
export const growth: Figure = {
  name: 'growth',
  run: (bench) => measureGrowth(bench, bench.quick ? [100, 100_000] : [1_000, 1_000_000]),
};

/** The figure for a service with few channels and for one with many. */
export async function measureGrowth(
  bench: Bench,
  [few, many]: readonly [number, number],
  rounds = 3,
): Promise<Outcome> {
  await using small = await benchTown(bench);
  await using large = await benchTown(bench);
  const sizes = [await grow(bench, small, few), await grow(bench, large, many)] as const;
  const contenders = sizes.map((one) => ({ name: one.name, measure: () => look(bench, one) }));
  const results = await interleave(rounds, contenders);
  return outcome(sizes, results);
}

async function grow(bench: Bench, town: Town, channels: number): Promise<Grown> {
  const registered = await registerDevices(town, channels);
  const before = await diskBytes(town);
  await keepForEach(town, channels);
  await whileDown(town, (store) => store.prune());
  const after = await diskBytes(town);
  // In an order of chance: neighbours of the file would be read together.
  const ids = registered.map(({ channelId }) => channelId).sort(() => Math.random() - 0.5);
  const channelsFile = await listFile(bench, `channels-${channels}`, ids);
  const name = `Reveille, ${channels.toLocaleString('en-US')} channels`;
  return { name, channels, town, channelsFile, diskBytes: after - before };
}

/** Of the database alone: it has been closed, so nothing is in its log. */
async function diskBytes(town: Town): Promise<number> {
  await town.stop();
  const { size } = await stat(join(town.dataFolder, 'messages.db'));
  await town.startAgain();
  return size;
}

async function look(bench: Bench, { town, channelsFile }: Grown): Promise<Look> {
  await town.stop();
  const begin = performance.now();
  await town.startAgain();
  const startSeconds = (performance.now() - begin) / 1_000;
  const rate = await runLoad<Rate>(bench, 'bench/load/main.ts', {
    talk: { kind: 'reveille', token: await town.accessToken(), channelsFile },
    port: Number(new URL(town.origin).port),
    pid: town.pid,
    connections: CONNECTIONS,
    seconds: bench.quick ? 1 : 5,
    warmUpMs: bench.quick ? 500 : 1_500,
  });
  const { perSecond, failed } = rate;
  return { startSeconds, perSecond, failed, bytes: residentBytes(town.pid) };
}

function outcome(sizes: readonly [Grown, Grown], results: ReadonlyMap<string, readonly Look[]>): Outcome {
  const of = ({ name }: Grown, what: keyof Look) => median((results.get(name) ?? []).map((one) => one[what]));
  const [few, many] = sizes;
  const rows = sizes.map(
    (one): Row => ({
      name: one.name,
      cells: [
        of(one, 'perSecond').toFixed(0),
        (of(one, 'bytes') / 2 ** 20).toFixed(0),
        of(one, 'startSeconds').toFixed(2),
        (one.diskBytes / one.channels).toFixed(0),
        String(of(one, 'failed')),
      ],
      bar: of(one, 'perSecond'),
      own: true,
      note: 'a device and a kept message of 64 bytes on each',
    }),
  );
  const key = (value: number, unit: string, limit: number): Key => ({
    ...{ value, unit, n: many.channels, of: 'channels' },
    target: { text: `≤ ${limit}`, reached: value <= limit },
  });
  const more = many.channels - few.channels;
  const fall = (1 - of(many, 'perSecond') / of(few, 'perSecond')) * 100;
  return {
    title: 'Growing a thousandfold',
    columns: ['accepted per s', 'MiB resident', 's to start', 'bytes on disk each', 'failed'],
    rows,
    unit: 'messages accepted per second, 64 connections',
    keys: {
      'growth.acceptFall.percent': key(fall, '%', 20),
      'growth.memory.bytes': key((of(many, 'bytes') - of(few, 'bytes')) / more, 'bytes', 200),
      'growth.start.seconds': key(of(many, 'startSeconds'), 's', 3),
      'growth.disk.bytes': key(
        many.diskBytes / many.channels,
        'bytes',
        2 * Buffer.byteLength(KEPT_PAYLOAD) + 100,
      ),
    },
    remarks: [
      'Memory and disk are what a kept message takes. Memory: after the load, the difference of the two servers. Disk: the growth of the closed database after pruning; channels and devices were there before.',
    ],
    failed: [...results.values()].flat().reduce((sum, { failed }) => sum + failed, 0),
  };
}
