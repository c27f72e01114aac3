import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rm } from 'node:fs/promises';
import { waitUntil } from '../dev-env/browser.ts';
import { pushPreferences, TestFirefox } from '../dev-env/firefox.ts';
import type { PushSite } from '../dev-env/push-site.ts';
import { Town } from '../dev-env/town.ts';
import { hostWebApp, signInToWebApp } from '../dev-env/web-app.ts';

describe('a web app in stock Firefox, set by preferences', () => {
  let town: Town;
  let site: PushSite;
  let firefox: TestFirefox;

  const start = (profile?: string) =>
    TestFirefox.start({
      preferences: pushPreferences(town.origin),
      ...(profile !== undefined && { profile }),
    });
  const send = async (payload: string, subchannelId = 0): Promise<void> => {
    const channelId = town.seed.channel_id;
    const answer = await town.send(await town.accessToken(), { channelId, subchannelId, payload });
    expect(answer.status).toBe(204);
  };
  const next = (count: number) => {
    const before = site.got.length;
    return site.until(before + count).then((got) => got.slice(before));
  };

  beforeAll(async () => {
    town = await Town.start();
    site = await hostWebApp(town);
    firefox = await start();
  }, 120_000);
  afterAll(async () => {
    await firefox?.quit();
    if (firefox !== undefined) await rm(firefox.profile, { recursive: true, force: true, maxRetries: 5 });
    site?.[Symbol.dispose]();
    await town?.[Symbol.asyncDispose]();
  });

  test('WA2 the window of the sign-in comes back to the page, and getChannelId answers the channel', async () => {
    const page = await firefox.open(site.url);
    const silent = await page.evaluate(
      'pushMessaging.getChannelId(false).then(({ channelId }) => channelId, (error) => error.message)',
    );
    expect(silent).toBe('The user is not signed in.');
    await page.close();
    expect(await signInToWebApp(town, site, firefox)).toBe(town.seed.channel_id);
  }, 120_000);

  test('WA1 a message of the message service runs the handler in the worker, with no page open', async () => {
    const got = next(1);
    await send('hello', 2);
    expect(await got).toEqual(['hello [2]']);
  });

  test('WA4 a handler that failed gets the message again, one that ended well does not', async () => {
    const got = next(2);
    await send('fail once', 1);
    expect(await got).toEqual(['fail once [1]', 'fail once [1]']);
    const last = next(1);
    await send('after', 1);
    expect(await last).toEqual(['after [1]']);
  }, 120_000);

  test('WA3 what came while Firefox was closed is handled after its start, with no page open', async () => {
    const before = site.got.length;
    await firefox.quit();
    await send('old', 3);
    await send('newest', 3);
    await send('other', 0);
    firefox = await start(firefox.profile);
    await waitUntil(
      'both',
      async () => {
        const got = site.got.slice(before).map(({ text }) => text);
        return got.includes('newest [3]') && got.includes('other [0]');
      },
      60_000,
    );
  }, 120_000);

  test('WA5 a notification stands for the messages, and one is enough', async () => {
    await waitUntil('the notification', async () => {
      const got = next(1);
      await send('shown?');
      return (await got)[0] === 'shown: reveille';
    });
  }, 60_000);
});
