import { expect, test } from 'bun:test';
import { cleanFiles, countsOfJunit, countsOfTap, sum } from './counts.ts';

const junit = (numbers: string) =>
  `<?xml version="1.0"?>\n<testsuites name="bun test" ${numbers} time="1">\n</testsuites>`;

test('TR2 a report of bun is read, a skipped test counts as failed', () => {
  expect(countsOfJunit(junit('tests="5" failures="0" skipped="0"'), 0)).toEqual({ passed: 5, failed: 0 });
  expect(countsOfJunit(junit('tests="5" failures="1" skipped="2"'), 1)).toEqual({ passed: 2, failed: 3 });
  expect(countsOfJunit(junit('tests="5" failures="0" skipped="1"'), 0)).toEqual({ passed: 4, failed: 1 });
});

test('TR5 the files without a fault are read from a report: not one that failed, skipped or did not load', () => {
  const suite = (name: string, file: string, numbers: string) =>
    `  <testsuite name="${name}" file="${file}" ${numbers} time="1" hostname="vm">\n</testsuite>`;
  const report = [
    suite('good.test.ts', 'good.test.ts', 'tests="4" assertions="9" failures="0" skipped="0"'),
    suite('a group', 'good.test.ts', 'tests="2" assertions="9" failures="0" skipped="0"'),
    suite('bad.test.ts', 'bad.test.ts', 'tests="3" assertions="9" failures="1" skipped="0"'),
    suite('lazy.test.ts', 'lazy.test.ts', 'tests="3" assertions="9" failures="0" skipped="1"'),
  ].join('\n');
  expect([...cleanFiles(report)]).toEqual([['good.test.ts', 4]]);
  expect(cleanFiles(undefined).size).toBe(0);
});

test('TR2 a crash counts as failed: no report, an empty run, a bad exit after a clean report', () => {
  expect(countsOfJunit(undefined, 134)).toEqual({ passed: 0, failed: 1 });
  expect(countsOfJunit('<testsuites', 0)).toEqual({ passed: 0, failed: 1 });
  expect(countsOfJunit(junit('tests="0" failures="0" skipped="0"'), 0)).toEqual({ passed: 0, failed: 1 });
  expect(countsOfJunit(junit('tests="7" failures="0" skipped="0"'), 1)).toEqual({ passed: 7, failed: 1 });
});

test('TR2 the closing lines of node are read, whatever tests printed before them', () => {
  const tap = '# pass 99\nok 1 - x\n# tests 4\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n';
  expect(countsOfTap(tap, 1)).toEqual({ passed: 2, failed: 2 });
  expect(countsOfTap('# pass 3\n# fail 0\n', 0)).toEqual({ passed: 3, failed: 0 });
  expect(countsOfTap('# pass 3\n# fail 0\n', 7)).toEqual({ passed: 3, failed: 1 });
  expect(countsOfTap('Segmentation fault', 139)).toEqual({ passed: 0, failed: 1 });
});

test('TR2 phases add up', () => {
  expect(sum([])).toEqual({ passed: 0, failed: 0 });
  expect(
    sum([
      { passed: 2, failed: 1 },
      { passed: 3, failed: 0 },
    ]),
  ).toEqual({ passed: 5, failed: 1 });
});
