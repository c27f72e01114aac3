import { readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMachine, type Machine } from '../bench/machine.ts';
import { cpuSeconds } from '../bench/processes.ts';
import { Town } from '../dev-env/town.ts';
import { fitLine, type Slope } from './slope.ts';
import { type LoadCounts, SoakLoad } from './soak-load.ts';

/** The first half of a run warms up: code is compiled, and caches fill to their limits, which took 20 minutes at 150 messages a second. */
const WARM_UP = 0.5;
const HOUR = 3_600_000;
/** Below this a run has kept not even one pointer of each message. */
export const BYTES_PER_MESSAGE = 8;
const SAMPLES = 240;
const SHORTEST_SAMPLE_MS = 250;
/** Samples from one word to the reader to the next. */
const TOLD_EACH = 12;

export interface SoakOptions {
  readonly minutes: number;
  readonly perSecond: number;
}

/** The server at one moment; bytes, but `seconds` since the load began. */
export interface Sample {
  readonly seconds: number;
  readonly accepted: number;
  readonly resident: number;
  readonly heap: number;
  readonly disk: number;
}

export interface Growth {
  readonly bytesPerHour: number;
  readonly errorPerHour: number;
  readonly bytesPerMessage: number;
}

export interface Soak {
  readonly machine: Machine;
  readonly options: SoakOptions;
  readonly counts: LoadCounts;
  readonly lost: number;
  readonly complaints: readonly string[];
  readonly cpuPerMessage: number;
  readonly samples: readonly Sample[];
  readonly resident: Growth;
  readonly heap: Growth;
  /** Nothing lost or failed, and neither memory grew by BYTES_PER_MESSAGE. */
  readonly well: boolean;
}

export interface SoakEars {
  tell(line: string): void;
  /** Hears from time to time how it stands, so that a run that is cut off is not for nothing. */
  keep(soFar: Soak): Promise<void>;
}

/** The real server in its own process under a steady load, its memory looked at until the time is up. */
export async function soak(options: SoakOptions, { tell, keep }: SoakEars): Promise<Soak> {
  const machine = await describeMachine(tmpdir());
  await using town = await Town.start({ dailyQuota: 0, flags: ['--log-level', 'warn'] });
  const load = await SoakLoad.start(town);
  const began = Date.now();
  const cpuBefore = cpuSeconds(town.pid);
  const samples: Sample[] = [];
  const soFar = () => verdictOf(machine, options, load, cpuSeconds(town.pid) - cpuBefore, samples);
  const look = async () => {
    const memory = await memoryOf(town);
    const seconds = (Date.now() - began) / 1_000;
    const { accepted } = load.counts;
    samples.push({ seconds, accepted, ...memory });
    if (samples.length % TOLD_EACH !== 0) return;
    const { resident, heap } = memory;
    tell(`${Math.round(seconds)} s: ${accepted} messages, resident ${mega(resident)}, heap ${mega(heap)}`);
    await keep(soFar());
  };
  const sampleMs = Math.max(SHORTEST_SAMPLE_MS, (options.minutes * 60_000) / SAMPLES);
  const timer = setInterval(() => void look().catch((error) => tell(String(error))), sampleMs);
  await load.run(options.perSecond, began + options.minutes * 60_000);
  clearInterval(timer);
  await load.settle();
  const verdict = soFar();
  load.close();
  await keep(verdict);
  return verdict;
}

function verdictOf(
  machine: Machine,
  options: SoakOptions,
  { counts, lost, complaints }: SoakLoad,
  cpu: number,
  samples: readonly Sample[],
): Soak {
  const resident = growthOf(samples, 'resident');
  const heap = growthOf(samples, 'heap');
  const flat = [resident, heap].every(({ bytesPerMessage }) => bytesPerMessage < BYTES_PER_MESSAGE);
  const well = flat && lost === 0 && counts.failed === 0;
  const cpuPerMessage = cpu / counts.accepted;
  return {
    machine,
    options,
    counts: { ...counts },
    lost,
    complaints,
    cpuPerMessage,
    samples,
    resident,
    heap,
    well,
  };
}

/** What memory took on in the second half, by time and by message. */
export function growthOf(samples: readonly Sample[], of: 'resident' | 'heap'): Growth {
  const { byTime, byMessage } = slopesOf(samples, of);
  return {
    bytesPerHour: byTime.perUnit * (HOUR / 1_000),
    errorPerHour: byTime.error * (HOUR / 1_000),
    bytesPerMessage: byMessage.perUnit,
  };
}

/** The lines through what counts, for the chart too. */
export function slopesOf(
  samples: readonly Sample[],
  of: 'resident' | 'heap',
): { readonly byTime: Slope; readonly byMessage: Slope; readonly from: number } {
  const from = Math.floor(samples.length * WARM_UP);
  const counting = samples.slice(from);
  return {
    byTime: fitLine(counting.map((sample) => [sample.seconds, sample[of]] as const)),
    byMessage: fitLine(counting.map((sample) => [sample.accepted, sample[of]] as const)),
    from: counting[0]?.seconds ?? 0,
  };
}

async function memoryOf(town: Town): Promise<Pick<Sample, 'resident' | 'heap' | 'disk'>> {
  const text = await (await town.fetch('/metrics')).text();
  const figure = (name: string) => {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`/metrics has no ${name}`);
    return Number(value);
  };
  const files = readdirSync(town.dataFolder, { recursive: true, withFileTypes: true });
  const disk = files
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  return {
    resident: figure('process_resident_memory_bytes'),
    heap: figure('process_heap_bytes'),
    disk,
  };
}

/** In MiB, for a reader. */
export const mega = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
