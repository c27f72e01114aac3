import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, connect, type Page } from 'puppeteer-core';
import { fillSignIn, waitUntil } from '../dev-env/browser.ts';
import { helloPush } from '../dev-env/extension.ts';
import { Town } from '../dev-env/town.ts';
import { certificateFiles } from '../server/config/certificate-files.ts';

/** The verb starts real browsers, which come to a real server; the server's log says that they did. */
const program = new URL('../bin/reveille', import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-browser-verb-'));
  await makeCertificate(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function makeCertificate(data: string): Promise<void> {
  const cert = Bun.spawn([program, 'cert', '--data', data], { stdout: 'ignore', stderr: 'inherit' });
  expect(await cert.exited).toBe(0);
}

const debug = ['--log-level', 'debug'];
const https = () => {
  const { serverCert, serverKey } = certificateFiles(folder);
  return ['--tls-cert', serverCert, '--tls-key', serverKey, '--mcs-port', '0'];
};

/** A browser that the verb started, until it is told to end. */
function browser(town: Town, ...args: readonly string[]) {
  const child = Bun.spawn([program, 'browser', '--server', town.origin, ...args], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    env: { ...process.env, REVEILLE_DATA: folder, TMPDIR: folder, XDG_CONFIG_HOME: join(folder, 'config') },
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      expect(await child.exited).toBe(0);
      expect((await readdir(folder)).filter((name) => name.startsWith('reveille-browser-'))).toEqual([]);
    },
  };
}

const cameThrough = (town: Town, gateway: string) =>
  waitUntil(
    `a browser at ${gateway}`,
    async () =>
      town.log
        .split('\n')
        .some((line) => line.includes(`"gateway":"${gateway}"`) && line.includes('"msg":"connected"')),
    60_000,
  );

describe('reveille browser firefox', () => {
  for (const [name, flags] of [
    ['ws on loopback', () => []],
    ['wss with the certificate of cert', https],
  ] as const)
    test(`CI17 CI20 Firefox comes by ${name}`, async () => {
      await using town = await Town.start({ seeded: false, flags: [...debug, ...flags()] });
      await using _ = browser(town, 'firefox', '--headless');
      await cameThrough(town, 'autopush');
    }, 90_000);
});

describe('reveille browser chromium', () => {
  test('CI14 CI17 CI19 CI20 Chromium checks in, registers for the loaded extension and comes', async () => {
    await using town = await Town.start({ seeded: false, flags: [...debug, '--mcs-port', '0'] });
    const shut = await printed(town);
    expect(shut.errors).toContain('./bin/reveille cert');
    await town.stop();
    await makeCertificate(town.dataFolder);
    await town.startAgain();
    expect((await printed(town)).output).toMatch(/--gcm-mcs-endpoint=https:\/\/127\.0\.0\.1:[0-9]+ /);
    await using _ = browser(town, 'chromium', '--headless', '--load', await registering());
    await cameThrough(town, 'mcs');
  }, 90_000);
});

describe('reveille browser chromium --load examples/hello-push', () => {
  test('CI19 the example works: sign in, send, and its notification is shown', async () => {
    await using town = await Town.start({ seeded: false, flags: [...debug, '--mcs-port', '0'] });
    await town.stop();
    await makeCertificate(town.dataFolder);
    await town.startAgain();
    const { account, app } = JSON.parse(await reveille(town, 'bootstrap', '--json'));
    const profile = join(folder, 'hello');
    const debugging = ['--', '--remote-debugging-port=0'];
    const flags = ['--load', helloPush, '--profile', profile, '--headless', ...debugging];
    await using _ = browser(town, 'chromium', ...flags);
    const endpoint = await devTools(profile);
    const chromium = await connect({ browserWSEndpoint: endpoint });
    try {
      const welcome = await pageAt(chromium, `chrome-extension://${app.id}/welcome.html`);
      await welcome.click('#sign-in');
      const window = await pageAt(chromium, `${town.origin}/`);
      await window.waitForSelector('input[type=password]');
      await fillSignIn(window, account.email, account.password);
      await waitUntil('the channel', async () =>
        (await welcome.$eval('#outcome', (element) => element.textContent ?? '')).startsWith('Ready.'),
      );
      await reveille(town, 'send', 'Hello, verb');
      // Asked for while the first one is on its way to the screen, Chromium's list loses it.
      await waitUntil('the confirm', async () => town.log.includes('"msg":"confirmed"'));
      const shown = await welcome.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return (await registration?.getNotifications())?.map(({ body }) => body);
      });
      expect(shown).toEqual(['Hello, verb [0]']);
    } finally {
      await chromium.disconnect();
    }
  }, 120_000);
});

/** Where the browser of a profile lets itself be driven: it writes that into a file. */
async function devTools(profile: string): Promise<string> {
  const file = join(profile, 'DevToolsActivePort');
  await waitUntil('the port of DevTools', async () => (await readFile(file, 'utf8')).includes('/devtools/'));
  const [port, path] = (await readFile(file, 'utf8')).split('\n');
  return `ws://127.0.0.1:${port}${path}`;
}

async function pageAt(chromium: Browser, start: string): Promise<Page> {
  const target = await chromium.waitForTarget((one) => one.type() === 'page' && one.url().startsWith(start), {
    timeout: 30_000,
  });
  const page = await target.page();
  if (page === null) throw new Error(`${start} closed at once`);
  return page;
}

/** What a verb prints; the records of this test's user lie in its own folder. */
async function reveille(town: Town, ...args: readonly string[]): Promise<string> {
  const { output, errors } = await run([...args, '--server', town.origin]);
  if (errors !== '') throw new Error(errors);
  return output;
}

const printed = (town: Town) => run(['browser', 'chromium', '--print', '--server', town.origin]);

async function run(args: readonly string[]): Promise<{ output: string; errors: string }> {
  const child = Bun.spawn([program, ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, XDG_CONFIG_HOME: join(folder, 'config') },
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output, errors };
}

/** An extension that asks for a registration as soon as it is installed: a profile without one makes no contact. */
async function registering(): Promise<string> {
  const extension = join(folder, 'registering');
  await mkdir(extension, { recursive: true });
  const manifest = {
    manifest_version: 3,
    name: 'Registering',
    version: '1',
    permissions: ['gcm'],
    background: { service_worker: 'worker.js' },
  };
  await writeFile(join(extension, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(extension, 'worker.js'), `chrome.gcm.register(['1234567890'], () => {});`);
  return extension;
}
