import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { AppProfile, recorder } from '../dev-env/app-profile.ts';
import { waitUntil } from '../dev-env/browser.ts';
import { Town } from '../dev-env/town.ts';

const ROUNDS = 10;

/** Notes beside each message when its handler was entered and when its worker started. */
const timed = `const startedAt = Date.now();${recorder.replace(
  "message.subchannelId + ']'",
  "message.subchannelId + '] ' + Date.now() + ' ' + startedAt",
)}`;

describe('an extension in stock Chromium with this service as its push service', () => {
  let town: Town;
  let profile: AppProfile;

  const send = async (subchannelId: number, payload: string): Promise<void> => {
    const message = { channelId: town.seed.channel_id, subchannelId, payload };
    expect((await town.send(await town.accessToken(), message)).status).toBe(204);
  };

  beforeAll(async () => {
    town = await Town.start({ mcs: true });
    profile = await AppProfile.start(town, { background: timed }, { flags: town.chromiumFlags });
    await profile.signIn();
    await profile.wakeable();
  }, 60_000);
  afterAll(async () => {
    await profile?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
  });

  test('PT8 a message to a stopped worker starts it, and its handler runs', async () => {
    const latencies: number[] = [];
    for (let n = 0; latencies.length < ROUNDS && n < 3 * ROUNDS; n++) {
      await profile.browser.putToSleep(`chrome-extension://${profile.appId}/`);
      const sentAt = Date.now();
      await send(n % 4, `wake ${n}`);
      let line = '';
      await waitUntil(`wake ${n}`, async () => {
        line = (await profile.got()).find((one) => one.startsWith(`wake ${n} `)) ?? '';
        return line !== '';
      });
      const [startedAt, at] = line.split(' ').reverse().map(Number);
      // Chromium may start a worker again by itself just after it was stopped: that try shows nothing of a wake-up.
      if (Number(startedAt) > sentAt) latencies.push(Number(at) - sentAt);
    }
    expect(latencies).toHaveLength(ROUNDS);
    const sorted = latencies.sort((a, b) => a - b);
    console.log(
      `pushMessaging, worker stopped: median ${sorted[5]} ms, worst ${sorted.at(-1)} ms of ${ROUNDS}`,
    );
  }, 90_000);
});
