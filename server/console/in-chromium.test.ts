import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import puppeteer, { type Browser, type ElementHandle, type Page } from 'puppeteer-core';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { packedExtension } from '../../dev-env/packages.ts';
import { picture } from '../../dev-env/pictures.ts';
import type { AppId } from '../../protocol/app-id.ts';

let town: ConsoleTown;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  town = await ConsoleTown.open({ origin: `http://127.0.0.1:${freePort()}` });
  town.listen();
  browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--headless=new', '--disable-background-networking'],
    pipe: true,
  });
  page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.setViewport({ width: 390, height: 844, isMobile: true });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await town?.[Symbol.asyncDispose]();
});

function freePort(): number {
  const probe = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  const { port } = probe;
  void probe.stop(true);
  return port ?? 0;
}

const path = (): string => new URL(page.url()).pathname;

/** Walks with the Tab key until `reached` is true of what has the focus, as a person without a mouse does. */
async function tabTo(reached: string): Promise<void> {
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press('Tab');
    if ((await page.$(`${reached}:focus`)) !== null) return;
  }
  throw new Error(`the keyboard does not reach ${reached} on ${page.url()}`);
}

async function pressEnter(): Promise<void> {
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
}

/** A message of the project that waits for one device. */
async function keptFor(project: string, app: AppId | undefined) {
  if (app === undefined) throw new Error('the walk before this made an app');
  const { device } = await town.devices.register({
    account: 'a reader',
    app,
    name: 'A phone with a long name',
  });
  const { version } = await town.store.keep({
    channel: device.channel.key,
    slot: '0',
    payload: 'x'.repeat(256),
    expiresAt: Date.now() + 3_600_000,
    project,
    dailyQuota: 0,
    quotaDay: '2026-11-24',
  });
  return { key: device.key, version };
}

