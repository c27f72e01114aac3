import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.ts';
import { shellBlocks } from './shell-blocks.ts';
import { readProjectFile } from './tree.ts';

/** Long enough for a machine that does other work beside. */
const waitMs = 60_000;

let folder: string;
let environment: Record<string, string | undefined>;
let origin: string;
const running: Bun.Subprocess<'ignore', 'pipe', 'inherit'>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-readme-'));
  const trial = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  const port = String(trial.port);
  await trial.stop(true);
  origin = `http://127.0.0.1:${port}`;
  environment = {
    ...process.env,
    XDG_CONFIG_HOME: folder,
    REVEILLE_PORT: port,
    REVEILLE_DATA: join(folder, 'data'),
    REVEILLE_SERVER: origin,
  };
});

afterAll(async () => {
  // npm stands between us and the server: a signal to the whole group reaches both.
  for (const child of running.filter(({ exitCode }) => exitCode === null))
    process.kill(-child.pid, 'SIGTERM');
  await Promise.all(running.map((child) => child.exited));
  await rm(folder, { recursive: true, force: true });
});

/** What a reader types, with this test's port and files in place of the document's. */
const typed = (script: string) =>
  script.replaceAll('http://127.0.0.1:8030', origin).replaceAll('demo.json', join(folder, 'demo.json'));

/** Starts a block that goes on, and answers its lines one by one. */
function keepRunning(script: string): AsyncIterator<string> {
  const child = Bun.spawn(['sh', '-ec', typed(script)], {
    cwd: root,
    env: environment,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
    detached: true,
  });
  running.push(child);
  return lines(child.stdout);
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

async function lineWith(source: AsyncIterator<string>, text: string): Promise<string> {
  for (let next = await source.next(); !next.done; next = await source.next()) {
    if (next.value.includes(text)) return next.value;
  }
  throw new Error(`it ended without a line with ${text}`);
}

test(
  'DO2 the commands of the README lead to a first message',
  async () => {
    const blocks = shellBlocks(await readProjectFile('README.md'));
    const role = (name: string) => blocks.find((block) => block.role === name)?.script ?? '';
    const following = blocks.filter((block) => block.role === '').map((block) => typed(block.script));
    expect(following.length).toBeGreaterThanOrEqual(3);

    await lineWith(keepRunning(role('server')), `Reveille is listening on ${origin}`);
    // One shell goes on through its blocks; between the first and the others the device is started in another.
    const [prepare = '', ...send] = following;
    const prepared = Bun.spawnSync(['sh', '-ec', prepare], { cwd: root, env: environment });
    expect(prepared.stderr.toString()).toBe('');
    const { channel_id } = JSON.parse(await readFile(join(folder, 'demo.json'), 'utf8'));
    expect(prepared.stdout.toString().trim()).toBe(channel_id);

    const device = keepRunning(role('listener'));
    expect(await lineWith(device, 'ready')).toBe('{"ready":true}');
    const sent = Bun.spawnSync(['sh', '-ec', [prepare, ...send].join('\n')], { cwd: root, env: environment });
    expect(sent.stderr.toString()).toBe('');
    expect(sent.stdout.toString().trim().split('\n').at(-1)).toBe('204');
    expect(JSON.parse(await lineWith(device, 'payload'))).toEqual({
      subchannelId: 0,
      payload: 'Hello, push',
      version: expect.any(Number),
    });
  },
  waitMs,
);

test('DO2 every file that the documents link to is there', async () => {
  for (const document of ['README.md', 'ARCHITECTURE.md', 'STYLE.md']) {
    const text = await readProjectFile(document);
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  }
});

test('DO2 blocks are told apart by the word behind their language', () => {
  const text = '```sh server\nnpm start\n```\n\n```\nread only\n```\n```sh\na\nb\n```\n```js\nx\n```\n';
  expect(shellBlocks(text)).toEqual([
    { role: 'server', script: 'npm start\n' },
    { role: '', script: 'a\nb\n' },
  ]);
});
