import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.ts';

/** A small project with our launcher, a real Bun, and an npm that only notes that it was called and lays out the packages. */
let folder: string;
let project: string;
let bin: string;

const lockFile = (version: string) =>
  JSON.stringify({
    packages: {
      '': { name: 'small' },
      'node_modules/bun': { version },
      'node_modules/other-platform': { version: '1.0.0', optional: true },
    },
  });

const fakeNpm = `#!/bin/sh
echo "$@" >> "$CALLS"
[ -n "\${NPM_FAILS:-}" ] && { echo 'registry cannot be reached' >&2; exit 1; }
sleep 0.2
rm -rf node_modules && mkdir -p node_modules/bun/bin node_modules/@oven/bun-any/bin
case "$BUN_IS_AT" in
  linked) ln -s "$REAL_BUN" node_modules/bun/bin/bun.exe ;;
  platform) echo 'placeholder' > node_modules/bun/bin/bun.exe; ln -s "$REAL_BUN" node_modules/@oven/bun-any/bin/bun ;;
  script) echo 'require("fs").symlinkSync(process.env.REAL_BUN, "bin/bun.exe")' > node_modules/bun/install.js ;;
esac
sed 's/other-platform/not-the-one-of-the-lock/' package-lock.json > node_modules/.package-lock.json
`;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'reveille launcher ')));
  project = join(folder, 'project');
  bin = join(folder, 'bin');
  await mkdir(bin);
  await cp(join(root, 'bin'), join(project, 'bin'), { recursive: true });
  await cp(join(root, 'tsconfig.json'), join(project, 'tsconfig.json'));
  await mkdir(join(project, 'cli'));
  await writeFile(join(project, 'package.json'), '{"name":"small","type":"module"}');
  await writeFile(join(project, 'package-lock.json'), lockFile('1.0.0'));
  await writeFile(
    join(project, 'cli/main.ts'),
    `const [command] = process.argv.slice(2);
     if (command === 'wait') { process.on('SIGTERM', () => process.exit(42)); setInterval(() => {}, 1000); }
     console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), pid: process.pid, env: process.env.FROM_ENV_FILE }));
     if (command === 'seven') process.exit(7);`,
  );
  await writeFile(join(bin, 'npm'), fakeNpm, { mode: 0o755 });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

interface Options {
  readonly from?: string;
  readonly through?: string;
  readonly environment?: Record<string, string>;
}

function start(args: readonly string[], { from = folder, through, environment = {} }: Options = {}) {
  return Bun.spawn([through ?? join(project, 'bin/reveille'), ...args], {
    cwd: from,
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      CALLS: join(folder, 'calls'),
      REAL_BUN: process.execPath,
      BUN_IS_AT: 'linked',
      ...environment,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

async function finish(child: ReturnType<typeof start>) {
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output, errors, code: await child.exited };
}

const reveille = async (args: readonly string[], options?: Options) => finish(start(args, options));
const calls = async () =>
  (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

describe('running', () => {
  test('LN1 it runs where its caller stands, hands over the words as they are and ends with the same code', async () => {
    const from = join(folder, 'else where');
    await mkdir(from);
    await writeFile(join(from, '.env'), 'FROM_ENV_FILE=yes\n');
    const { output, code } = await reveille(['seven', 'two words', '*', ''], { from });
    expect(JSON.parse(output)).toMatchObject({ args: ['seven', 'two words', '*', ''], cwd: from });
    expect(JSON.parse(output).env).toBeUndefined();
    expect(code).toBe(7);
  });

  test('LN1 it runs through symbolic links, relative and of links', async () => {
    await symlink('../project/bin/reveille', join(bin, 'first'));
    await symlink(join(bin, 'first'), join(folder, 'second'));
    expect((await reveille([], { through: join(bin, 'first') })).code).toBe(0);
    expect((await reveille([], { through: join(folder, 'second') })).code).toBe(0);
  });

  test('LN1 the process that was started is the program itself, so a signal reaches it', async () => {
    const child = start(['wait']);
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    expect(JSON.parse(new TextDecoder().decode(value)).pid).toBe(child.pid);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(42);
  });
});

describe('installing', () => {
  test('LN2 it installs once, and again only when the lock file names something else', async () => {
    const first = await reveille([]);
    expect(first.errors).toContain('installing packages');
    expect((await reveille([])).errors).toBe('');
    expect(await calls()).toHaveLength(1);
    expect((await calls())[0]).toStartWith('ci ');
    await writeFile(join(project, 'package-lock.json'), lockFile('1.0.1'));
    expect((await reveille([])).code).toBe(0);
    expect(await calls()).toHaveLength(2);
  });

  test('LN2 what someone installed by hand counts: nothing is thrown away', async () => {
    await reveille([]);
    await writeFile(join(project, 'package-lock.json'), lockFile('1.0.1'));
    await writeFile(join(project, 'node_modules/.package-lock.json'), lockFile('1.0.1'));
    expect((await reveille([])).code).toBe(0);
    expect(await calls()).toHaveLength(1);
  });

  test('LN2 two at once in a fresh clone install once', async () => {
    const both = await Promise.all([reveille([]), reveille([])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await calls()).toHaveLength(1);
  });

  test('LN2 an install that was killed leaves no lock behind that counts', async () => {
    await writeFile(join(project, '.install-lock'), '2147483646');
    expect((await reveille([])).code).toBe(0);
  });

  test('LN2 when npm fails its words are shown, nothing runs, and the next start tries again', async () => {
    const failed = await reveille([], { environment: { NPM_FAILS: '1' } });
    expect(failed.errors).toContain('npm ci failed');
    expect(failed.errors).toContain('registry cannot be reached');
    expect(failed.output).toBe('');
    expect(failed.code).toBe(1);
    expect((await reveille([])).code).toBe(0);
  });

  test('LN2 without Node or npm it says what to install', async () => {
    const bare = join(folder, 'bare');
    await mkdir(bare);
    for (const tool of ['sh', 'dirname', 'cmp', 'readlink'])
      await symlink(Bun.which(tool) ?? '', join(bare, tool));
    const { errors, code } = await reveille([], { environment: { PATH: bare } });
    expect(errors).toContain('Node 20 or later and npm are needed');
    expect(code).toBe(1);
  });
});

describe('finding Bun', () => {
  test.each(['linked', 'platform', 'script'])(
    'LN3 it starts when the binary comes by way of: %s',
    async (way) => {
      const { output, code } = await reveille(['x'], { environment: { BUN_IS_AT: way } });
      expect(code).toBe(0);
      expect(JSON.parse(output).args).toEqual(['x']);
    },
  );

  test('LN3 where no Bun starts it says so and what to do', async () => {
    const { errors, code } = await reveille([], { environment: { BUN_IS_AT: 'nowhere' } });
    expect(errors).toContain('Bun does not start on this machine');
    expect(code).toBe(1);
  });
});
