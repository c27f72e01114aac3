import { join } from 'node:path';
import { makeTestCertificate } from '../../dev-env/certificates.ts';
import { chromiumPath, firefoxPath } from '../../dev-env/installed-browsers.ts';
import type { Town } from '../../dev-env/town.ts';
import { runLoad, startBare } from '../children.ts';
import type { Bench, Figure, Key, Outcome, Row } from '../figure.ts';
import { benchTown } from '../full-town.ts';
import type { Passage, PushSockets, PushSocketsOrder } from '../load/push-sockets.ts';
import { plainSyncs } from '../plain-sync.ts';
import { interleave, median } from '../rounds.ts';
import { chromiumAt, firefoxAt, type Sleeper } from '../wakes.ts';

/** How often a worker is woken in each browser, and how many pushes go to plain sockets. */
export interface Wakes {
  readonly wakes: number;
  readonly pushes: number;
  /** Pushes to plain sockets that are not counted. */
  readonly warmUp: number;
}

const browsers = { firefox: firefoxPath, chromium: chromiumPath } as const;
type BrowserName = keyof typeof browsers;

/** Milliseconds of each wake-up of the same browser, with the service and with a bare responder. */
interface Woken {
  readonly own: readonly number[];
  readonly bare: readonly number[];
  readonly lost: number;
}

const OF_BARE = 1.1;
const SERVER_MS = 2;
/** A worker that the browser started by itself shows nothing of a wake-up; so often it is tried again. */
const TRIES = 5;

/** Then the code is warm, and the log of the database is as long as it gets (docs/decisions/0252). */
const WARM_UP = 1_000;

/** From the POST of a push to the handler of a worker that was stopped. */
export const wake: Figure = {
  name: 'wake',
  run: (bench) =>
    measureWakes(bench, {
      ...(bench.quick ? { wakes: 5, pushes: 200 } : { wakes: 30, pushes: 2_000 }),
      warmUp: WARM_UP,
    }),
};

/** The figure for the browsers that are installed. */
export async function measureWakes(bench: Bench, size: Wakes): Promise<Outcome> {
  await using town = await benchTown(bench, { mcs: true, seeded: false });
  const { port, ca } = await town.mcsDoor();
  const order: PushSocketsOrder = {
    origin: town.origin,
    mcsPort: port,
    ca,
    pushes: size.pushes,
    warmUp: size.warmUp,
  };
  const sockets = await runLoad<PushSockets>(bench, 'bench/load/push-sockets.ts', order);
  const plain = plainSyncs(bench.folder);
  const woken = new Map<BrowserName, Woken>();
  const remarks = [
    `Part of the server's time is the disk's: a write of 20 kB and its sync, without any server, took ${plain.p50Ms.toFixed(2)} ms at p50 and ${plain.p99Ms.toFixed(2)} ms at p99 in this run.`,
  ];
  for (const name of ['firefox', 'chromium'] as const) {
    const missing = whyMissing(name);
    if (missing !== undefined) remarks.push(`${name} was left out: ${missing}`);
    else woken.set(name, await (name === 'firefox' ? wakeFirefox : wakeChromium)(bench, town, size.wakes));
  }
  return outcome(size, woken, sockets, remarks);
}

