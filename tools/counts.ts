/** How a phase of the tests ended. A skipped test counts as failed: nothing here is ever skipped. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Reads the report that `bun test --reporter=junit` wrote.
 * @param exitCode of the runner: a crash, or a file that did not load, counts as one failure even when the report is clean.
 */
export function countsOfJunit(report: string | undefined, exitCode: number): Counts {
  const totals = /<testsuites\b([^>]*)>/.exec(report ?? '')?.[1];
  if (totals === undefined) return { passed: 0, failed: 1 };
  const number = (name: string) => Number(new RegExp(`\\b${name}="([0-9]+)"`).exec(totals)?.[1] ?? 0);
  const failed = number('failures') + number('errors') + number('skipped');
  return crashAware({ passed: Math.max(0, number('tests') - failed), failed }, exitCode);
}

/** Of the files that ran, those that such a report shows without a fault, with the number of their tests. */
export function cleanFiles(report: string | undefined): ReadonlyMap<string, number> {
  const suites = (report ?? '').matchAll(
    /<testsuite name="([^"]+)" file="\1" tests="([0-9]+)"[^>]* failures="0" skipped="0"/g,
  );
  return new Map([...suites].map(([, file = '', tests]) => [file, Number(tests)]));
}

/** Reads what `node --test --test-reporter=tap` printed. */
export function countsOfTap(output: string, exitCode: number): Counts {
  const number = (name: string) => {
    const last = [...output.matchAll(new RegExp(`^# ${name} ([0-9]+)$`, 'gm'))].at(-1);
    return last === undefined ? undefined : Number(last[1]);
  };
  const passed = number('pass');
  if (passed === undefined) return { passed: 0, failed: 1 };
  const failed =
    (number('fail') ?? 0) + (number('cancelled') ?? 0) + (number('skipped') ?? 0) + (number('todo') ?? 0);
  return crashAware({ passed, failed }, exitCode);
}

/** The sum of all phases. */
export function sum(all: readonly Counts[]): Counts {
  return all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
}

function crashAware(counts: Counts, exitCode: number): Counts {
  const empty = counts.passed + counts.failed === 0;
  return counts.failed === 0 && (exitCode !== 0 || empty) ? { ...counts, failed: 1 } : counts;
}
