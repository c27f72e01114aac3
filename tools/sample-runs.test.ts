import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTestCertificate } from '../dev-env/certificates.ts';
import { Town } from '../dev-env/town.ts';
import { installWays, sourcesPolicy } from '../server/console/install-ways.ts';
import { readManifest } from '../server/webstore/manifest.ts';
import { root } from './run.ts';
import { readSamples } from './samples.ts';

/** Run by this file. */
const here = Symbol();

/**
 * What becomes of each sample: `here`, the test file that runs it as it stands, or why it cannot be run. A sample that is
 * not run is still read in its language, and its commands are looked up (samples.test.ts).
 */
const ledger: Readonly<Record<string, typeof here | `by ${string}` | `not run: ${string}`>> = {
  'README.md sh 1': 'by tools/readme.test.ts',
  'README.md sh 2': 'by tools/readme.test.ts',
  'README.md sh 3': 'by tools/readme.test.ts',
  'README.md sh 4': 'by tools/readme.test.ts',
  'README.md sh 5': 'by tools/readme.test.ts',
  'README.md js 1': 'by e2e/samples.e2e.test.ts',
  'README.md js 2': here,
  'docs/emulator.md sh 1': 'by cli/emulator.test.ts',
  'docs/emulator.md js 1': 'by cli/emulator.test.ts',
  'docs/emulator.md yaml 1': 'by cli/emulator.test.ts',
  'docs/mail.md sh 1': here,
  'docs/observing.md yaml 1': 'not run: it is for Prometheus, which the tests do not install',
  'docs/operating.md sh 1': 'not run: it makes a user and a unit of the machine',
  'docs/operating.md sh 2': here,
  'docs/operating.md sh 3': here,
  'docs/operating.md sh 4': here,
  'docs/operating.md nginx 1': 'not run: it is a part of a larger file, for a name with a certificate',
  'docs/push-messaging.md js 1': 'by e2e/samples.e2e.test.ts',
  'docs/push-messaging.md js 2': 'by e2e/samples.e2e.test.ts',
  'docs/push-messaging.md json 1': here,
  'docs/reference-v2.md sh 1': 'by server/reference-v2.test.ts',
  'docs/reference-v2.md sh 2': 'by server/reference-v2.test.ts',
  'docs/reference-v2.md sh 3': 'by server/reference-v2.test.ts',
  'docs/reference-v2.md sh 4': 'by server/reference-v2.test.ts',
  'docs/reference-v2.md js 1': 'by server/reference-v2.test.ts',
  'docs/store-publishing.md sh 1': here,
  'docs/store-publishing.md js 1': here,
  'docs/store.md json 1':
    'not run: it is a policy of a whole machine; e2e/chromium-store.e2e.test.ts sets the same',
  'docs/store.md json 2': here,
  'docs/store.md json 3': here,
  'docs/web-apps.md html 1':
    'not run: it is a part of a page; e2e/chromium-webapp.e2e.test.ts runs the same calls',
  'docs/web-apps.md js 1':
    'not run: it is a worker of a page; e2e/chromium-webapp.e2e.test.ts runs the same calls',
  'docs/web-apps.md js 2': 'not run: it is a call with the rest left out',
  'docs/web-push.md js 1': here,
  'docs/web-push.md json 1': here,
  'docs/web-push.md sh 1': here,
  'examples/hello-push/README.md sh 1':
    'not run: it is for two shells; tools/readme.test.ts types both commands',
  'examples/hello-push/README.md sh 2':
    'not run: it has the secrets of the reader; e2e/example.e2e.test.ts starts the same',
  'examples/hello-push/README.md sh 3':
    'not run: it goes to a fixed port; e2e/example.e2e.test.ts makes the same call',
};

