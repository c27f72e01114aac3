import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Town, type TownOptions } from '../dev-env/town.ts';
import { isAppId } from '../protocol/app-id.ts';
import { limits, retentionMs } from '../protocol/limits.ts';
import { systemClock } from '../server/core/clock.ts';
import type { Store } from '../server/core/store.ts';
import { openSqliteStore } from '../server/stores/sqlite/store.ts';
import type { Bench } from './figure.ts';

/** 64 bytes. */
export const KEPT_PAYLOAD: string = 'a message that waits until its device is there'.padEnd(64, '.');
/** So many writes share a commit. */
const AT_ONCE = 5_000;

/** Does `work` for each number below `count`, many at a time. */
export async function inBatches<Result>(
  count: number,
  work: (number: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - from);
    results.push(...(await Promise.all(Array.from({ length }, (_, at) => work(from + at)))));
  }
  return results;
}

/** Writes into a town's store while its server is down. */
export async function whileDown<Result>(
  town: Town,
  fill: (store: Store) => Promise<Result>,
): Promise<Result> {
  await town.stop();
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  const store = await openSqliteStore({
    folder: town.dataFolder,
    clock: systemClock,
    random,
    devicesPerChannel: limits.devicesPerChannelMax,
  });
  const result = await fill(store);
  await store.close();
  await town.startAgain();
  return result;
}

/** Keeps a message on each of the channels that `registerDevices` opened, while the server is down. */
export async function keepForEach(town: Town, count: number): Promise<void> {
  const app = town.seed.app.id;
  if (!isAppId(app)) throw new Error('the seed has no app');
  const rest = {
    project: town.seed.project.id,
    dailyQuota: 0,
    quotaDay: new Date().toISOString().slice(0, 10),
  };
  await whileDown(town, (store) =>
    inBatches(count, async (number) => {
      const { key } = await store.openChannel(`user-${number}`, app);
      const payload = KEPT_PAYLOAD;
      await store.keep({ channel: key, slot: '0', payload, expiresAt: Date.now() + retentionMs, ...rest });
    }),
  );
}

/** How many of the devices of `registerDevices` have something waiting. */
export async function stillWaiting(town: Town, count: number): Promise<number> {
  const waiting = await whileDown(town, (store) =>
    inBatches(count, async (number) => {
      const device = await store.findDevice(`device-${number}`);
      return device === undefined || (await store.missed(device.key, 1)).kept.length > 0;
    }),
  );
  return waiting.filter((waits) => waits).length;
}

/** A server on its core, without a quota. */
export function benchTown({ pinning }: Bench, options: TownOptions = {}): Promise<Town> {
  return Town.start({
    dailyQuota: 0,
    under: pinning.server,
    flags: ['--log-level', 'warn'],
    ...options,
  });
}

/** A file with a line for each of `lines`, for a load. */
export async function listFile({ folder }: Bench, name: string, lines: readonly string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, lines.join('\n'));
  return file;
}

/** Channels of as many users. Answers a file with one id in each line. */
export async function withChannels(town: Town, bench: Bench, count: number): Promise<string> {
  const app = town.seed.app.id;
  if (!isAppId(app)) throw new Error('the seed has no app');
  const ids = await whileDown(town, (store) =>
    inBatches(count, async (number) => (await store.openChannel(`user-${number}`, app)).id),
  );
  return await listFile(bench, 'channels', ids);
}
