import type { Page } from 'puppeteer-core';
import { bundleClient } from '../client/bundle.ts';
import { fillSignIn, waitUntil } from './browser.ts';
import { PushSite } from './push-site.ts';
import type { Town } from './town.ts';
import { hostApp } from './town-apps.ts';

/** A browser in which the app is opened and a window of the service is found. */
interface Browsing {
  open(url: string): Promise<Page>;
  window(part: string): Promise<Page>;
}

/** A web site that is a hosted app of a town: one page with a button, and a worker that tells each message to the site. */
export async function hostWebApp(town: Town): Promise<PushSite> {
  const options = JSON.stringify({ server: town.origin, app: town.seed.app.id });
  const site = new PushSite({
    '/push-messaging.web.js': await bundleClient('web'),
    '/push-messaging.seen.js': await bundleClient('seen'),
    '/': `<!doctype html><meta charset="utf-8"><title>App</title><button>Sign in</button><output></output>
<script src="/push-messaging.web.js"></script><script src="/push-messaging.seen.js"></script><script src="/page.js"></script>`,
    '/page.js': `
const pushMessaging = createPushMessaging({ ...${options}, worker: '/sw.js' });
const show = (text) => { document.querySelector('output').textContent = text; };
document.querySelector('button').onclick = () => {
  pushMessaging.getChannelId(true).then(({ channelId }) => show(channelId), (error) => show(error.message));
};
`,
    '/sw.js': `
importScripts('/push-messaging.web.js', '/push-messaging.seen.js');
const pushMessaging = createPushMessaging(${options});
pushMessaging.onSeen.addListener(({ subchannelId }) => fetch('/got', { method: 'POST', body: 'seen: ' + subchannelId }));
pushMessaging.onMessage.addListener(async ({ payload, subchannelId }) => {
  const shown = (await registration.getNotifications()).map(({ tag }) => tag).join();
  const body = payload === 'shown?' ? 'shown: ' + shown : payload + ' [' + subchannelId + ']';
  const answer = await fetch('/got', { method: 'POST', body });
  if (!answer.ok) throw new Error('on purpose');
});
`,
  });
  await hostApp(town, new URL(site.url).origin, site.url);
  return site;
}

/** Signs in as the town's account by the page's button; answers what the page shows then: the channel id. */
export async function signInToWebApp(town: Town, site: PushSite, browser: Browsing): Promise<string> {
  const page = await browser.open(site.url);
  await page.click('button');
  const { email, password } = town.seed.account;
  const window = await browser.window('/accounts/');
  await window.waitForSelector('input[type=password]');
  await fillSignIn(window, email, password);
  await window.waitForSelector('button[value=allow]');
  await window.click('button[value=allow]');
  const shown = () => page.$eval('output', (output) => output.textContent ?? '');
  await waitUntil('what the page shows', async () => (await shown()) !== '', 60_000);
  const text = await shown();
  await page.close();
  return text;
}
