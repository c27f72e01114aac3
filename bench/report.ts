import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { barChart } from './chart.ts';
import type { Key, Outcome } from './figure.ts';
import type { Machine } from './machine.ts';

export interface Report {
  readonly machine: Machine;
  readonly pinned: string;
  readonly quick: boolean;
  readonly figures: Readonly<Record<string, Outcome>>;
}

/** The table of a figure, its keys and remarks, in Markdown. */
export function markdown({ title, columns, rows, keys, remarks }: Outcome): string {
  const lines = [
    `## ${title}`,
    '',
    line(['', ...columns, 'what it does and does not']),
    `|---|${columns.map(() => '---:|').join('')}---|`,
    ...rows.map(({ name, cells, own, note }) => line([own ? `**${name}**` : name, ...cells, note])),
    '',
    line(['key', 'value', 'n', 'target', 'reached']),
    '|---|---:|---:|---|---|',
    ...Object.entries(keys).map(keyLine),
    '',
    ...remarks.map((remark) => `- ${remark.replaceAll('\n', ' ').trim()}`),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function keyLine([name, { value, unit, n, of, target }]: [string, Key]): string {
  const reached = target === undefined ? '' : target.reached ? 'yes' : 'no';
  return line([`\`${name}\``, `${shown(value)} ${unit}`, `${n} ${of}`, target?.text ?? '', reached]);
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Machine, versions and date, above the figures. */
export function heading({ machine, pinned, quick }: Report): string {
  const { cpu, cores, memoryGiB, system, kernel, disk, bun, reveille, date, loadBefore } = machine;
  return `Reveille ${reveille} on Bun ${bun}, ${date.slice(0, 10)}; ${system}, Linux ${kernel}; ${cpu}, ${cores} cores, ${memoryGiB} GiB;
data ${disk}; ${pinned}; load of the machine before the run ${loadBefore.toFixed(1)}; ${quick ? 'quick run, a tenth of the sizes' : 'full run'}.
`;
}

/** The JSON file: each key with its value and n on the top level, then everything else. */
export function json(report: Report): string {
  const keys = Object.assign({}, ...Object.values(report.figures).map((figure) => figure.keys));
  return `${JSON.stringify({ ...keys, ...report }, null, 2)}\n`;
}

/** Writes one Markdown file and one chart per figure. */
export async function writeResults(folder: string, report: Report): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, outcome] of Object.entries(report.figures)) {
    const text = `# Benchmark: ${name}\n\n${heading(report)}\n![${outcome.title}](${name}.svg)\n\n${markdown(outcome)}`;
    await writeFile(join(folder, `${name}.md`), text);
    await writeFile(join(folder, `${name}.svg`), barChart(outcome));
  }
}

/** One line for each figure in which requests failed: its numbers are not to be believed. */
export function failures({
  figures,
}: {
  readonly figures: Readonly<Record<string, Pick<Outcome, 'failed'>>>;
}): readonly string[] {
  return Object.entries(figures).flatMap(([name, { failed }]) =>
    failed === 0 ? [] : [`${name}: ${failed} requests failed`],
  );
}

export async function writeJson(file: string, report: Report): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, json(report));
}
