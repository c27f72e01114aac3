import type { Page } from 'puppeteer-core';

/** A browser that can open a page. */
interface Opens {
  open(url: string): Promise<Page>;
}

/** What the page's worker told its own server about one push. */
export interface Got {
  readonly text: string;
  readonly at: number;
}

/** A push subscription as a page hands it to its server. */
export interface PageSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

const page = '<!doctype html><meta charset="utf-8"><title>Push</title>';

/**
 * Tells the site's server each push, one after the other so that the order is seen, and keeps a notification shown, so that
 * the browser's quota of silent pushes is not touched.
 */
const worker = `
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
let told = Promise.resolve();
addEventListener('push', (event) => {
  const text = event.data === null ? '(nothing)' : event.data.text();
  told = told.then(() => fetch('/got', { method: 'POST', body: text }));
  event.waitUntil(told.then(() => registration.getNotifications()).then((shown) =>
    shown.length > 0 ? undefined : registration.showNotification(text)));
});
`;

/** A web site with a service worker that receives pushes and reports each to the test. */
export class PushSite implements Disposable {
  readonly got: Got[] = [];
  readonly #server: Bun.Server<undefined>;
  #changed = Promise.withResolvers<void>();

  constructor() {
    this.#server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => this.#answer(request) });
  }

  get url(): string {
    return `http://localhost:${this.#server.port}/`;
  }

  /** Opens the site in a browser and subscribes it, then leaves the page. */
  async subscribe(browser: Opens, applicationServerKey?: string): Promise<PageSubscription> {
    const opened = await browser.open(this.url);
    const subscription = await opened.evaluate(async (key) => {
      await navigator.serviceWorker.register('/sw.js');
      const { pushManager } = await navigator.serviceWorker.ready;
      const options = { userVisibleOnly: true, ...(key !== null && { applicationServerKey: key }) };
      return JSON.stringify(await pushManager.subscribe(options));
    }, applicationServerKey ?? null);
    await opened.close();
    return JSON.parse(subscription) as PageSubscription;
  }

  async unsubscribe(browser: Opens): Promise<void> {
    const opened = await browser.open(this.url);
    await opened.evaluate(async () => {
      const { pushManager } = await navigator.serviceWorker.ready;
      await (await pushManager.getSubscription())?.unsubscribe();
    });
    await opened.close();
  }

  /** Waits until the worker has told of `count` pushes. */
  async until(count: number): Promise<readonly string[]> {
    while (this.got.length < count) await this.#changed.promise;
    return this.got.map(({ text }) => text);
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/got') {
      this.got.push({ text: await request.text(), at: performance.now() });
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
      return new Response(null, { status: 204 });
    }
    if (pathname === '/sw.js')
      return new Response(worker, { headers: { 'Content-Type': 'text/javascript' } });
    return new Response(page, { headers: { 'Content-Type': 'text/html' } });
  }
}
