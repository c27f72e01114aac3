import { expect, test } from 'bun:test';

const runner = new URL('../bin/run', import.meta.url).pathname;

test.each([
  [[], 'with the extension of the guide'],
  [['--without-browser'], 'a program takes the place of the extension'],
])('DO3 the demo with %j tells its story to the end', async (flags, told) => {
  const child = Bun.spawn([runner, 'dev-env/demo.ts', ...flags], { stdout: 'pipe', stderr: 'inherit' });
  const lines = (await new Response(child.stdout).text()).trimEnd().split('\n');
  expect(lines.join('\n')).toContain(told);
  expect(lines.at(-1)).toMatch(/^delivered and confirmed in [0-9]+ ms$/);
  expect(await child.exited).toBe(0);
});
