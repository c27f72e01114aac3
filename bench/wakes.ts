import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { TestBrowser } from '../dev-env/browser.ts';
import { pushPreferences, TestFirefox } from '../dev-env/firefox.ts';
import { type PageSubscription, PushSite } from '../dev-env/push-site.ts';
import { WebPushSender } from '../dev-env/web-push-sender.ts';

/** A push that is not at its handler by then is lost. */
const LOST_MS = 20_000;
/** A worker of Firefox that has nothing to do is stopped after this. Its own setting is half a minute. */
const FIREFOX_IDLE_MS = 400;
/** One whose script needs longer than that to start counts as idle too, and its registration fails: so often it is tried. */
const REGISTRATIONS = 5;

/** Says when it was started and when its handler was entered; one notification stays shown, for the quota's sake. */
const worker = `
const startedAt = Date.now();
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('push', (event) => {
  const told = JSON.stringify({ enteredAt: Date.now(), startedAt });
  event.waitUntil(fetch('/got', { method: 'POST', body: told })
    .then(() => registration.getNotifications())
    .then((shown) => shown.length > 0 ? undefined : registration.showNotification('woken')));
});
`;

interface Told {
  readonly enteredAt: number;
  readonly startedAt: number;
}

/** A browser with a site whose worker is stopped before each push. */
export interface Sleeper extends AsyncDisposable {
  /** Milliseconds from the POST to the handler; undefined when the worker ran already, or the push did not come. */
  wake(): Promise<number | 'ran' | 'lost'>;
}

interface Driven extends AsyncDisposable {
  open(url: string): Promise<Page>;
}

async function subscribe(site: PushSite, browser: Driven, key: string): Promise<PageSubscription> {
  for (let left = REGISTRATIONS - 1; ; left -= 1) {
    try {
      return await site.subscribe(browser, key);
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

async function sleeper(
  browser: Driven,
  putToSleep: (site: string) => Promise<void>,
  home: (subscription: PageSubscription) => PageSubscription,
): Promise<Sleeper> {
  const site = new PushSite({ '/': '<!doctype html><title>Woken</title>', '/sw.js': worker });
  const sender = new WebPushSender();
  const subscription = home(await subscribe(site, browser, sender.publicKey));
  return {
    async wake() {
      await putToSleep(site.url);
      const count = site.got.length + 1;
      const push = sender.request(subscription, 'wake');
      const sentAt = Date.now();
      const { status } = await fetch(push);
      if (status !== 201) throw new Error(`a push was answered ${status}`);
      const got = await Promise.race([site.until(count), Bun.sleep(LOST_MS)]);
      if (got === undefined) return 'lost';
      const { enteredAt, startedAt } = JSON.parse(got.at(-1) ?? '') as Told;
      return startedAt < sentAt ? 'ran' : enteredAt - sentAt;
    },
    async [Symbol.asyncDispose]() {
      site[Symbol.dispose]();
      await browser[Symbol.asyncDispose]();
    },
  };
}

/** A Firefox whose push service is at `origin`. */
export async function firefoxAt(origin: string): Promise<Sleeper> {
  const preferences = {
    ...pushPreferences(origin),
    'dom.serviceWorkers.idle_timeout': FIREFOX_IDLE_MS,
    'dom.serviceWorkers.idle_extended_timeout': FIREFOX_IDLE_MS,
  };
  const firefox = await TestFirefox.start({ preferences });
  return await sleeper(
    firefox,
    () => Bun.sleep(2.5 * FIREFOX_IDLE_MS),
    (subscription) => subscription,
  );
}

/** A Chromium with a fresh profile in `folder`, whose push service is at `origin` by these flags. */
export async function chromiumAt(
  origin: string,
  flags: readonly string[],
  profile: string,
): Promise<Sleeper> {
  await mkdir(join(profile, 'Default'), { recursive: true });
  // Every site may show notifications, so that its pages may subscribe.
  const preferences = { profile: { default_content_setting_values: { notifications: 1 } } };
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const browser = await TestBrowser.start({ profile, flags });
  return await sleeper(
    browser,
    (site) => browser.putToSleep(site),
    // Chromium pastes a host of its own vendor in front of the token.
    (subscription) => ({ ...subscription, endpoint: origin + new URL(subscription.endpoint).pathname }),
  );
}
