import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import axe from 'axe-core';
import type { Page } from 'puppeteer-core';
import { TestBrowser } from '../dev-env/browser.ts';
import { packedExtension } from '../dev-env/packages.ts';
import { picture } from '../dev-env/pictures.ts';
import { PostOffice } from '../dev-env/post-office.ts';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { nameWebhook } from '../dev-env/town-webhook.ts';

const screenshots = new URL('screenshots/', import.meta.url).pathname;
/** Documents are made alike: these stand for all of them. */
const documents = ['/docs', '/docs/firefox', '/docs/search', '/docs/feedback'];
/** More would mean that the crawl has found a way to go on for ever. */
const pagesMax = 120;

/** The kind of a page: its path with everything in it that was made up replaced. */
const kindOf = (path: string): string =>
  path
    .split('/')
    .map((part) => (/^[a-p]{32}$|\d{5}|^[\w-]{20,}$/.test(part) ? '*' : part))
    .join('/');

/** Documents are made alike, and what stands under /o/ answers requests of programs. */
const wanted = (path: string): boolean =>
  !path.startsWith('/o/') && (!path.startsWith('/docs/') || documents.includes(path));

/** What `axe` says is wrong, one line each. */
async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
  });
}

/** Walks through the page by Tab; answers what could not be reached, or was not seen to have the focus. */
async function keyboardFaults(page: Page): Promise<readonly string[]> {
  const count = await page.evaluate(() => {
    const all = document.querySelectorAll<HTMLElement>(
      'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]',
    );
    const shown = [...all].filter(
      (one) => one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility(),
    );
    // Of the choices of one name only one takes the focus.
    const radios = new Set<string>();
    const stops = shown.filter((one) => {
      if (!(one instanceof HTMLInputElement) || one.type !== 'radio') return true;
      if (radios.has(one.name)) return false;
      return radios.add(one.name);
    });
    for (const [index, one] of stops.entries()) one.dataset.stop = String(index);
    return stops.length;
  });
  const unseen: string[] = [];
  const reached = new Set<string>();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  for (let presses = 0; presses < count + 10 && reached.size < count; presses += 1) {
    await page.keyboard.press('Tab');
    const { stop, ring, html } = await page.evaluate(() => {
      const focused = document.activeElement as HTMLElement;
      const { outlineStyle, boxShadow } = getComputedStyle(focused);
      const group =
        focused instanceof HTMLInputElement && focused.type === 'radio' ? focused.name : undefined;
      const stop =
        group === undefined
          ? focused.dataset.stop
          : document.querySelector<HTMLElement>(`[type=radio][name="${group}"][data-stop]`)?.dataset.stop;
      return {
        stop,
        ring: outlineStyle !== 'none' || boxShadow !== 'none',
        html: focused.outerHTML.slice(0, 120),
      };
    });
    if (stop === undefined) continue;
    reached.add(stop);
    if (!ring) unseen.push(`no focus ring: ${html}`);
  }
  return reached.size === count ? unseen : [...unseen, `Tab reaches ${reached.size} of ${count}`];
}

/** Puts the app of the seed into the store, with a picture, so that its page is there. */
async function publishSeed(town: Town): Promise<void> {
  const { seed, origin } = town;
  const token = await town.accessToken({ ...seed, refresh_token: seed.publish_refresh_token });
  const call = (method: string, path: string, body?: Buffer<ArrayBuffer>) =>
    fetch(`${origin}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body && { body }),
    });
  const icon = { name: '128.png', bytes: await picture(128, 128, 'png') };
  const file = await packedExtension({ icons: { '128': '128.png' } }, [icon]);
  await call('PUT', `/upload/chromewebstore/v1.1/items/${seed.app.id}`, file);
  const published = await call('POST', `/chromewebstore/v1.1/items/${seed.app.id}/publish`);
  expect(published.status).toBe(200);
}

describe('every page that links lead to', () => {
  let office: PostOffice;
  let town: Town;
  let browser: TestBrowser;
  const seen = new Map<string, string>();
  const faults: string[] = [];

  beforeAll(async () => {
    office = await PostOffice.start();
    town = await Town.start({ flags: office.flags });
    const device = townDevice(town, { onMessage: () => {} });
    await device.connect();
    await town.send(await town.accessToken(), {
      channelId: town.seed.channel_id,
      subchannelId: 1,
      payload: 'Hello',
    });
    device.close();
    await publishSeed(town);
    await nameWebhook(town, 'https://example.org/hook');
    await mkdir(screenshots, { recursive: true });
    browser = await TestBrowser.start();
  }, 120_000);
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
    await office?.[Symbol.asyncDispose]();
  });

  /** Looks at a page; answers the paths that its links lead to. */
  async function look(page: Page, path: string, kind: string): Promise<readonly string[]> {
    const answer = await page.goto(town.origin + path).catch(() => null);
    // A download is no page.
    if (!answer?.headers()['content-type']?.startsWith('text/html')) return [];
    if (answer.status() !== 200) faults.push(`${path}: ${answer.status()}`);
    for (const fault of await faultsOf(page)) faults.push(`${kind}: ${fault}`);
    for (const fault of await keyboardFaults(page)) faults.push(`${kind}: ${fault}`);
    const name = kind.replaceAll('/', '-').replaceAll('*', 'id').slice(1) || 'front';
    await page.screenshot({ path: `${screenshots}${name}.png` });
    return await page.$$eval('a[href]', (links) =>
      links
        .map((link) => new URL((link as unknown as HTMLAnchorElement).href))
        .filter(({ origin }) => origin === location.origin)
        .map(({ pathname }) => pathname),
    );
  }

  async function crawl(page: Page, from: readonly string[]): Promise<void> {
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => faults.push(`${page.url()}: ${error}`));
    const queue = [...from];
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const kind = kindOf(path);
      if (seen.has(kind) || !wanted(path)) continue;
      seen.set(kind, path);
      expect(seen.size).toBeLessThan(pagesMax);
      queue.push(...(await look(page, path, kind)));
    }
  }

  test('PG9 axe finds no fault, Tab reaches everything and is seen, and nothing is an error in the console', async () => {
    const page = await browser.open('about:blank');
    await crawl(page, ['/', '/accounts/sign-in', '/accounts/sign-up', '/accounts/new-password', '/wake/']);
    seen.delete('/');
    const cookies = town.seed.cookie.split('; ').map((pair) => pair.split('='));
    for (const [name = '', value = ''] of cookies) await page.setCookie({ name, value, url: town.origin });
    await crawl(page, ['/', '/console', '/accounts', '/connections']);
    console.log(`${seen.size} kinds of pages: ${[...seen.keys()].join(' ')}`);
    expect(faults).toEqual([]);
    expect(seen.size).toBeGreaterThan(25);
  }, 180_000);
});
