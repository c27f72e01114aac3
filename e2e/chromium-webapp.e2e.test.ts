import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Seen } from '../client/ports.ts';
import { TestBrowser, waitUntil } from '../dev-env/browser.ts';
import type { PushSite } from '../dev-env/push-site.ts';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { hostWebApp, signInToWebApp } from '../dev-env/web-app.ts';
import type { Version } from '../protocol/version.ts';

describe('a web app in stock Chromium', () => {
  let town: Town;
  let site: PushSite;
  let profile: string;
  let browser: TestBrowser;

  const send = async (payload: string, subchannelId: number): Promise<void> => {
    const channelId = town.seed.channel_id;
    const answer = await town.send(await town.accessToken(), { channelId, subchannelId, payload });
    expect(answer.status).toBe(204);
  };

  beforeAll(async () => {
    town = await Town.start({ mcs: true });
    site = await hostWebApp(town);
    profile = await mkdtemp(join(tmpdir(), 'reveille-webapp-'));
    await mkdir(join(profile, 'Default'));
    // What the user's yes to notifications leaves behind.
    const notifications = { [`${new URL(site.url).origin},*`]: { setting: 1 } };
    const preferences = { profile: { content_settings: { exceptions: { notifications } } } };
    await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
    browser = await TestBrowser.start({ profile, flags: town.chromiumFlags });
  }, 60_000);
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    site?.[Symbol.dispose]();
    await town?.[Symbol.asyncDispose]();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  test('WA2 the page signs in by a window', async () => {
    expect(await signInToWebApp(town, site, browser)).toBe(town.seed.channel_id);
  }, 60_000);

  test('WA1 a message of the message service starts the stopped worker, with no page open', async () => {
    await browser.putToSleep(site.url);
    const before = site.got.length;
    await send('hello', 2);
    expect((await site.until(before + 1)).slice(before)).toEqual(['hello [2]']);
  }, 60_000);

  test('WA7 what was seen elsewhere is heard at the next push, and what is seen here is heard elsewhere', async () => {
    const got: { readonly text: string; readonly version: Version }[] = [];
    const seen: Seen[] = [];
    await using stack = new AsyncDisposableStack();
    const other = townDevice(town, {
      onMessage: ({ payload: text, version }) => void got.push({ text, version }),
      onSeen: (one) => void seen.push(one),
    });
    stack.defer(() => other.close());
    await other.connect();
    const arrives = async (text: string, subchannelId: number): Promise<Version> => {
      await send(text, subchannelId);
      await waitUntil(`${text} there`, async () => got.some((one) => one.text === text), 60_000);
      await hears(`${text} [${subchannelId}]`);
      return got.find((one) => one.text === text)?.version as Version;
    };
    const hears = (text: string) =>
      waitUntil(text, async () => site.got.some((one) => one.text === text), 60_000);
    const version = await arrives('to be seen', 1);
    await other.seen({ subchannelId: 1, version });
    const next = await arrives('next', 0);
    await hears('seen: 1');
    const page = await browser.open(site.url);
    const told = async () => {
      // The worker may not have written its mark yet, and only there is it known what runs.
      await page.evaluate(`pushMessaging.markSeen(0)`);
      return seen.some((one) => one.version === next);
    };
    await waitUntil('the device is told', told, 60_000);
    await page.close();
    expect(site.got.filter(({ text }) => text === 'seen: 1')).toHaveLength(1);
  }, 120_000);

  test('WA3 what came while Chromium was closed is handled after its start, with no page open', async () => {
    const before = site.got.length;
    await browser.quit();
    await send('while away', 3);
    browser = await TestBrowser.start({ profile, flags: town.trustFlags });
    await waitUntil(
      'the message',
      async () => site.got.slice(before).some(({ text }) => text === 'while away [3]'),
      60_000,
    );
  }, 120_000);
});
