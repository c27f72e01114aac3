import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProfile, recorder } from '../dev-env/app-profile.ts';
import { installByPolicy, type PolicyExtension } from '../dev-env/policy-extension.ts';
import { Town } from '../dev-env/town.ts';
import { registerApp } from '../dev-env/town-apps.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** Notes which events have started the worker. */
const startRecorder = `${recorder}
chrome.runtime.onStartup.addListener(() => chrome.storage.local.set({ startup: Date.now() }));
`;

describe('an installed app over restarts of the browser', () => {
  let town: Town;
  let installed: PolicyExtension;
  let profile: string;
  let channelId: string;
  const start = () => AppProfile.attach(town, installed.appId, { profile });
  const send = async (payload: string): Promise<void> => {
    const answer = await town.send(await town.accessToken(), { channelId, subchannelId: 1, payload });
    expect(answer.status).toBe(204);
  };

  beforeAll(async () => {
    town = await Town.start();
    await registerApp(town, privateKey);
    profile = await mkdtemp(join(tmpdir(), 'reveille-start-up-'));
    installed = await installByPolicy(privateKey, { server: town.origin, background: startRecorder });
  });
  afterAll(async () => {
    await installed?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
    await rm(profile, { recursive: true, force: true });
  });

  test('CL33 what was sent while the browser was closed arrives at its next start, without any page of the app', async () => {
    {
      await using browser = await start();
      await browser.signIn();
      channelId = await browser.channelId();
    }
    await send('while closed');
    await using browser = await start();
    await browser.gets('while closed [1]');
    expect(await browser.stored()).toHaveProperty('startup');
  });

  test('CL33 the same after the browser was killed', async () => {
    {
      await using browser = await start();
      await browser.browser.worker(installed.appId);
      await browser.browser.kill9();
    }
    await send('after the kill');
    await using browser = await start();
    await browser.gets('after the kill [1]');
    // What was handled before the kill is not run again.
    expect(await browser.got()).toEqual(['while closed [1]', 'after the kill [1]']);
  });
});
