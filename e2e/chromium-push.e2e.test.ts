import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestBrowser } from '../dev-env/browser.ts';
import { PushExtension, type Told } from '../dev-env/push-extension.ts';
import { type PageSubscription, PushSite } from '../dev-env/push-site.ts';
import { Town } from '../dev-env/town.ts';
import { WebPushSender } from '../dev-env/web-push-sender.ts';

const ROUNDS = 10;
const BURST = 1_000;
const AT_ONCE = 20;
const SENDER_ID = '1234567890';

/** The subscription as the page's server uses it: Chromium pastes a host of its own vendor in front of our token. */
function rehome(town: Town, subscription: PageSubscription): PageSubscription {
  const { pathname } = new URL(subscription.endpoint);
  return { ...subscription, endpoint: town.origin + pathname };
}

/** Posts data to a `chrome.gcm` registration: its token is an endpoint like any other. */
async function post(town: Town, token: string): Promise<void> {
  const answer = await fetch(`${town.origin}/wpush/${token}`, { method: 'POST', headers: { TTL: '600' } });
  expect(answer.status).toBe(201);
}

/** A profile in which a site may show notifications, so that its pages may subscribe. */
async function makeProfile(site: PushSite): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'reveille-mcs-'));
  await mkdir(join(profile, 'Default'));
  const { origin } = new URL(site.url);
  const notifications = { [`${origin},*`]: { setting: 1 } };
  const preferences = { profile: { content_settings: { exceptions: { notifications } } } };
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  return profile;
}

function report(what: string, latencies: readonly number[]): void {
  const sorted = latencies.map(Math.round).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(`${what}, worker stopped: median ${median} ms, worst ${sorted.at(-1)} ms of ${sorted.length}`);
}

