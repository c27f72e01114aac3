import { existsSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Verdict } from './model.ts';

const head = `# Long runs of the proof

| date | histories | crashes | accepted | lost | duplicated | reordered |
|---|---|---|---|---|---|---|
`;

/** Adds the verdict of a long run to `nightly.md` in the folder of results. @param at milliseconds since 1970 */
export async function keepVerdict(
  folder: string,
  at: number,
  rounds: { readonly histories: number; readonly crashes: number },
  { accepted, lost, duplicated, reordered }: Verdict,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'nightly.md');
  if (!existsSync(file)) await writeFile(file, head);
  const day = new Date(at).toISOString().slice(0, 10);
  const cells = [day, rounds.histories, rounds.crashes, accepted, lost, duplicated, reordered];
  await appendFile(file, `| ${cells.join(' | ')} |\n`);
}
