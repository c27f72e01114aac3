import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { createCall, register, setTransport } from '../client/service.ts';
import { waitUntil } from '../dev-env/browser.ts';
import { makeTestCertificate } from '../dev-env/certificates.ts';
import { pushPreferences, TestFirefox } from '../dev-env/firefox.ts';
import { PushKeys } from '../dev-env/push-crypto.ts';
import type { PushSite } from '../dev-env/push-site.ts';
import { Town } from '../dev-env/town.ts';
import { signInToTown } from '../dev-env/town-device.ts';
import { hostWebApp, signInToWebApp } from '../dev-env/web-app.ts';

describe('an app in a Firefox that stays with the push service of another', () => {
  let folder: string;
  /** The push service of the browser: a second Reveille, which knows nothing of the app. */
  let vendor: Town;
  /** The service of the app. */
  let town: Town;
  let site: PushSite;
  let firefox: TestFirefox;
  let page: Page;

  const debug = ['--log-level', 'debug'];
  const callsTo = (hosts: string) => [...debug, '--push-addresses', 'any', '--push-hosts', hosts];

  const send = async (payload: string, subchannelId: number): Promise<number> => {
    const channelId = town.seed.channel_id;
    const answer = await town.send(await town.accessToken(), { channelId, subchannelId, payload });
    expect(answer.status).toBe(204);
    return Number(answer.headers.get('Reveille-Message'));
  };
  const next = (count: number) => {
    const before = site.got.length;
    return site.until(before + count).then((got) => got.slice(before));
  };
  /** What a service has written down under this name. */
  const told = ({ log }: Town, name: string): readonly Record<string, unknown>[] =>
    log
      .split('\n')
      .filter((line) => line.includes(`"msg":"${name}"`))
      .map((line) => JSON.parse(line));
  const confirmed = (version: number) =>
    waitUntil('the confirm', async () => told(town, 'confirmed').some((line) => line.version === version));
  /** Waits until a wake-up for a message was not taken. */
  const woken = (version: number, outcome: string) =>
    waitUntil(outcome, async () =>
      told(town, 'woken').some((line) => line.version === version && line.outcome === outcome),
    );
  /** What the page of this profile's device says to its user. */
  const devicePage = async (): Promise<string> => {
    const read = async (path: string) =>
      (await fetch(town.origin + path, { headers: { Cookie: town.seed.cookie } })).text();
    const [path] = /\/console\/receiving\/devices\/[\w-]+/.exec(await read('/console/receiving')) ?? [];
    return await read(path ?? 'the device is not listed');
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reveille-vendor-'));
    const { certFile, keyFile, caFile } = await makeTestCertificate(folder);
    // By name and over https, as push services are called.
    const tls = ['--host', 'localhost', '--tls-cert', certFile, '--tls-key', keyFile, '--mcs-port', '0'];
    vendor = await Town.start({ seeded: false, flags: [...debug, ...tls] });
    const { origin } = vendor;
    town = await Town.start({
      flags: callsTo(new URL(origin).host),
      environment: { NODE_EXTRA_CA_CERTS: caFile },
    });
    site = await hostWebApp(town);
    firefox = await TestFirefox.start({
      preferences: pushPreferences(origin),
      trusts: { origin, certFile },
    });
    // Once the window of a sign-in has closed Firefox opens no further page to a driver.
    page = await firefox.open('about:blank');
  }, 120_000);
  afterAll(async () => {
    await firefox?.[Symbol.asyncDispose]();
    site?.[Symbol.dispose]();
    await town?.[Symbol.asyncDispose]();
    await vendor?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('WK19 a message goes through it encrypted, wakes the worker with no page of the app open, and is confirmed', async () => {
    expect(await signInToWebApp(town, site, firefox)).toBe(town.seed.channel_id);
    const got = next(1);
    const version = await send('between us', 2);
    expect(await got).toEqual(['between us [2]']);
    await confirmed(version);
    expect(told(vendor, 'answered').length).toBe(1);
    const entries = await readdir(vendor.dataFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const kept = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name))));
    expect(kept.some((bytes) => bytes.includes('reveille-2'))).toBe(true);
    expect(kept.some((bytes) => bytes.includes('between us'))).toBe(false);
  }, 120_000);

  test('WK19 WK20 WK22 while it is down the wake-ups rest; when it is back everything comes', async () => {
    await vendor.stop();
    const got = next(3);
    const versions = [await send('first', 0)];
    await woken(Number(versions[0]), 'later');
    versions.push(await send('second', 1), await send('third', 3));
    expect(await devicePage()).toContain(`${new URL(vendor.origin).host} could not be reached`);
    await vendor.startAgain();
    expect([...(await got)].sort()).toEqual(['first [0]', 'second [1]', 'third [3]']);
    for (const version of versions) await confirmed(version);
    // Once it was asked in vain, the others kept away.
    expect(told(town, 'failed').length).toBe(1);
  }, 120_000);

  test('WK21 WK22 when it is not allowed any more it is not called; when it is again, what waited comes', async () => {
    const calls = told(vendor, 'accepted').length;
    await town.stop();
    await town.startAgain(callsTo('none'));
    const version = await send('waits', 0);
    await woken(version, 'later');
    expect(await devicePage()).toContain('its operator can allow it with --push-hosts.');
    expect(told(vendor, 'accepted').length).toBe(calls);
    await town.stop();
    const got = next(1);
    await town.startAgain();
    expect(await got).toEqual(['waits [0]']);
    await confirmed(version);
  }, 120_000);

  test('WK15 a subscription at a push service that is not allowed is refused when a device registers it', async () => {
    const call = createCall(town.origin, fetch);
    const device = await register(call, await signInToTown(town), { name: 'elsewhere' });
    const endpoint = 'https://push.elsewhere.example/1';
    await expect(
      setTransport(call, device, { kind: 'push', endpoint, ...PushKeys.make().json }),
    ).rejects.toThrow('does not push to push.elsewhere.example');
    await call(`/v2/devices/${device.deviceId}`, device.deviceToken, undefined, 'DELETE');
  });

  test('WK18 WK22 a subscription that ended there is removed here, and the next visit makes another', async () => {
    await page.goto(`${site.url}no-page-of-the-app`);
    await page.evaluate(async () => {
      const { pushManager } = await navigator.serviceWorker.ready;
      await (await pushManager.getSubscription())?.unsubscribe();
    });
    await page.goto('about:blank');
    const version = await send('nobody hears it', 1);
    await woken(version, 'gone');
    const shown = await devicePage();
    expect(shown).toContain('Nothing: it gets messages while it is connected.');
    expect(shown).toContain('Its push service says that the subscription has ended.');
    const got = next(1);
    await page.goto(site.url);
    expect(await got).toEqual(['nobody hears it [1]']);
    await confirmed(version);
    await page.goto('about:blank');
    const last = next(1);
    await send('heard again', 1);
    expect(await last).toEqual(['heard again [1]']);
  }, 120_000);
});
