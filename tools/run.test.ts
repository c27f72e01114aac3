import { expect, test } from 'bun:test';
import { run, runAndRead } from './run.ts';

test('TR2 a step answers its exit code and what it printed', async () => {
  expect(await run(['sh', '-c', 'exit 3'])).toBe(3);
  expect(await runAndRead(['sh', '-c', 'echo out; exit 4'])).toEqual({ code: 4, output: 'out\n' });
});

test('TR2 a step that hangs is stopped together with what it started, and counts as failed', async () => {
  const { code, output } = await runAndRead(['sh', '-c', 'sleep 600 & echo $!; wait'], 300);
  expect(code).not.toBe(0);
  const child = Number(output);
  expect(child).toBeGreaterThan(0);
  const state = await Bun.file(`/proc/${child}/stat`)
    .text()
    .catch(() => '');
  // Gone, or waiting to be collected.
  expect(/\) [^Z]/.test(state)).toBe(false);
});
