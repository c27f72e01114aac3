import { rm } from 'node:fs/promises';
import { type BrowserOptions, fillSignIn, TestBrowser, waitUntil } from './browser.ts';
import { appIdOf, type ExtensionOptions, makeExtension } from './extension.ts';
import type { Town } from './town.ts';

/**
 * A background script for tests: notes every message in `chrome.storage`, where a page can read it while the worker sleeps.
 * A payload that begins with "fail once" fails its first run.
 */
export const recorder = `
import './push-messaging.js';
chrome.pushMessaging.onMessage.addListener((message) => navigator.locks.request('got', async () => {
  const { got = [] } = await chrome.storage.local.get('got');
  const line = message.payload + ' [' + message.subchannelId + ']';
  await chrome.storage.local.set({ got: [...got, line] });
  if (message.payload.startsWith('fail once') && !got.includes(line)) throw new Error('on purpose');
}));
`;

/** One browser profile with an app in it, made for a town. */
export class AppProfile implements AsyncDisposable {
  readonly browser: TestBrowser;
  /** The id that the extension's key gives it. */
  readonly appId: string;
  readonly #town: Town;
  readonly #folder: string | undefined;

  private constructor(browser: TestBrowser, town: Town, folder: string | undefined, appId: string) {
    this.browser = browser;
    this.appId = appId;
    this.#town = town;
    this.#folder = folder;
  }

  /** Starts a browser with the example, or with another background script in it. */
  static async start(
    town: Town,
    extension: Partial<ExtensionOptions> = {},
    options: BrowserOptions = {},
  ): Promise<AppProfile> {
    const key = extension.key ?? town.seed.app.key;
    const folder = await makeExtension({ server: town.origin, ...extension, key });
    return new AppProfile(
      await TestBrowser.start({ extension: folder, ...options }),
      town,
      folder,
      appIdOf(key),
    );
  }

  /** Starts a browser in which an extension is installed already. */
  static async attach(town: Town, appId: string, options: BrowserOptions): Promise<AppProfile> {
    const browser = await TestBrowser.start({ ...options, online: true });
    await browser.worker(appId);
    return new AppProfile(browser, town, undefined, appId);
  }

  /** Signs in as the town's account in the window that the welcome page opens; settles when the channel is there. */
  async signIn(passwords: readonly string[] = [this.#town.seed.account.password]): Promise<void> {
    const page = await this.browser.page(this.appId, 'welcome.html');
    // Not page.click: it waits for the page to be in front, and the example may open a page of its own.
    await page.$eval('#sign-in', (button) => (button as unknown as { click(): void }).click());
    const window = await this.browser.signInWindow();
    for (const password of passwords) await fillSignIn(window, this.#town.seed.account.email, password);
    await waitUntil('the channel', async () =>
      (await page.$eval('#outcome', (element) => element.textContent ?? '')).startsWith('Ready.'),
    );
    await page.close();
  }

  /** Starts the worker, as any event of the extension would. */
  async wake(): Promise<void> {
    const page = await this.browser.page(this.appId, 'manifest.json');
    await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      registration?.active?.postMessage('wake');
    });
    await page.close();
  }

  /** The channel that the profile is registered on. */
  async channelId(): Promise<string> {
    const device = (await this.stored())['reveille.device'] as { channelId: string } | undefined;
    if (device === undefined) throw new Error('the profile is not registered');
    return device.channelId;
  }

  /** The versions that the app has handled, by subchannel. */
  async marks(): Promise<Readonly<Record<string, number>>> {
    const kept = (await this.stored())['reveille.marks'] as { marks?: Record<string, number> } | undefined;
    return kept?.marks ?? {};
  }

  /** What the recorder has noted, in the order of its runs. */
  async got(): Promise<readonly string[]> {
    return ((await this.stored()).got ?? []) as readonly string[];
  }

  /** Waits until the service knows how to wake this profile. One page stays open: while pages come and go, `subscribe` hangs. */
  async wakeable(): Promise<void> {
    const page = await this.browser.page(this.appId, 'manifest.json');
    await page.waitForFunction(async () => 'reveille.transport' in (await chrome.storage.local.get()));
    await page.close();
  }

  /** Everything in the app's storage, read without waking its worker. */
  async stored(): Promise<Record<string, unknown>> {
    const page = await this.browser.page(this.appId, 'manifest.json');
    try {
      return await page.evaluate(() => chrome.storage.local.get() as Promise<Record<string, unknown>>);
    } finally {
      await page.close();
    }
  }

  /** As if the profile had never been registered. */
  async forgetDevice(): Promise<void> {
    const page = await this.browser.page(this.appId, 'manifest.json');
    await page.evaluate(() => chrome.storage.local.remove('reveille.device'));
    await page.close();
  }

  /** Waits until the recorder has noted this line. */
  async gets(line: string): Promise<void> {
    await waitUntil(`"${line}"`, async () => (await this.got()).includes(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}
