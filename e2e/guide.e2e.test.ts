import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElementHandle, Page } from 'puppeteer-core';
import { fillSignIn, TestBrowser, waitUntil } from '../dev-env/browser.ts';
import { helloPush } from '../dev-env/extension.ts';
import { installFiles } from '../dev-env/machine-files.ts';
import { Town } from '../dev-env/town.ts';
import { pack } from '../server/webstore/zip.ts';

const screenshots = new URL('screenshots/guide-', import.meta.url).pathname;
const policyFile = '/etc/chromium/policies/managed/reveille-guide.json';
const scope = 'https://www.googleapis.com/auth/gcm_for_chrome';
const person = { name: 'Ann', email: 'ann@example.com', password: 'correct horse battery' };
/** Browsers that fetch, check and unpack on a busy machine. */
const installMs = 90_000;

/**
 * The To Do Checklist of the guide, as its reader does it: in stock Chromium, from a server on which nothing is, by the pages
 * alone. Each test is a chapter and goes on where the one before it ended.
 */
describe('the guide, from an empty server to a message that is read', () => {
  let town: Town;
  let folder: string;
  let developer: TestBrowser;
  let page: Page;
  let user: TestBrowser | undefined;
  let appServer: Bun.Subprocess<'ignore', 'pipe', 'inherit'> | undefined;
  let appServerUrl = '';
  let installed: AsyncDisposable | undefined;
  const found = { clientId: '', clientSecret: '', refreshToken: '', appId: '', key: '' };
  let shots = 0;

  beforeAll(async () => {
    town = await Town.start({ seeded: false });
    folder = await mkdtemp(join(tmpdir(), 'reveille-guide-'));
    await mkdir(join(screenshots, '..'), { recursive: true });
    developer = await TestBrowser.start();
    page = await developer.open(`${town.origin}/`);
  }, 120_000);
  afterAll(async () => {
    appServer?.kill();
    await user?.[Symbol.asyncDispose]();
    await developer?.[Symbol.asyncDispose]();
    await installed?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const goto = (path: string) => page.goto(town.origin + path);
  const fill = (selector: string, text: string) =>
    page.$eval(
      selector,
      (field, value) => {
        (field as unknown as HTMLInputElement).value = value;
      },
      text,
    );
  const shoot = (name: string) =>
    page.screenshot({ path: `${screenshots}${String(++shots).padStart(2, '0')}-${name}.png` });
  /** Clicks and waits for the page that comes. Redirecting pages on the way are passed. */
  const follow = async (selector: string): Promise<void> => {
    await Promise.all([page.waitForNavigation(), page.click(selector)]);
  };
  const textOf = (selector: string) => page.$eval(selector, (element) => element.textContent ?? '');
  const upload = async (form: string, file: string): Promise<void> => {
    const input = (await page.$(`${form} input[type=file]`)) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(file);
    await follow(`${form} button:not([type=button])`);
  };
  /** The example as a developer has it: without a key, for this service and this app server. */
  const packExample = async (version: string): Promise<string> => {
    const files = new Map<string, Uint8Array>();
    for (const name of await readdir(helloPush))
      files.set(name, await Bun.file(join(helloPush, name)).bytes());
    const { key: _, ...manifest } = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
    const made = {
      ...manifest,
      version,
      push_messaging: { server: town.origin },
      hello_push: { app_server: appServerUrl },
    };
    files.set('manifest.json', new TextEncoder().encode(JSON.stringify(made)));
    const file = join(folder, `hello-${version}.zip`);
    await Bun.write(file, await pack(files));
    return file;
  };

  test('GU1 sign-up, project, service on, client ID', async () => {
    await follow('a[href="/accounts/sign-up"]');
    await shoot('sign-up');
    for (const [name, value] of Object.entries(person)) await fill(`input[name=${name}]`, value);
    await follow('form button');
    await page.waitForSelector('a[href="/console"], .nav');
    await goto('/console/projects');
    await fill('form[action="/console/projects"] input[name=name]', 'Hello Push');
    await follow('form[action="/console/projects"] button');
    if (!/\/console\/projects\/\d+/.test(page.url())) await follow('a[href^="/console/projects/"]');
    await follow('form[action$="/messaging"] button');
    expect(await textOf('.notice')).toContain('Messaging is on');
    await shoot('project');
    await follow('a[href$="/clients/new"]');
    expect(
      await page.$eval(
        'textarea[name=redirectUris]',
        (field) => (field as unknown as HTMLTextAreaElement).value,
      ),
    ).toContain('/oauthplayground');
    await fill('input[name=name]', 'App server');
    await follow('form[action$="/clients"] button');
    await shoot('client');
    const text = await textOf('main');
    found.clientId = /\d{12}-[a-z0-9]{32}\.apps\.reveille/.exec(text)?.[0] ?? '';
    found.clientSecret = await page.$$eval(
      'dt',
      (names) =>
        names.find((name) => name.textContent === 'Client secret')?.nextElementSibling?.textContent?.trim() ??
        '',
    );
    expect(found.clientId).not.toBe('');
    expect(found.clientSecret).toMatch(/^[\w-]{24}$/);
  }, 120_000);

  test('GU2 playground with own credentials: authorize, exchange, refresh token', async () => {
    await goto('/oauthplayground');
    await page.click('#configuration summary');
    await page.click('input[name=own]');
    await fill('input[name=clientId]', found.clientId);
    await fill('input[name=clientSecret]', found.clientSecret);
    await shoot('playground');
    await follow('#configuration form button:not([type=button])');
    await fill('input[name=ownScopes]', scope);
    await follow('#scopes form button');
    await page.waitForSelector('button[value=allow]');
    await shoot('consent');
    await page.click('button[value=allow]');
    await page.waitForSelector('button[value=exchange]');
    await follow('button[value=exchange]');
    await shoot('tokens');
    found.refreshToken = await page.$eval(
      'input[name=refreshToken]',
      (field) => (field as unknown as HTMLInputElement).value,
    );
    expect(found.refreshToken).toMatch(/^1\/[\w-]{43}$/);
  }, 120_000);

  test('GU3 the example is uploaded and published', async () => {
    appServer = Bun.spawn(['node', join(helloPush, 'server.mjs')], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
      env: {
        ...process.env,
        REVEILLE: town.origin,
        PORT: '0',
        CLIENT_ID: found.clientId,
        CLIENT_SECRET: found.clientSecret,
        REFRESH_TOKEN: found.refreshToken,
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of appServer.stdout) {
      appServerUrl = /http:\S+/.exec(decoder.decode(chunk))?.[0] ?? '';
      if (appServerUrl !== '') break;
    }
    await goto('/console/store');
    await shoot('store');
    await upload('form[action="/console/store"]', await packExample('1.0'));
    found.appId = /[a-p]{32}/.exec(page.url())?.[0] ?? '';
    expect(found.appId).not.toBe('');
    await shoot('draft');
    await follow('form[action$="/publish"] button');
    found.key = /MII[A-Za-z0-9+/=]{200,}/.exec(await textOf('main'))?.[0] ?? '';
    await shoot('published');
    for (const path of [`/detail/${found.appId}`, `/extensions/detail/${found.appId}`]) {
      await goto(path);
      expect(await textOf('h1')).toContain('Hello Push');
    }
    await shoot('item');
  }, 120_000);

  test('GU4 a second Chromium installs it, the user signs in, and the message is read', async () => {
    const settings = {
      installation_mode: 'force_installed',
      update_url: `${town.origin}/service/update2/crx`,
    };
    // Of what a policy forces upon a browser nothing is shown to the tools that drive it, unless a policy says so.
    const policy = { ExtensionSettings: { [found.appId]: settings }, DeveloperToolsAvailability: 1 };
    installed = await installFiles({ [policyFile]: JSON.stringify(policy) });
    user = await TestBrowser.start({ online: true, profile: join(folder, 'profile') });
    const browser = user;
    const installedIn = join(folder, 'profile', 'Default', 'Extensions', found.appId);
    await waitUntil('the extension', async () => (await readdir(installedIn)).length > 0, installMs);
    // It asked without a page first, nobody is signed in, so it explains.
    const welcome = await browser.window(`${found.appId}/welcome.html`);
    await welcome.$eval('#sign-in', (button) => (button as unknown as { click(): void }).click());
    const dialog = await browser.signInWindow();
    expect(await dialog.$eval('h1', (heading) => heading.textContent)).toBe('Messages from Hello Push');
    const icon = () =>
      dialog.$eval('.asker img', (image) => (image as unknown as HTMLImageElement).naturalWidth);
    expect(await icon()).toBe(128);
    await dialog.screenshot({ path: `${screenshots}${String(++shots).padStart(2, '0')}-dialog.png` });
    await fillSignIn(dialog, person.email, person.password);
    // The app server has the channel, gets an access token and greets.
    await browser.shows(found.appId, 'Thanks for installing my app! [0]');
    const answer = await fetch(`${appServerUrl}/send`, {
      method: 'POST',
      body: JSON.stringify({ subchannelId: 1, payload: 'Your calendar has changed' }),
    });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    await browser.shows(found.appId, 'Your calendar has changed [1]');
  }, 240_000);

  test('GU5 a further version is published, and the browser updates to it', async () => {
    await goto(`/console/store/${found.appId}`);
    await upload(`form[action="/console/store/${found.appId}/packages"]`, await packExample('1.1'));
    await follow('form[action$="/publish"] button');
    await user?.quit();
    user = await TestBrowser.start({ online: true, profile: join(folder, 'profile') });
    const folderOf = join(folder, 'profile', 'Default', 'Extensions', found.appId);
    await waitUntil('version 1.1', async () => (await readdir(folderOf)).includes('1.1_0'), installMs);
  }, 240_000);

  test('GU6 the key of the installed manifest gives an unpacked copy the same id', async () => {
    await user?.quit();
    user = undefined;
    await installed?.[Symbol.asyncDispose]();
    const extensions = join(folder, 'profile', 'Default', 'Extensions', found.appId);
    const manifest = await Bun.file(join(extensions, '1.1_0', 'manifest.json')).json();
    expect(manifest.key).toBe(found.key);
    const copy = join(folder, 'test-version');
    await cp(helloPush, copy, { recursive: true });
    const own = await Bun.file(join(copy, 'manifest.json')).json();
    await Bun.write(join(copy, 'manifest.json'), JSON.stringify({ ...own, key: manifest.key }));
    await using browser = await TestBrowser.start({ extension: copy });
    await browser.worker(found.appId);
  }, 120_000);
});