function whyMissing(name: BrowserName): string | undefined {
  try {
    browsers[name]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function wakeFirefox(bench: Bench, town: Town, wakes: number): Promise<Woken> {
  await using responder = await startBare(bench, 'bench/bare-autopush.ts');
  await using own = await firefoxAt(town.origin);
  await using bare = await firefoxAt(`http://127.0.0.1:${responder.port}`);
  return await wakeInTurns(own, bare, wakes);
}

async function wakeChromium(bench: Bench, town: Town, wakes: number): Promise<Woken> {
  const { certFile, keyFile, spkiHash } = await makeTestCertificate(join(bench.folder, 'bare'));
  await using responder = await startBare(bench, 'bench/bare-mcs.ts', certFile, keyFile);
  const origin = `http://127.0.0.1:${responder.port}`;
  const mcsPort = await (await fetch(origin)).text();
  const flags = [
    `--gcm-checkin-url=${origin}/checkin`,
    `--gcm-registration-url=${origin}/register3`,
    `--gcm-mcs-endpoint=https://127.0.0.1:${mcsPort}`,
    `--ignore-certificate-errors-spki-list=${spkiHash}`,
    ...town.fenceFlags,
  ];
  await using own = await chromiumAt(town.origin, town.chromiumFlags, join(bench.folder, 'own'));
  await using bare = await chromiumAt(origin, flags, join(bench.folder, 'responder'));
  return await wakeInTurns(own, bare, wakes);
}

async function wakeInTurns(own: Sleeper, bare: Sleeper, wakes: number): Promise<Woken> {
  // The first wake-up of a browser is its slowest, and not counted.
  await own.wake();
  await bare.wake();
  const results = await interleave(wakes, [
    { name: 'own', measure: () => wakeOnce(own) },
    { name: 'bare', measure: () => wakeOnce(bare) },
  ]);
  const of = (name: string) => results.get(name) ?? [];
  const came = (name: string) => of(name).filter((ms) => ms !== undefined);
  const [ownMs, bareMs] = [came('own'), came('bare')];
  return { own: ownMs, bare: bareMs, lost: 2 * wakes - ownMs.length - bareMs.length };
}

/** Milliseconds; undefined when none came or the worker never slept. */
async function wakeOnce(sleeper: Sleeper): Promise<number | undefined> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const result = await sleeper.wake();
    if (result === 'lost') return undefined;
    if (result !== 'ran') return result;
  }
  return undefined;
}

function outcome(
  { wakes, pushes }: Pick<Wakes, 'wakes' | 'pushes'>,
  woken: ReadonlyMap<BrowserName, Woken>,
  sockets: PushSockets,
  remarks: readonly string[],
): Outcome {
  const measured = [...woken];
  return {
    title: 'From the POST to the handler of a stopped worker',
    columns: ['total ms, median', 'total ms, worst', 'in the server ms, p50', 'in the server ms, p99'],
    rows: measured.flatMap(([name, result]) => rowsOf(name, result, sockets[name])),
    unit: 'milliseconds from the POST to the handler, median; less is better',
    keys: Object.assign(
      {},
      ...measured.map(([name, result]) => keysOf(name, result, sockets[name], { wakes, pushes })),
    ),
    remarks: [
      ...remarks,
      'The worker of a page that no tab shows is stopped before each push, and says when it was started. Service and responder take turns, each with a browser of its own that stays open.',
      'In the server: from before the POST is written until a plain socket in the place of the browser has read the push, so with the way there and back and with the sync.',
    ],
    failed: measured.reduce((sum, [, { lost }]) => sum + lost, 0),
  };
}

function rowsOf(name: BrowserName, { own, bare }: Woken, passage: Passage): readonly Row[] {
  const times = (all: readonly number[]) => [median(all).toFixed(0), Math.max(...all).toFixed(0)];
  const spent = [passage.p50Ms.toFixed(2), passage.p99Ms.toFixed(2)];
  return [
    {
      name: `Reveille, ${name}`,
      cells: [...times(own), ...spent],
      bar: median(own),
      own: true,
      note: 'synced before it is answered, kept until it is acknowledged',
    },
    {
      name: `a bare responder, ${name}`,
      cells: [...times(bare), '', ''],
      bar: median(bare),
      own: false,
      note: 'hands on what is posted; keeps nothing, checks nothing',
    },
  ];
}

function keysOf(
  name: BrowserName,
  { own, bare }: Woken,
  { p99Ms }: Passage,
  { wakes, pushes }: Pick<Wakes, 'wakes' | 'pushes'>,
): Readonly<Record<string, Key>> {
  const of = 'wake-ups';
  const ratio = median(own) / median(bare);
  const atMost = (limit: number, value: number) => ({ text: `≤ ${limit}`, reached: value <= limit });
  return {
    [`wake.${name}.ms`]: { value: median(own), unit: 'ms', n: wakes, of },
    [`wake.${name}.ofBare`]: { value: ratio, unit: '×', n: wakes, of, target: atMost(OF_BARE, ratio) },
    [`wake.${name}.server.p99`]: {
      value: p99Ms,
      unit: 'ms',
      n: pushes,
      of: 'pushes',
      target: atMost(SERVER_MS, p99Ms),
    },
  };
}
