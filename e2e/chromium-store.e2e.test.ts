import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestBrowser, waitUntil } from '../dev-env/browser.ts';
import { addExtension, dialogFlags } from '../dev-env/browser-dialog.ts';
import { ConsoleTown } from '../dev-env/console-town.ts';
import { externalExtensions } from '../dev-env/installed-browsers.ts';
import { installFiles } from '../dev-env/machine-files.ts';
import { StorePublisher } from '../dev-env/store-item.ts';
import { installWays } from '../server/console/install-ways.ts';

const policyFile = '/etc/chromium/policies/managed/reveille-store.json';

let town: ConsoleTown;
let publisher: StorePublisher;
let updateUrl: string;
let folder: string;
/** Taken away again also after a test that ran out of time. */
let installed: AsyncDisposable | undefined;

beforeAll(async () => {
  town = await ConsoleTown.open({ origin: `http://127.0.0.1:${freePort()}` });
  town.listen();
  publisher = await StorePublisher.in(town);
  updateUrl = `${town.origin}/service/update2/crx`;
  folder = await mkdtemp(join(tmpdir(), 'reveille-store-'));
});
afterEach(() => installed?.[Symbol.asyncDispose]());
afterAll(async () => {
  publisher[Symbol.dispose]();
  await town[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function freePort(): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const { port } = server;
  void server.stop(true);
  return port ?? 0;
}

/** A profile that downloads into the folder. Told so by DevTools, Chromium would install nothing from a link, policy or not. */
async function downloadingProfile(): Promise<string> {
  const profile = await mkdtemp(join(folder, 'profile-'));
  await mkdir(join(profile, 'Default'));
  const preferences = JSON.stringify({ download: { default_directory: folder } });
  await writeFile(join(profile, 'Default', 'Preferences'), preferences);
  return profile;
}

/** Opens an item's page and clicks its install link. */
async function install(browser: TestBrowser, id: string): Promise<void> {
  const page = await browser.open(`${town.origin}/detail/${id}`);
  await page.click('details:has(a[href$=".crx"]) > summary');
  await page.focus('a[href$=".crx"]');
  await page.keyboard.press('Enter');
}

test('ES12 ES13 ES14 a policy installs an item, the next start updates it, its key gives a copy the same id', async () => {
  const { id, key } = await publisher.item('By policy');
  const forced = { installation_mode: 'force_installed', update_url: updateUrl };
  installed = await installFiles({ [policyFile]: JSON.stringify({ ExtensionSettings: { [id]: forced } }) });
  const profile = join(folder, 'profile');
  {
    await using _ = await TestBrowser.start({ online: true, profile });
    await publisher.hears({ app: id, version: '1.0', reason: 'install' });
  }
  await publisher.publish(id, '1.1');
  {
    await using _ = await TestBrowser.start({ online: true, profile });
    await publisher.hears({ app: id, version: '1.1', reason: 'update', previousVersion: '1.0' });
  }
  await installed[Symbol.asyncDispose]();
  const copy = join(folder, 'copy');
  await cp(join(profile, 'Default', 'Extensions', id, '1.1_0'), copy, { recursive: true });
  const manifest = (await Bun.file(join(copy, 'manifest.json')).json()) as Record<string, unknown>;
  expect([manifest.key, manifest.update_url]).toEqual([key, updateUrl]);
  await using _ = await TestBrowser.start({ extension: copy });
  await publisher.hears({ app: id, version: '1.1', reason: 'install' });
}, 240_000);

test('ES13 ES15 ES16 a file and a link install items too, which take an update when they ask for it', async () => {
  const [byFile, byLink] = [await publisher.item('By file'), await publisher.item('By link')];
  installed = await installFiles({
    [join(externalExtensions, `${byFile.id}.json`)]: JSON.stringify({ external_update_url: updateUrl }),
    [policyFile]: JSON.stringify({ ExtensionInstallSources: [`${town.origin}/*`] }),
  });
  const profile = await downloadingProfile();
  await using browser = await TestBrowser.start({ online: true, profile, flags: dialogFlags });
  await publisher.hears({ app: byFile.id, version: '1.0', reason: 'install' });
  await install(browser, byLink.id);
  await addExtension(browser);
  await publisher.hears({ app: byLink.id, version: '1.0', reason: 'install' });
  for (const { id } of [byFile, byLink]) {
    await publisher.publish(id, '1.1');
    const worker = await browser.worker(id);
    await worker.evaluate(() => void chrome.runtime.requestUpdateCheck());
    await publisher.hears({ app: id, version: '1.1', reason: 'update', previousVersion: '1.0' });
  }
}, 240_000);

test('ES16 without such a policy Chromium holds the package back as a dangerous download', async () => {
  const { id } = await publisher.item('By nobody');
  await using browser = await TestBrowser.start({ online: true, profile: await downloadingProfile() });
  await install(browser, id);
  const downloads = await browser.open('chrome://downloads');
  const textOf = (part: string) =>
    downloads.$eval(`downloads-manager >>> ${part}`, (found) => String(found.textContent).trim());
  await waitUntil('the download', async () => (await textOf('#name')) === `${id}-1.0.crx`);
  await waitUntil('its refusal', async () => (await textOf('.description')).startsWith('Chromium blocked'));
  await expect(browser.page(id, 'manifest.json')).rejects.toThrow(/ERR_BLOCKED_BY_CLIENT/);
}, 120_000);

test("ES39 the policy on a tester's page of an item installs what testers have, and takes its updates", async () => {
  const { id } = await publisher.item('By testers');
  await publisher.publish(id, '1.1', 'testers');
  await town.webstore.listings.addTester('ann', id, 'ann@example.com');
  const key = (await town.webstore.listings.find(id, 'ann'))?.testerKey;
  const [way] = installWays({ id, updateUrl: `${updateUrl}?testers=${key}` });
  installed = await installFiles({ [way?.where ?? '']: way?.text ?? '' });
  const profile = join(folder, 'tester');
  {
    await using _ = await TestBrowser.start({ online: true, profile });
    await publisher.hears({ app: id, version: '1.1', reason: 'install' });
  }
  await publisher.publish(id, '1.2', 'testers');
  await using _ = await TestBrowser.start({ online: true, profile });
  await publisher.hears({ app: id, version: '1.2', reason: 'update', previousVersion: '1.1' });
}, 240_000);
