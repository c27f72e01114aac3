import { afterAll, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const project = new URL('..', import.meta.url).pathname;
const folder = await mkdtemp(join(tmpdir(), 'reveille-emulated-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Everything that is temporary goes where the tests can look. */
const temporary = join(folder, 'tmp');
await mkdir(temporary);
const environment = { PATH: process.env.PATH, HOME: folder, TMPDIR: temporary };

function start(...args: readonly string[]) {
  return Bun.spawn([join(project, 'bin/reveille'), 'emulator', ...args], {
    stdout: 'pipe',
    stderr: 'pipe',
    env: environment,
  });
}

test('EM1 prints one line once it is ready, keeps nothing on disk, and ends politely', async () => {
  const child = start('--port', '0', '--json', '--now', '2026-05-05T00:00:00Z');
  const { value } = await child.stdout.getReader().read();
  const printed = new TextDecoder().decode(value);
  expect(printed).toMatch(/^\{.*\}\n$/);
  const { origin, channel_id } = JSON.parse(printed) as { origin: string; channel_id: string };
  expect(await (await fetch(`${origin}/emulator`)).json()).toMatchObject({
    channel_id,
    now: '2026-05-05T00:00:00.000Z',
  });
  expect(await readdir(temporary)).toEqual([]);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
});

test('EM10 says in one sentence what it does not take', async () => {
  for (const [args, sentence] of [
    [['--host', '192.0.2.1'], 'loopback only'],
    [['--port', 'many'], '--port takes'],
    [['--now', 'soon'], '--now takes'],
  ] as const) {
    const child = start(...args);
    expect(await new Response(child.stderr).text()).toContain(sentence);
    expect(await child.exited).toBe(1);
  }
});

test('EM12 the samples of docs/emulator.md run as they stand', async () => {
  const text = await Bun.file(join(project, 'docs/emulator.md')).text();
  const samples = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind, code = '']) => ({
    kind,
    code,
  }));
  expect(samples.map(({ kind }) => kind)).toEqual(['sh', 'js', 'yaml']);
  const [shell, script, steps] = samples.map(({ code }) => code);
  const place = await mkdtemp(join(folder, 'job-'));
  await mkdir(join(place, 'bin'));
  await symlink(join(project, 'bin/reveille'), join(place, 'bin/reveille'));
  await writeFile(join(place, 'push.test.mjs'), script ?? '');
  const job = (steps ?? '').replaceAll(/^- run: /gm, '');
  for (const [lines, end] of [
    [shell, ''],
    [job, 'kill $!'],
  ]) {
    const child = Bun.spawn(['bash', '-ec', `${lines}\n${end}\nwait`], {
      cwd: place,
      stdout: 'pipe',
      stderr: 'pipe',
      env: environment,
    });
    const output = await new Response(child.stdout).text();
    expect(await new Response(child.stderr).text()).toBe('');
    expect(await child.exited).toBe(0);
    expect(output).toMatch(/pass 2\b/);
    expect(output).toMatch(/fail 0\b/);
    await rm(join(place, 'town.json'));
  }
});
