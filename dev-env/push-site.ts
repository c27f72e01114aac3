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
  readonly #files: Readonly<Record<string, string>>;
  readonly #refused = new Set<string>();
  #changed = Promise.withResolvers<void>();

  /** @param files other texts than a page and a worker that only receive, by their paths. */
  constructor(files: Readonly<Record<string, string>> = { '/': page, '/sw.js': worker }) {
    this.#files = files;
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

  /** @param first what is awaited between the opening of the page and its call */
  async unsubscribe(browser: Opens, first: () => Promise<unknown>): Promise<void> {
    const opened = await browser.open(this.url);
    await first();
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
    if (pathname === '/here') return this.#untilGone(request);
    if (pathname === '/got') {
      const text = await request.text();
      this.#note(text);
      // Once only, and only where a test asks for it: the worker's handler fails by it.
      const refused = text.startsWith('fail once') && !this.#refused.has(text);
      this.#refused.add(text);
      return new Response(null, { status: refused ? 500 : 204 });
    }
    const text = this.#files[pathname];
    if (text === undefined) return new Response('Not Found', { status: 404 });
    const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/html';
    return new Response(text, { headers: { 'Content-Type': type } });
  }

  /** An answer without end: it breaks when the page or worker that asked is no more, which counts as "stopped". */
  #untilGone(request: Request): Response {
    this.#server.timeout(request, 0);
    request.signal.addEventListener('abort', () => this.#note('stopped'));
    return new Response(new ReadableStream({ start: (stream) => stream.enqueue('here') }));
  }

  #note(text: string): void {
    this.got.push({ text, at: performance.now() });
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
