import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleClient } from '../client/bundle.ts';
import type { SeenApi } from '../client/seen.ts';
import { AppProfile, recorder } from '../dev-env/app-profile.ts';
import { waitUntil } from '../dev-env/browser.ts';
import { Town } from '../dev-env/town.ts';

/** The recorder, which also notes each time that it hears what was seen. */
const recordsSeen = `${recorder}
import './push-messaging.seen.js';
chrome.pushMessaging.onSeen.addListener(async ({ subchannelId }) => {
  const { heard = [] } = await chrome.storage.local.get('heard');
  await chrome.storage.local.set({ heard: [...heard, subchannelId] });
});
`;

describe('messages in stock Chromium', () => {
  let town: Town;
  let first: AppProfile;
  let token: string;
  let secondProfile: string;

  const send = async (subchannelId: number, payload: string): Promise<void> => {
    const answer = await town.send(token, { channelId: town.seed.channel_id, subchannelId, payload });
    expect(answer.status).toBe(204);
  };
  const start = async (profile?: string) => {
    const files = { 'push-messaging.seen.js': await bundleClient('seen') };
    return AppProfile.start(
      town,
      { background: recordsSeen, files },
      profile === undefined ? {} : { profile },
    );
  };
  const second = () => start(secondProfile);
  /** The user looks at a subchannel in the first profile. */
  const look = async (subchannelId: number): Promise<void> => {
    const worker = await first.browser.worker(first.appId);
    await worker.evaluate(async (id) => {
      await (chrome as unknown as { pushMessaging: SeenApi }).pushMessaging.markSeen(id);
    }, subchannelId);
  };
  const hears = (profile: AppProfile, heard: readonly number[]) =>
    waitUntil(`heard ${heard}`, async () => `${(await profile.stored()).heard}` === `${heard}`);
  /** Settles when everything sent so far has been handled in both profiles' common order. */
  const confirmed = (profile: AppProfile, payload: string, subchannelId: number) =>
    profile.gets(`${payload} [${subchannelId}]`);

  beforeAll(async () => {
    secondProfile = await mkdtemp(join(tmpdir(), 'reveille-second-'));
    town = await Town.start();
    token = await town.accessToken();
    first = await start();
    await first.signIn();
  });
  afterAll(async () => {
    await first?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
    await rm(secondProfile, { recursive: true, force: true });
  });

  test('EE2 one request runs the handler in both profiles of the user', async () => {
    await using other = await second();
    await other.signIn();
    await send(0, 'for both');
    await confirmed(first, 'for both', 0);
    await confirmed(other, 'for both', 0);
  });

  test('CL41 what the user has seen in one profile the other is told, at once or when it is back', async () => {
    {
      await using other = await second();
      await send(0, 'for both, then seen');
      await confirmed(first, 'for both, then seen', 0);
      await confirmed(other, 'for both, then seen', 0);
      expect((await other.stored()).heard).toBeUndefined();
      await look(0);
      await hears(other, [0]);
    }
    await send(0, 'for both, seen while one is away');
    await confirmed(first, 'for both, seen while one is away', 0);
    await look(0);
    await using other = await second();
    await confirmed(other, 'for both, seen while one is away', 0);
    await hears(other, [0, 0]);
  });

  test('EE3 a profile that was closed gets exactly the last message of each subchannel when it is back', async () => {
    for (const payload of ['one', 'two', 'three']) await send(1, payload);
    await send(2, 'other');
    await using other = await second();
    await confirmed(other, 'three', 1);
    await confirmed(other, 'other', 2);
    await send(3, 'after');
    await confirmed(other, 'after', 3);
    const got = (await other.got()).filter((line) => !line.startsWith('for both'));
    expect(got.toSorted()).toEqual(['after [3]', 'other [2]', 'three [1]']);
  });

  test('EE3 the profile that stayed got every one of them, in order', async () => {
    const got = (await first.got()).filter((line) => line.endsWith('[1]'));
    expect(got).toEqual(['one [1]', 'two [1]', 'three [1]']);
  });

  test('EE4 a server that is killed between accepting and delivering delivers after its restart', async () => {
    await first.browser.stopWorker(first.appId);
    await send(0, 'before the kill');
    await town.kill9();
    await town.startAgain();
    await first.wake();
    await confirmed(first, 'before the kill', 0);
  });

  test('EE5 a handler that fails gets the message again at the next connect, and once it ended well never more', async () => {
    await send(2, 'fail once: mail');
    await confirmed(first, 'fail once: mail', 2);
    await town.stop();
    await town.startAgain();
    const runs = async () => (await first.got()).filter((line) => line === 'fail once: mail [2]').length;
    await waitUntil('the second run', async () => (await runs()) === 2);
    await town.stop();
    await town.startAgain();
    await send(2, 'next');
    await confirmed(first, 'next', 2);
    expect(await runs()).toBe(2);
  });

  test('CL33 a worker that was stopped in mid-life comes back by its alarm and gets what waits', async () => {
    await first.browser.stopWorker(first.appId);
    await send(3, 'while asleep');
    await waitUntil('the alarm', async () => (await first.got()).includes('while asleep [3]'), 45_000);
  });
});