describe('the console in Chromium, without script', () => {
  test('CO4 from the front page to a registered app with the keyboard alone', async () => {
    await page.goto(`${town.origin}/`);
    await tabTo('a[href="/accounts/sign-up"]');
    await pressEnter();
    for (const [field, text] of [
      ['name', 'Ann'],
      ['email', 'ann@example.com'],
      ['password', 'correct horse battery'],
    ] as const) {
      await page.focus(`input[name="${field}"]`);
      await page.keyboard.type(text);
    }
    await pressEnter();
    await page.goto(`${town.origin}/console`);
    await tabTo('.step-action a');
    await pressEnter();
    expect(path()).toBe('/console/projects');
    await tabTo('form[action="/console/projects"] input[name="name"]');
    await page.keyboard.type('Paper');
    await pressEnter();
    await tabTo('form[action$="/messaging"] button');
    await pressEnter();
    expect(await page.$eval('.notice', (notice) => notice.textContent)).toContain('Messaging is on');
    await page.goto(`${town.origin}/console/apps/new`);
    await tabTo('form input[name="title"]');
    await page.keyboard.type('Reader');
    await pressEnter();
    expect(path()).toMatch(/^\/console\/apps\/[a-p]{32}$/);
    await tabTo('details.more > summary');
    await page.keyboard.press('Enter');
    expect(await page.$('details.more[open]')).not.toBeNull();
  }, 60_000);

  test('CO4 TP4 no page is wider than a phone, nothing on it breaks the content policy, and a trace follows its message', async () => {
    const broken: string[] = [];
    page.on('console', (message) => broken.push(message.text()));
    await page.setJavaScriptEnabled(true);
    const [project] = await town.oauth.projects.all({ id: '', role: 'administrator' });
    const ann = await town.accounts.findByEmail('ann@example.com');
    if (project === undefined || ann === undefined) throw new Error('the walk before this made both');
    const [app] = await town.webstore.apps.list(ann.id);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const text = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const group = app?.group ?? '';
    const unproven = await town.webstore.apps.register(ann.id, group, 'Old', { kind: 'public-key', text });
    const { client } = await town.oauth.clients.create(ann, project.id, {
      name: 'Sender',
      redirectUris: [`https://${'long.'.repeat(30)}example/back`],
    });
    const paths = [
      '/',
      '/console',
      '/console/projects',
      `/console/projects/${project.id}`,
      ...['traffic', 'team', 'messages', 'history'].map((part) => `/console/projects/${project.id}/${part}`),
    ];
    paths.push(
      `/console/clients/${client.id}`,
      '/console/apps',
      '/console/apps/new',
      `/console/apps/${app?.id}`,
    );
    paths.push(`/console/apps/${unproven.id}`);
    const id = app?.id;
    if (id === undefined) throw new Error('the walk before this made an app');
    await town.webstore.items.upload(ann.id, id, await packedExtension({ description: 'x'.repeat(200) }));
    await town.webstore.items.publish(ann.id, id);
    await town.webstore.listings.addScreenshot(ann.id, id, await picture(900, 500, 'png'));
    paths.push('/console/store', `/console/store/${id}`, `/console/store/${unproven.id}`, `/detail/${id}`);
    paths.push(`/console/groups/${app?.group}`, '/console/test', '/console/limits');
    paths.push('/console/receiving', '/console/receiving/devices');
    const { key, version } = await keptFor(project.id, app?.id);
    paths.push('/console/trace', `/console/trace?of=${version}`);
    for (const at of paths) {
      const answer = await page.goto(town.origin + at);
      expect([at, answer?.status()]).toEqual([at, 200]);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect([at, over]).toEqual([at, 0]);
      const ids = await page.$$eval('[id]', (elements) => elements.map(({ id }) => id));
      expect([at, ids.filter((id, index) => ids.indexOf(id) !== index)]).toEqual([at, []]);
    }
    // The page of the trace is the last one, and follows its message.
    await page.focus('#life a');
    await town.store.confirm(key, version);
    await page.waitForFunction(() => document.querySelector('#life .badge')?.textContent === 'confirmed');
    expect(broken).toEqual([]);
  }, 60_000);

  test('ES40 ES41 an upload shows how much has arrived and what was answered, and can be sent again when it broke off', async () => {
    await page.setJavaScriptEnabled(true);
    const ann = await town.accounts.findByEmail('ann@example.com');
    const apps = ann === undefined ? [] : await town.webstore.apps.list(ann.id);
    const app = apps.find(({ title }) => title === 'Reader');
    const home = `${town.origin}/console/store/${app?.id}`;
    await page.goto(home);
    const form = `form[action="/console/store/${app?.id}/packages"]`;
    /** Chooses a package of this version and this many bytes that cannot be packed smaller, and sends it. */
    const upload = async (version: string, bytes: number) => {
      const file = join(town.folder, `upload-${version}.zip`);
      const filler = { name: 'filler', bytes: randomBytes(bytes) };
      await Bun.write(file, await packedExtension({ version }, [filler]));
      const input = (await page.$(`${form} input[type=file]`)) as ElementHandle<HTMLInputElement>;
      await input.uploadFile(file);
      await page.click(`${form} button`);
    };
    const heard: string[] = [];
    await page.exposeFunction('hear', (text: string) => heard.push(text));
    await page.evaluate((selector) => {
      const words = document.querySelector(`${selector} [role=status]`) as Element;
      const { hear } = globalThis as unknown as { hear: (text: string) => void };
      new MutationObserver(() => hear(words.textContent ?? '')).observe(words, { childList: true });
    }, form);

    await page.setOfflineMode(true);
    await upload('1.1', 1_000);
    await page.waitForSelector(`${form} .wrong`);
    expect(heard.at(-1)).toContain('The upload broke off.');
    expect(await page.$(`${form} progress:not([hidden])`)).toBeNull();

    await page.setOfflineMode(false);
    await page.emulateNetworkConditions({ upload: 1_500_000, download: -1, latency: 0 });
    const arrived = page.waitForNavigation();
    await upload('1.1', 3_000_000);
    await arrived;
    expect(page.url()).toBe(`${home}?done=uploaded`);
    expect(await page.$eval('.notice', ({ textContent }) => textContent)).toContain('Uploaded and checked');
    expect(heard.slice(2)).toEqual(expect.arrayContaining(['Everything has arrived and is being checked.']));
    expect(heard.filter((text) => /^(25|50|75) % has arrived\.$/.test(text)).length).toBeGreaterThan(0);

    await page.emulateNetworkConditions(null);
    await upload('1.0', 1_000);
    const fault = await page.waitForSelector('.notice.error');
    expect(await fault?.evaluate(({ textContent }) => textContent)).toContain('1.0');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await upload('1.2', 1_000);
    await page.waitForFunction(() => document.querySelector('.notice.success') !== null);
    expect(await page.$eval('table', ({ textContent }) => textContent)).toContain('1.2');
  }, 120_000);

  test('TF6 the page of traffic shows what happens, keeps open what was opened, and ends when the right does', async () => {
    const ann = await town.accounts.findByEmail('ann@example.com');
    const [project] = await town.oauth.projects.all({ id: '', role: 'administrator' });
    if (project === undefined || ann === undefined) throw new Error('the walk before this made both');
    await page.setJavaScriptEnabled(true);
    town.meter.events.turnedAway(project.id, '', 'api-off');
    await page.goto(`${town.origin}/console/projects/${project.id}/traffic`);
    await page.click('#live details.more > summary');
    town.meter.events.turnedAway(project.id, '', 'quota-exceeded');
    await page.waitForFunction(
      () => document.querySelector('#live')?.textContent?.includes('quota-exceeded'),
      {
        timeout: 50_000,
      },
    );
    expect(await page.$('#live details.more[open]')).not.toBeNull();
    await town.oauth.projects.remove(ann, project.id);
    await page.waitForResponse((answer) => answer.url().endsWith('/traffic') && answer.status() === 404, {
      timeout: 50_000,
    });
    expect(await page.$eval('#live', ({ textContent }) => textContent)).toContain('quota-exceeded');
  }, 120_000);
});
