import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, launch, type Page, type Target, type WebWorker } from 'puppeteer-core';
import { chromiumPath } from './installed-browsers.ts';

/** Measured: half the memory and half the start time of a plain start; push, sign-in and WebSocket work with them. */
const offlineFlags = ['--disable-background-networking', '--disable-default-apps'];
const leanFlags = [
  '--disable-component-extensions-with-background-pages',
  '--mute-audio',
  '--no-default-browser-check',
  '--disable-features=Translate,OptimizationHints,MediaRouter',
];

/** A worker that is stopped never answers an evaluation, so each has this limit. */
const answerMs = 20_000;

export interface BrowserOptions {
  /** An unpacked extension. It is installed anew at every start, so `onStartup` never fires for it. */
  readonly extension?: string;
  /** A user data folder to go on with; without one a fresh folder is made, and removed at the end. */
  readonly profile?: string;
  readonly flags?: readonly string[];
  /** True lets the browser fetch the extensions that policies and files of the machine name, and updates. */
  readonly online?: boolean;
}

/** A notification that is shown now. */
export interface ShownNotification {
  readonly title: string;
  readonly body: string;
}

/** One stock Chromium with a profile of its own, without a window, driven over a pipe. */
export class TestBrowser implements AsyncDisposable {
  readonly profile: string;
  readonly #browser: Browser;
  readonly #ownsProfile: boolean;

  private constructor(browser: Browser, profile: string, ownsProfile: boolean) {
    this.#browser = browser;
    this.profile = profile;
    this.#ownsProfile = ownsProfile;
  }

  static async start(options: BrowserOptions = {}): Promise<TestBrowser> {
    const profile = options.profile ?? (await mkdtemp(join(tmpdir(), 'reveille-profile-')));
    const extension = options.extension === undefined ? [] : [`--load-extension=${options.extension}`];
    // Chromium refuses its sandbox to root; tests in a container are root.
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const browser = await launch({
      executablePath: chromiumPath(),
      headless: true,
      pipe: true,
      enableExtensions: true,
      userDataDir: profile,
      // Puppeteer itself keeps the browser from fetching anything.
      ...(options.online === true ? { ignoreDefaultArgs: offlineFlags } : {}),
      args: [...leanFlags, ...sandbox, ...extension, ...(options.flags ?? [])],
    });
    return new TestBrowser(browser, profile, options.profile === undefined);
  }

  /** The worker of an extension, once it runs and `chrome` is there. Attaching keeps it from falling asleep. */
  async worker(appId: string): Promise<WebWorker> {
    const target = await this.#browser.waitForTarget((one) => isWorkerOf(one, appId), { timeout: answerMs });
    const worker = await target.worker();
    if (worker === null) throw new Error('the worker stopped while it was attached to');
    // A worker that just starts answers "chrome is not defined".
    await waitUntil('chrome is there', () => worker.evaluate(() => typeof chrome !== 'undefined'));
    return worker;
  }

  /** Ends the worker of an extension, as Chromium does with an idle one. */
  async stopWorker(appId: string): Promise<void> {
    const target = this.#browser.targets().find((one) => isWorkerOf(one, appId));
    await (await target?.worker())?.close();
  }

  /** Ends the service worker of an extension or site (its origin), and waits until it is gone. */
  async putToSleep(origin: string): Promise<void> {
    const running = () =>
      this.#browser.targets().find((one) => one.type() === 'service_worker' && one.url().startsWith(origin));
    const target = running();
    if (target === undefined) return;
    await (await target.worker())?.close();
    await waitUntil(`the end of ${origin}'s worker`, async () => running() === undefined);
  }

  /** Lets nothing of the browser run any more, until it is killed. */
  freeze(): void {
    this.#browser.process()?.kill('SIGSTOP');
  }

  /** Opens a page of an extension, which neither starts nor holds its worker. */
  async page(appId: string, path: string): Promise<Page> {
    return this.open(`chrome-extension://${appId}/${path}`);
  }

