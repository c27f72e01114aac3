import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BYTES_PER_MESSAGE, type Growth, mega, type Sample, type Soak, slopesOf } from './soak.ts';

const WIDTH = 860;
const PANEL = 190;
const LEFT = 90;
const RIGHT = 20;
const TOP = 36;

/** Writes `soak.md`, `soak.svg` and `soak.csv`. */
export async function writeSoak(folder: string, soak: Soak): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'soak.md'), soakMarkdown(soak));
  await writeFile(join(folder, 'soak.svg'), soakChart(soak.samples));
  const rows = soak.samples.map(({ seconds, accepted, resident, heap, disk }) =>
    [seconds.toFixed(1), accepted, resident, heap, disk].join(','),
  );
  await writeFile(
    join(folder, 'soak.csv'),
    `${['seconds,accepted,resident,heap,disk', ...rows].join('\n')}\n`,
  );
}

/** The verdict in one line, as it is printed and kept. */
export function soakVerdict({ counts, lost, resident, heap, well }: Soak): string {
  const slopes = `resident ${perHour(resident)}, heap ${perHour(heap)}`;
  return `${well ? 'flat' : 'NOT WELL'}: accepted ${counts.accepted}, lost ${lost}, failed ${counts.failed}; ${slopes}`;
}

function perHour({ bytesPerHour, errorPerHour, bytesPerMessage }: Growth): string {
  const kilo = (bytes: number) => Math.round(bytes / 1_024);
  return `${kilo(bytesPerHour)} ± ${kilo(errorPerHour)} kB/h (${bytesPerMessage.toFixed(2)} B a message)`;
}

function soakMarkdown(soak: Soak): string {
  const { machine, options, counts, samples, cpuPerMessage } = soak;
  const { cpu, cores, memoryGiB, system, kernel, disk, bun, reveille, date, loadBefore } = machine;
  const last = samples.at(-1);
  const peak = Math.max(...samples.map(({ resident }) => resident));
  const minutes = Math.round((last?.seconds ?? 0) / 60);
  const done = Object.entries(counts).map(([what, count]) => `| ${what} | ${count} |`);
  return `# Soak: ${minutes} minutes at ${options.perSecond} messages a second

Reveille ${reveille} on Bun ${bun}, ${date.slice(0, 16)}Z; ${system}, Linux ${kernel}; ${cpu}, ${cores} cores, ${memoryGiB} GiB;
data ${disk}; load of the machine before the run ${loadBefore.toFixed(1)}.

**${soakVerdict(soak)}**

The slope is a straight line by least squares through the second half of ${samples.length} samples, ± its standard error.
Flat is what takes on less than ${BYTES_PER_MESSAGE} bytes for each message: not even one pointer is left of it.

![Resident memory and heap over the run](soak.svg)

| | |
|---|---:|
${done.join('\n')}
| resident at the end | ${mega(last?.resident ?? 0)} |
| resident at most | ${mega(peak)} |
| heap at the end | ${mega(last?.heap ?? 0)} |
| data folder at the end | ${mega(last?.disk ?? 0)} |
| CPU for each message, all work of the server | ${Math.round(cpuPerMessage * 1e6)} µs |

The load is 40 channels with a device each, single messages, multicasts, pushes to a browser that acknowledges, failing handlers, devices that
go and come back, subscriptions made and ended, pages, and senders with a wrong token. The samples are in \`soak.csv\`.
`;
}

/** Two curves over time, each with the line that was fitted. */
export function soakChart(samples: readonly Sample[]): string {
  const height = TOP + 2 * PANEL + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Memory of the server over time" font-family="system-ui, sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="24" font-size="16" font-weight="600" fill="#212529">Memory of the server over time, and the line through its second half</text>
${panel(samples, 'resident', 'resident', TOP)}
${panel(samples, 'heap', 'heap', TOP + PANEL)}
</svg>
`;
}

function panel(samples: readonly Sample[], of: 'resident' | 'heap', name: string, top: number): string {
  const longest = Math.max(1, samples.at(-1)?.seconds ?? 1);
  const highest = Math.max(1, ...samples.map((sample) => sample[of])) * 1.1;
  const bottom = top + PANEL - 34;
  const x = (seconds: number) => (LEFT + (seconds / longest) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (bytes: number) => (bottom - (bytes / highest) * (PANEL - 50)).toFixed(1);
  const { byTime, from } = slopesOf(samples, of);
  const line = (seconds: number) => `${x(seconds)},${y(byTime.atZero + byTime.perUnit * seconds)}`;
  const grid = [0, 0.5, 1].map((part) => {
    const bytes = part * highest;
    return `<path d="M${LEFT} ${y(bytes)}H${WIDTH - RIGHT}" stroke="#dee2e6"/><text x="${LEFT - 8}" y="${Number(y(bytes)) + 4}" text-anchor="end" fill="#495057">${mega(bytes)}</text>`;
  });
  const points = samples.map((sample) => `${x(sample.seconds)},${y(sample[of])}`).join(' ');
  return `${grid.join('')}
<text x="${LEFT}" y="${bottom + 18}" fill="#495057">${name}, over ${(longest / 60).toFixed(0)} minutes</text>
<polyline points="${points}" fill="none" stroke="#748ffc"/>
<polyline points="${line(from)} ${line(longest)}" fill="none" stroke="#d9480f" stroke-width="2"/>`;
}
