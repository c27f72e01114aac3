import { describe, expect, test } from 'bun:test';
import { bundleClient } from '../client/bundle.ts';
import { AppProfile, recorder } from '../dev-env/app-profile.ts';
import { waitUntil } from '../dev-env/browser.ts';
import { Town } from '../dev-env/town.ts';

const send = async (town: Town, subchannelId: number, payload: string): Promise<void> => {
  const answer = await town.send(await town.accessToken(), {
    channelId: town.seed.channel_id,
    subchannelId,
    payload,
  });
  expect(answer.status).toBe(204);
};

describe('the shim in stock Chromium', () => {
  test("CL34 the guide's own code runs unchanged in a classic worker, with the opt-in stand-in for notifications", async () => {
    await using town = await Town.start();
    await using profile = await AppProfile.start(town, {
      files: {
        'classic.js': await bundleClient('classic'),
        'notifications.js': await bundleClient('notifications'),
      },
      manifest: { background: { service_worker: 'background.js' } },
      background: `
        importScripts('classic.js', 'notifications.js');
        function showPushMessage(message) {
          var notification = window.webkitNotifications.createNotification(
            '', 'New notification', message.payload + " [" + message.subchannelId + "]");
          notification.show();
        }
        function setupPush() { chrome.pushMessaging.onMessage.addListener(showPushMessage); }
        setupPush();`,
    });
    await profile.signIn();
    await send(town, 3, 'unchanged');
    await profile.browser.shows(profile.appId, 'unchanged [3]');
  });

  test("CL10 without the permission nothing is defined, and Chrome's line says so", async () => {
    await using town = await Town.start();
    await using profile = await AppProfile.start(town, {
      files: { 'classic.js': await bundleClient('classic') },
      manifest: { background: { service_worker: 'background.js' }, permissions: ['storage'] },
      background: `
        self.said = [];
        console.error = (line) => self.said.push(line);
        importScripts('classic.js');
        chrome.runtime.onInstalled.addListener(() => {});`,
    });
    const worker = await profile.browser.worker(profile.appId);
    const seen = await worker.evaluate(() => [
      'pushMessaging' in chrome,
      (globalThis as unknown as { said: string[] }).said,
    ]);
    expect(seen).toEqual([false, [expect.stringContaining('chrome.pushMessaging is not available')]]);
  });

  test('CL25 a listener in a page gets messages through the connection of the worker, as the same device', async () => {
    await using town = await Town.start();
    await using profile = await AppProfile.start(town, { background: `import './push-messaging.js';` });
    await profile.signIn();
    const page = await profile.browser.page(profile.appId, 'welcome.html');
    await page.evaluate(() => {
      const got: string[] = [];
      Object.assign(globalThis, { got });
      const { pushMessaging } = chrome as unknown as {
        pushMessaging: { onMessage: { addListener(listener: (message: { payload: string }) => void): void } };
      };
      pushMessaging.onMessage.addListener(({ payload }) => got.push(payload));
    });
    await send(town, 0, 'to the page');
    await waitUntil('the message in the page', () =>
      page.evaluate(() => (globalThis as unknown as { got: string[] }).got.includes('to the page')),
    );
    await waitUntil('the mark', async () => 0 in (await profile.marks()));
    const locks = await page.evaluate(async () => {
      const { held = [], pending = [] } = await navigator.locks.query();
      const count = (of: LockInfo[]) => of.filter(({ name }) => name === 'reveille.connection').length;
      return { held: count(held), pending: count(pending) };
    });
    expect(locks).toEqual({ held: 1, pending: 1 });
  });

  test('CL1 a listener that is added seconds after the worker started gets the message that woke nobody', async () => {
    await using town = await Town.start();
    await using profile = await AppProfile.start(town, {
      background: recorder.replace(
        'chrome.pushMessaging.onMessage.addListener(',
        'setTimeout((listener) => chrome.pushMessaging.onMessage.addListener(listener), 5000, ',
      ),
    });
    await profile.signIn();
    await profile.browser.stopWorker(profile.appId);
    await send(town, 2, 'early');
    await profile.wake();
    await waitUntil('the message', async () => (await profile.got()).includes('early [2]'), 45_000);
  });
});