  async open(url: string): Promise<Page> {
    const page = await this.#browser.newPage();
    try {
      await page.goto(url);
    } catch (error) {
      // Who asks again and again would else leave pages without end, and the browser would get to nothing else.
      await page.close();
      throw error;
    }
    return page;
  }

  /** Waits for a window or tab whose address has this in it. */
  async window(part: string): Promise<Page> {
    const here = (one: Target): boolean => one.type() === 'page' && one.url().includes(part);
    const page = await (await this.#browser.waitForTarget(here, { timeout: answerMs })).page();
    if (page === null) throw new Error('the window closed at once');
    return page;
  }

  /** The addresses of all pages that are open. */
  pages(): readonly string[] {
    return this.#browser
      .targets()
      .filter((one) => one.type() === 'page')
      .map((one) => one.url());
  }

  /** Waits for the window that `launchWebAuthFlow` opens: an ordinary page at the service. */
  async signInWindow(): Promise<Page> {
    const target = await this.#browser.waitForTarget(isSignIn, { timeout: answerMs });
    const page = await target.page();
    if (page === null) throw new Error('the sign-in window closed at once');
    await page.waitForSelector('input[type=password]', { timeout: answerMs });
    return page;
  }

  /** What an extension shows now, asked from a page so that its worker may sleep. */
  async notifications(appId: string): Promise<readonly ShownNotification[]> {
    const page = await this.page(appId, 'manifest.json');
    try {
      return await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        const shown = (await registration?.getNotifications()) ?? [];
        return shown.map(({ title, body }) => ({ title, body }));
      });
    } finally {
      await page.close();
    }
  }

  /** Waits until a notification with this text is shown. One page asks: while pages come and go, Chromium may lose one. */
  async shows(appId: string, body: string): Promise<void> {
    let page: Page | undefined;
    // At a start of the browser the extension may not be there yet.
    await waitUntil('a page of the extension', async () => {
      page = await this.page(appId, 'manifest.json');
      return true;
    });
    const shown = async (text: string): Promise<boolean> => {
      const registration = await navigator.serviceWorker.getRegistration();
      return ((await registration?.getNotifications()) ?? []).some((one) => one.body === text);
    };
    await page?.waitForFunction(shown, { polling: 250, timeout: answerMs }, body);
    await page?.close();
  }

  /** SIGKILL to the browser, as a power cut would. The profile stays. */
  async kill9(): Promise<void> {
    const browser = this.#browser.process();
    const exited = new Promise((resolve) => browser?.once('exit', resolve));
    browser?.kill('SIGKILL');
    await exited;
  }

  /** Quits politely. The profile stays when it was given. */
  async quit(): Promise<void> {
    await this.#browser.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit().catch(() => {});
    if (this.#ownsProfile) await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Fills in the form of a sign-in window and sends it. */
export async function fillSignIn(page: Page, email: string, password: string): Promise<void> {
  for (const [selector, text] of [
    ['input[type=email]', email],
    ['input[type=password]', password],
  ] as const) {
    await page.$eval(selector, (field) => {
      (field as unknown as { value: string }).value = '';
    });
    await page.type(selector, text);
  }
  await page.click('form button[type=submit], form button:not([type])');
}

/** Asks again and again until the answer is true. For what shows itself by no event that a test could wait for. */
export async function waitUntil(
  what: string,
  ask: () => Promise<boolean>,
  limitMs = answerMs,
): Promise<void> {
  const until = Date.now() + limitMs;
  let failure: unknown;
  while (Date.now() < until) {
    try {
      if (await ask()) return;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${limitMs} ms in vain for: ${what}`, { cause: failure });
}

function isWorkerOf(target: Target, appId: string): boolean {
  return target.type() === 'service_worker' && target.url().startsWith(`chrome-extension://${appId}/`);
}

function isSignIn(target: Target): boolean {
  return target.type() === 'page' && /\/o\/oauth2\/auth|\/accounts\//.test(target.url());
}
