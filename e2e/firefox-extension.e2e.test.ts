import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { firefoxFleetFiles } from '../cli/fleet-files.ts';
import { fillSignIn } from '../dev-env/browser.ts';
import { TestFirefox } from '../dev-env/firefox.ts';
import { type FirefoxExtension, packFirefoxExtension } from '../dev-env/firefox-extension.ts';
import { installFiles } from '../dev-env/machine-files.ts';
import { PushSite } from '../dev-env/push-site.ts';
import { Town } from '../dev-env/town.ts';
import { browserSettings } from '../protocol/browser-settings.ts';

const preferences = {
  // The extension is not signed by Mozilla; an ESR lets its owner say that this is well.
  'xpinstall.signatures.required': false,
  // Half a minute is the browser's own, which a test need not wait for.
  'extensions.background.idle.timeout': 2_000,
};

describe('an extension in stock Firefox, set by policy, over https', () => {
  let town: Town;
  let site: PushSite;
  let extension: FirefoxExtension;
  let firefox: TestFirefox;
  let installed: AsyncDisposable | undefined;

  const start = (profile?: string) =>
    TestFirefox.start({ preferences, ...(profile !== undefined && { profile }) });
  const send = async (payload: string): Promise<void> => {
    const message = { channelId: town.seed.channel_id, subchannelId: 1, payload };
    expect((await town.send(await town.accessToken(), message)).status).toBe(204);
  };
  /** Waits until the extension has told this, after the first `from` that it told. */
  const told = async (text: string, from: number): Promise<void> => {
    for (let count = from + 1; !(await site.until(count)).slice(from).includes(text); ) count += 1;
  };
  const lastConfirmed = async (): Promise<string | null> => {
    const path = `/v2/channels/${encodeURIComponent(town.seed.channel_id)}`;
    const headers = { Authorization: `Bearer ${await town.accessToken()}` };
    return ((await (await town.fetch(path, { headers })).json()) as { lastConfirmed: string | null })
      .lastConfirmed;
  };

  beforeAll(async () => {
    town = await Town.start({ tls: true });
    site = new PushSite({});
    extension = await packFirefoxExtension(town, site.url);
    const fleet = {
      settings: browserSettings(town.origin, undefined),
      authority: new X509Certificate(await town.authority()),
      extensions: [extension],
      notifications: [town.origin],
    };
    installed = await installFiles(firefoxFleetFiles(fleet));
    firefox = await start();
  }, 240_000);
  afterAll(async () => {
    await firefox?.quit();
    if (firefox !== undefined) await rm(firefox.profile, { recursive: true, force: true, maxRetries: 5 });
    await installed?.[Symbol.asyncDispose]();
    await extension?.[Symbol.asyncDispose]();
    site?.[Symbol.dispose]();
    await town?.[Symbol.asyncDispose]();
  });

  test('FE1 FE2 it signs in by its own redirect, and a message reaches it over wss', async () => {
    const window = await firefox.window('/accounts/');
    await window.waitForSelector('input[type=password]');
    await fillSignIn(window, town.seed.account.email, town.seed.account.password);
    await told(town.seed.channel_id, 0);
    await send('connected');
    await told('connected', 0);
  }, 120_000);

  test('FE4 its background page is stopped, a message wakes it through the site, and is confirmed', async () => {
    const took: number[] = [];
    for (const payload of ['first', 'second', 'third']) {
      await told('stopped', site.got.length - 1);
      const [from, before] = [site.got.length, performance.now()];
      const confirmed = await lastConfirmed();
      await send(payload);
      await told(payload, from);
      expect(site.got.slice(from).map(({ text }) => text)).toContain('started');
      took.push((site.got.at(-1)?.at ?? 0) - before);
      while ((await lastConfirmed()) === confirmed) await Bun.sleep(50);
    }
    console.log(
      `Firefox extension, stopped: POST to handler ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`,
    );
  }, 120_000);

  test('FE5 what came while Firefox was closed is handled after its start', async () => {
    await firefox.quit();
    const from = site.got.length;
    await send('old');
    await send('newest');
    firefox = await start(firefox.profile);
    await told('newest', from);
    expect(site.got.slice(from).map(({ text }) => text)).not.toContain('old');
  }, 120_000);
});
