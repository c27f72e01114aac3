import { expect, test } from 'bun:test';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.ts';
import { aptLine, missingPackages } from './system.ts';

test('TR1 a package is missing when none of its programs is found', () => {
  expect(missingPackages(() => null)).toEqual(['chromium', 'firefox-esr', 'strace']);
  expect(missingPackages(() => '/usr/bin/x')).toEqual([]);
  expect(missingPackages((program) => (/^(chromium-browser|firefox)$/.test(program) ? '/x' : null))).toEqual([
    'strace',
  ]);
  expect(aptLine(['chromium', 'firefox-esr', 'strace'])).toBe(
    'apt-get update && apt-get install -y --no-install-recommends chromium firefox-esr strace',
  );
});

test('TR1 where nothing can be installed the run fails at once and names the line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-bare-'));
  try {
    // A machine without apt and without a browser: the search path holds the bare tools only.
    for (const tool of ['sh', 'dirname', 'cmp', 'node', 'npm', 'git']) {
      await symlink(Bun.which(tool) ?? '', join(folder, tool));
    }
    const child = Bun.spawn([join(root, 'bin/run'), 'tools/test.ts'], {
      env: { PATH: folder, HOME: folder },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [output, errors, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    expect(errors).toContain(
      'The tests need chromium and firefox-esr and strace. As root: apt-get update && apt-get install',
    );
    expect(output.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
    expect(code).toBe(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