describe('stock Chromium with this service as its push service', () => {
  let town: Town;
  let extension: PushExtension;
  let site: PushSite;
  let profile: string;
  let browser: TestBrowser;
  let gcmToken: string;
  let extensionPush: PageSubscription;
  let pagePush: PageSubscription;
  const sender = new WebPushSender();

  const start = (flags: readonly string[]) =>
    TestBrowser.start({ extension: extension.folder, profile, flags });
  const push = async (to: PageSubscription, text: string): Promise<void> => {
    const answer = await sender.send(to, text);
    expect(answer.status).toBe(201);
  };
  /** Sends to a worker that does not run, ten times. Answers how long each took until the handler was entered. */
  const wakeExtension = async (event: string, send: (n: number) => Promise<void>): Promise<number[]> => {
    const latencies: number[] = [];
    for (let tries = 0; latencies.length < ROUNDS && tries < 3 * ROUNDS; tries++) {
      const before = extension.told.filter((one) => one.event === event).length;
      await browser.putToSleep(`chrome-extension://${extension.appId}/`);
      const sentAt = Date.now();
      await send(latencies.length);
      const told = (await extension.until(event, before + 1)).at(-1) as Told;
      // Chromium may start a worker again by itself just after it was stopped: that try shows nothing of a wake-up.
      if (told.startedAt > sentAt) latencies.push(told.at - sentAt);
    }
    expect(latencies).toHaveLength(ROUNDS);
    return latencies;
  };

  beforeAll(async () => {
    town = await Town.start({ mcs: true, seeded: false });
    extension = await PushExtension.make();
    site = new PushSite();
    profile = await makeProfile(site);
    browser = await start(town.chromiumFlags);
    gcmToken = await extension.register(browser, [SENDER_ID]);
    extensionPush = rehome(town, await extension.subscribe(browser, sender.publicKey));
    pagePush = rehome(town, await site.subscribe(browser, sender.publicKey));
  }, 60_000);
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await extension?.[Symbol.asyncDispose]();
    site?.[Symbol.dispose]();
    await town?.[Symbol.asyncDispose]();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  test('MC22 chrome.gcm wakes a stopped worker', async () => {
    report('chrome.gcm', await wakeExtension('message', () => post(town, gcmToken)));
    const [told] = await extension.until('message');
    expect(JSON.parse(told?.text ?? '')).toMatchObject({ from: SENDER_ID });
  }, 60_000);

  test('MC22 a push wakes the stopped worker of an extension', async () => {
    report(
      'extension push',
      await wakeExtension('push', (n) => push(extensionPush, `to the extension ${n}`)),
    );
    expect((await extension.until('push')).at(-1)?.text).toBe(`to the extension ${ROUNDS - 1}`);
  }, 60_000);

  test('MC22 a push wakes the stopped worker of a page that no tab shows', async () => {
    const latencies: number[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      const before = site.got.length;
      await browser.putToSleep(site.url);
      const sentAt = performance.now();
      await push(pagePush, `to the page ${n}`);
      await site.until(before + 1);
      latencies.push((site.got.at(-1)?.at ?? 0) - sentAt);
    }
    report('page push', latencies);
    expect(site.got.at(-1)?.text).toBe(`to the page ${ROUNDS - 1}`);
  }, 60_000);

  test('MC22 a token of chrome.instanceID gets messages too', async () => {
    const token = await extension.instanceToken(browser, '42');
    const before = extension.told.filter(({ event }) => event === 'message').length;
    await post(town, token);
    const told = (await extension.until('message', before + 1)).at(-1);
    expect(JSON.parse(told?.text ?? '')).toMatchObject({ from: '42' });
  }, 30_000);

  test('MC17 chrome.gcm.send is told that nobody takes it', async () => {
    await extension.send(browser, 'upstream');
    const [told] = await extension.until('send-error');
    expect(JSON.parse(told?.text ?? '')).toMatchObject({ messageId: 'upstream' });
  }, 30_000);

  test('MC26 chrome.gcm gets the text pairs of a plain body; its sender may say that messages were dropped', async () => {
    const say = async (pairs: Readonly<Record<string, string>>): Promise<void> => {
      const [headers, body] = [{ TTL: '600', 'Content-Type': 'application/json' }, JSON.stringify(pairs)];
      const answer = await fetch(`${town.origin}/wpush/${gcmToken}`, { method: 'POST', headers, body });
      expect(answer.status).toBe(201);
    };
    const before = extension.told.filter(({ event }) => event === 'message').length;
    await say({ score: '3:1', team: 'blue' });
    const told = (await extension.until('message', before + 1)).at(-1);
    expect(JSON.parse(told?.text ?? '').data).toEqual({ score: '3:1', team: 'blue' });
    await say({ message_type: 'deleted_messages' });
    expect(await extension.until('deleted')).toHaveLength(1);
  }, 30_000);

  test('MC24 a burst of 1,000 pushes without topic arrives once each', async () => {
    const before = extension.told.length;
    for (let from = 0; from < BURST; from += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => push(extensionPush, `burst ${from + i}`)));
    const earlier = extension.told.slice(0, before).filter(({ event }) => event === 'push').length;
    const told = (await extension.until('push', earlier + BURST)).slice(earlier);
    expect(new Set(told.map(({ text }) => text)).size).toBe(BURST);
    // Another message comes behind all of them: nothing came twice.
    await push(extensionPush, 'after the burst');
    const all = await extension.until('push', earlier + BURST + 1);
    expect(all.length).toBe(earlier + BURST + 1);
    expect(all.at(-1)?.text).toBe('after the burst');
  }, 120_000);

  test('MC23 what was sent while the browser was closed comes at its next start, with no flag but the trust', async () => {
    await browser.quit();
    await push(pagePush, 'while closed');
    await post(town, gcmToken);
    const messages = extension.told.filter(({ event }) => event === 'message').length;
    const pages = site.got.length;
    browser = await start(town.trustFlags);
    await extension.until('message', messages + 1);
    await site.until(pages + 1);
    expect(site.got.slice(pages).map(({ text }) => text)).toEqual(['while closed']);
  }, 60_000);

  test('MC23 what a killed browser had not acknowledged comes at its next start, once', async () => {
    const pages = site.got.length;
    // The browser stands still: the push reaches its socket and nothing of it runs.
    browser.freeze();
    await push(pagePush, 'before the kill');
    await Bun.sleep(5);
    await browser.kill9();
    browser = await start(town.trustFlags);
    await site.until(pages + 1);
    await push(pagePush, 'after the kill');
    await site.until(pages + 2);
    expect(site.got.slice(pages).map(({ text }) => text)).toEqual(['before the kill', 'after the kill']);
  }, 60_000);

  test('MC10 an unregistered app gets no more: its token is gone, that of chrome.instanceID stays', async () => {
    const instanceToken = await extension.instanceToken(browser, SENDER_ID);
    await extension.unregister(browser);
    await post(town, instanceToken);
    const answer = await fetch(`${town.origin}/wpush/${gcmToken}`, {
      method: 'POST',
      headers: { TTL: '60' },
    });
    expect(answer.status).toBe(410);
  }, 30_000);
});
