import { afterAll, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { pushSwitches } from '../cli/chromium.ts';
import { chromiumFiles } from '../cli/fleet-files.ts';
import { TestBrowser } from '../dev-env/browser.ts';
import { installFiles } from '../dev-env/machine-files.ts';
import { PushSite } from '../dev-env/push-site.ts';
import { Town } from '../dev-env/town.ts';
import { WebPushSender } from '../dev-env/web-push-sender.ts';
import { browserSettings } from '../protocol/browser-settings.ts';

/** Taken away again also after a test that ran out of time. */
let installed: AsyncDisposable | undefined;
afterAll(() => installed?.[Symbol.asyncDispose]());

test('MC25 the files that `reveille policy chromium` prints are enough: authority, notifications and switches', async () => {
  await using town = await Town.start({ seeded: false, mcs: true });
  using site = new PushSite();
  const sender = new WebPushSender();
  const { port, ca } = await town.mcsDoor();
  const settings = browserSettings(town.origin, port);
  const fleet = {
    settings,
    authority: new X509Certificate(ca),
    extensions: [],
    notifications: [new URL(site.url).origin],
  };
  installed = await installFiles(chromiumFiles(fleet, pushSwitches(settings)));
  // Not one flag that trusts, permits or leads anywhere: what is left keeps the browser on this machine.
  await using browser = await TestBrowser.start({ flags: town.fenceFlags });
  const { endpoint, keys } = await site.subscribe(browser, sender.publicKey);
  const subscription = { endpoint: town.origin + new URL(endpoint).pathname, keys };
  expect((await sender.send(subscription, 'by policy')).status).toBe(201);
  expect(await site.until(1)).toEqual(['by policy']);
}, 120_000);