const samples = await readSamples();
const ran = new Set<string>();
let town: Town;
let folder: string;
let environment: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-samples-'));
  town = await Town.start({ seeded: false });
  environment = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    TMPDIR: folder,
    REVEILLE_SERVER: town.origin,
    // For samples that start a server of their own.
    REVEILLE_DATA: join(folder, 'data'),
    REVEILLE_PORT: '0',
  };
  expect((await shell('./bin/reveille bootstrap --json > "$HOME/demo.json"')).errors).toBe('');
}, 60_000);
afterAll(async () => {
  await town[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The text of a sample, which from now on counts as run. @param changes what a reader would fill in, and what goes there */
function sample(name: string, changes: Readonly<Record<string, string>> = {}): string {
  let text = samples.find((one) => one.name === name)?.text ?? '';
  expect(`${name} ${text === '' ? 'is gone' : String(ledger[name] === here)}`).toBe(`${name} true`);
  ran.add(name);
  for (const [from, to] of Object.entries(changes)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  return text;
}

async function shell(script: string) {
  const child = Bun.spawn(['sh', '-ec', script], {
    cwd: root,
    env: environment,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output, errors, code: await child.exited };
}

/** Runs a program of JavaScript, as a file within the project's folder would. Answers what it printed. */
async function script(text: string): Promise<string> {
  const child = Bun.spawn([process.execPath, '-e', text], {
    cwd: root,
    env: environment,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const errors = await new Response(child.stderr).text();
  expect(errors).toBe('');
  return (await new Response(child.stdout).text()).trim();
}

/** Runs a sample that ends with a server that goes on, until it listens. */
async function serves(text: string): Promise<void> {
  // The last command takes the place of the shell, so that the signal reaches it.
  const child = Bun.spawn(['sh', '-ec', text.replace('./bin/reveille serve', 'exec ./bin/reveille serve')], {
    cwd: root,
    env: environment,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const log = new Response(child.stderr).text();
  const decoder = new TextDecoder();
  let printed = '';
  let told = false;
  for await (const chunk of child.stdout) {
    printed += decoder.decode(chunk, { stream: true });
    // Once: a second signal ends a server at once.
    if (!told && printed.includes('Reveille is listening on')) child.kill('SIGTERM');
    told ||= printed.includes('Reveille is listening on');
  }
  const code = await child.exited;
  if (code !== 0 || !told) throw new Error(`${code} ${printed}${await log}`);
}

describe('samples that are run', () => {
  test('DO5 the sender of README.md sends', async () => {
    const seed = await Bun.file(join(folder, 'demo.json')).json();
    const given = {
      origin: town.origin,
      clientId: seed.client.client_id,
      clientSecret: seed.client.client_secret,
      refreshToken: seed.refresh_token,
      channelId: seed.channel_id,
    };
    const program = sample('README.md js 2', { './sender/sender.ts': join(root, 'sender/sender.ts') });
    const head = `const { ${Object.keys(given).join(', ')} } = ${JSON.stringify(given)};`;
    // What is imported is there before anything runs, wherever it stands.
    await script(`${head}\n${program}`);
    const figures = await (await town.fetch('/metrics')).text();
    expect(figures).toMatch(/^reveille_accepted_total 1$/m);
  });

  test('DO5 the commands of docs/store-publishing.md publish, and its fetch reaches this server', async () => {
    const { output, errors, code } = await shell(sample('docs/store-publishing.md sh 1'));
    expect({ errors, code }).toEqual({ errors: '', code: 0 });
    expect(output).toContain('Published');
    const asked = `const answer = await fetch('https://www.googleapis.com/discovery/v1/apis/gcm_for_chrome/v1/rest');
      console.log((await answer.json()).name);`;
    const led = sample('docs/store-publishing.md js 1', { 'https://push.example': town.origin });
    expect(await script(`${led}\n${asked}`)).toBe('gcm_for_chrome');
  });

  test('DO5 the address of docs/web-push.md is ours, and its answer has what a status has', async () => {
    const subscription = { endpoint: 'https://updates.push.services.mozilla.com/wpush/v2/token' };
    const head = `const subscription = ${JSON.stringify(subscription)};`;
    expect(await script(`${head}\n${sample('docs/web-push.md js 1')}\nconsole.log(ours);`)).toBe(
      'https://your.host/wpush/v2/token',
    );
    const status = JSON.parse(sample('docs/web-push.md json 1'));
    expect(Object.keys(status)).toEqual(['message', 'state', 'acceptedAt', 'expiresAt', 'endedAt']);
    expect(Date.parse(status.endedAt)).toBeLessThan(Date.parse(status.expiresAt));
  });

  test('DO5 the files of docs/store.md are those that the page of an item gives', () => {
    const ways = installWays({ id: 'a'.repeat(32), updateUrl: 'https://push.example/service/update2/crx' });
    const byFile = JSON.parse(sample('docs/store.md json 2'));
    expect(ways.map(({ text }) => text)).toContain(JSON.stringify(byFile, null, 2));
    const sources = JSON.parse(sample('docs/store.md json 3'));
    expect(sourcesPolicy('https://push.example')).toBe(JSON.stringify(sources, null, 2));
  });

  test('DO5 the members of docs/push-messaging.md make a manifest', () => {
    const members = JSON.parse(sample('docs/push-messaging.md json 1'));
    const manifest = { name: 'An app', version: '1.0', ...members };
    const files = new Map([['manifest.json', Buffer.from(JSON.stringify(manifest))]]);
    expect(readManifest(files)).toMatchObject(members);
  });

  test('DO5 the servers of docs/mail.md, docs/web-push.md and docs/operating.md start', async () => {
    await mkdir(join(folder, 'certificate'), { recursive: true });
    const { certFile, keyFile, caFile } = await makeTestCertificate(join(folder, 'certificate'));
    await serves(sample('docs/mail.md sh 1', { 'mail.example.org': '127.0.0.1:9' }));
    await serves(sample('docs/web-push.md sh 1', { '/etc/ssl/own-authority.pem': caFile }));
    await serves(
      sample('docs/operating.md sh 2', {
        '--port 443': '--port 0 --mcs-port 0',
        'chain.pem': certFile,
        'key.pem': keyFile,
      }),
    );
  }, 60_000);

  test('DO5 the backup of docs/operating.md is made, and restored as it says', async () => {
    const places = { '/var/backups/reveille-monday': join(folder, 'monday') };
    const { errors, code } = await shell(sample('docs/operating.md sh 3', places));
    expect({ errors, code }).toEqual({ errors: '', code: 0 });
    const restored = join(folder, 'restored');
    await serves(sample('docs/operating.md sh 4', { ...places, '/var/lib/reveille-restored': restored }));
    expect(existsSync(join(restored, 'messages.db'))).toBe(true);
  }, 60_000);
});

test('DO5 of each sample it is said what becomes of it, and what is said is so', async () => {
  expect(samples.map(({ name }) => name).sort()).toEqual(Object.keys(ledger).sort());
  expect([...ran].sort()).toEqual(
    Object.keys(ledger)
      .filter((name) => ledger[name] === here)
      .sort(),
  );
  const named = Object.values(ledger).flatMap((said) =>
    typeof said === 'string' ? [...said.matchAll(/[\w/.-]+\.test\.ts/g)].map(([file]) => file) : [],
  );
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
