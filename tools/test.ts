import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTypesAndLint } from './checks.ts';
import { type Counts, cleanFiles, countsOfJunit, sum } from './counts.ts';
import { endToEndPattern, endToEndTests, lanesOf } from './end-to-end.ts';
import { runPortableTestsOnNode } from './portable.ts';
import { run, runAside } from './run.ts';
import { ensureSystemPackages } from './system.ts';

/**
 * `npm test`: every kind of test, one line at the end. Phases run one after the other; the end-to-end tests, with
 * browsers and crashes, come last, in two lanes.
 * `npm test -- server/core` runs the tests of some folders or files only, `npm run e2e -- chromium` the end-to-end tests
 * with that word in their name.
 */
const onlyEndToEnd = '--only-e2e';
/** Where more files broke, it is not the browser. */
const REPEATED_AT_MOST = 2;
/** What the reader is to know beside the counts. */
const notes: string[] = [];

async function bunTests(
  name: string,
  selection: readonly string[],
  timeoutMs: number,
  runTests = run,
): Promise<Counts & { readonly clean: ReadonlyMap<string, number> }> {
  console.log(`\n# ${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'reveille-report-'));
  const report = join(folder, 'junit.xml');
  try {
    const code = await runTests([
      process.execPath,
      'test',
      `--timeout=${timeoutMs}`,
      '--reporter=junit',
      `--reporter-outfile=${report}`,
      ...selection,
    ]);
    const text = await readFile(report, 'utf8').catch(() => undefined);
    return { ...countsOfJunit(text, code), clean: cleanFiles(text) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * End-to-end tests of some files, one after the other. A file in which one fails runs once more, by itself, since the
 * browsers are not ours; it is told, and fails when it fails again (docs/decisions/0148-a-broken-file-runs-once-more.md).
 */
async function endToEnd(name: string, files: readonly string[], runTests = run): Promise<Counts> {
  const first = await bunTests(name, files, 180_000, runTests);
  const broken = first.failed === 0 ? [] : files.filter((file) => !first.clean.has(file.slice(2)));
  if (broken.length === 0 || broken.length > REPEATED_AT_MOST) return first;
  const again = await bunTests(`${name}, once more: ${broken.join(' ')}`, broken, 180_000, runTests);
  notes.push(
    `${broken.join(' ')} failed, then ran once more: ${again.passed} passed, ${again.failed} failed`,
  );
  const passed = [...first.clean.values()].reduce((all, tests) => all + tests, 0);
  return sum([{ passed, failed: 0 }, again]);
}

/** Two files at a time, each in a world of its own (docs/decisions/0090-unit-tests-two-at-a-time.md). */
const unit = () =>
  bunTests('unit and integration', ['--parallel=2', `--path-ignore-patterns=${endToEndPattern}`], 60_000);
const browsers = (words: readonly string[]) => {
  // "./": a path, not a pattern that others may match.
  const [first = [], ...aside] = lanesOf(endToEndTests(words).map((path) => `./${path}`));
  return async () =>
    sum(
      await Promise.all([
        endToEnd('end to end', first),
        ...aside.map((files) => endToEnd('end to end, aside', files, runAside)),
      ]),
    );
};
const node = () => {
  console.log('\n# protocol, client and sender on Node');
  return runPortableTestsOnNode();
};

function phasesOf(selection: readonly string[]): (() => Promise<Counts>)[] {
  const [first, ...words] = selection;
  if (first === onlyEndToEnd) return [browsers(words)];
  if (selection.length > 0) return [() => bunTests('selection', selection, 180_000)];
  return [() => checkTypesAndLint(false), unit, node, browsers([])];
}

const counts: Counts[] = [];
try {
  await ensureSystemPackages();
  for (const phase of phasesOf(process.argv.slice(2))) counts.push(await phase());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  counts.push({ passed: 0, failed: 1 });
}
for (const note of notes) console.log(`\n${note}`);
const { passed, failed } = sum(counts);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
