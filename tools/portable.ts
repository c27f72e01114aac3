import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Counts, countsOfTap } from './counts.ts';
import { root, run, runAndRead } from './run.ts';

/** Rooms whose code runs on Node and in browsers too: web standards only. */
const portableRooms = ['protocol', 'client', 'sender'] as const;

/** A file of portable tests turns its clock by hand and needs no time of ours. */
const fileMs = 60_000;

/** Tests that run on Node as well as on Bun: those of the portable rooms that are written for `node:test`. */
export async function portableTests(): Promise<string[]> {
  const files = portableRooms.flatMap((room) => [
    ...new Bun.Glob(`${room}/**/*.test.ts`).scanSync({ cwd: root }),
  ]);
  const texts = await Promise.all(files.map((file) => Bun.file(join(root, file)).text()));
  return files.filter((_, i) => texts[i]?.includes("'node:test'")).sort();
}

/**
 * Runs them on the Node that is installed. Node 20 does not strip types, so they are bundled first; inside the project's
 * folder, because a bundle still finds what it leaves out beside it.
 */
export async function runPortableTestsOnNode(): Promise<Counts> {
  const folder = await mkdtemp(join(root, 'node_modules', '.reveille-portable-'));
  try {
    const built = await run([
      process.execPath,
      'build',
      '--target=node',
      '--format=esm',
      '--sourcemap=inline',
      '--root=.',
      '--entry-naming=[dir]/[name].mjs',
      `--outdir=${folder}`,
      ...(await portableTests()),
    ]);
    if (built !== 0) return { passed: 0, failed: 1 };
    const bundles = [...new Bun.Glob('**/*.mjs').scanSync({ cwd: folder, absolute: true })].sort();
    const { code, output } = await runAndRead([
      'node',
      '--test',
      '--test-reporter=tap',
      `--test-timeout=${fileMs}`,
      ...bundles,
    ]);
    const counts = countsOfTap(output, code);
    console.log(counts.failed === 0 ? `${counts.passed} pass on Node` : output);
    return counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
