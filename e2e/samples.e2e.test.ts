import { expect, test } from 'bun:test';
import { bundleClient } from '../client/bundle.ts';
import type { SeenApi } from '../client/seen.ts';
import { AppProfile } from '../dev-env/app-profile.ts';
import { fillSignIn, waitUntil } from '../dev-env/browser.ts';
import { Town } from '../dev-env/town.ts';
import { readSamples } from '../tools/samples.ts';

/** What the reader of README.md writes: both functions note what they are given. */
const ofReader = `
const note = (name, value) => chrome.storage.local.set({ [name]: value });
globalThis.show = (subchannelId, payload) => note('shown', payload + ' [' + subchannelId + ']');
globalThis.tellMyServer = (channelId) => note('told', channelId);
`;

test('DO5 the extension of README.md and those of docs/push-messaging.md run in stock Chromium', async () => {
  const samples = new Map((await readSamples()).map(({ name, text }) => [name, text]));
  const sample = (name: string): string => samples.get(name) ?? `no sample ${name}`;
  await using town = await Town.start();
  await using profile = await AppProfile.start(town, {
    background: `import './reader.js'; import './first.js'; import './seen.js'; import './readme.js';`,
    files: {
      'reader.js': ofReader,
      'readme.js': sample('README.md js 1'),
      'first.js': sample('docs/push-messaging.md js 1'),
      'seen.js': sample('docs/push-messaging.md js 2'),
      'push-messaging.seen.js': await bundleClient('seen'),
    },
  });
  const { email, password } = town.seed.account;
  await fillSignIn(await profile.browser.signInWindow(), email, password);
  await waitUntil('the channel', async () => (await profile.stored()).told === town.seed.channel_id);

  const answer = await town.send(await town.accessToken(), {
    channelId: town.seed.channel_id,
    subchannelId: 2,
    payload: 'by the samples',
  });
  expect(answer.status).toBe(204);
  await waitUntil('the message', async () => (await profile.stored()).shown === 'by the samples [2]');
  const page = await profile.browser.page(profile.appId, 'manifest.json');
  const titles = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return ((await registration?.getNotifications()) ?? []).map(({ title }) => title);
    });
  await waitUntil('the notification', async () => (await titles()).includes('by the samples'));
  const worker = await profile.browser.worker(profile.appId);
  await worker.evaluate(async () => {
    await (chrome as unknown as { pushMessaging: SeenApi }).pushMessaging.markSeen(2);
  });
  await waitUntil('no notification', async () => (await titles()).length === 0);
});
