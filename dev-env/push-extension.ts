import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestBrowser } from './browser.ts';
import { appIdOf } from './extension.ts';
import type { PageSubscription } from './push-site.ts';

/** What the extension's worker told about one event. */
export interface Told {
  readonly event: string;
  /** When the handler was entered, in milliseconds since 1970. */
  readonly at: number;
  /** When this worker started. */
  readonly startedAt: number;
  readonly text: string;
}

/** Notes every event of the two push APIs at the test's own server. */
const worker = (origin: string) => `
const startedAt = Date.now();
const tell = (event, text) => fetch('${origin}', {
  method: 'POST', mode: 'no-cors', keepalive: true, body: JSON.stringify({ event, at: Date.now(), startedAt, text }),
});
chrome.gcm.onMessage.addListener((message) => tell('message', JSON.stringify(message)));
chrome.gcm.onMessagesDeleted.addListener(() => tell('deleted', ''));
chrome.gcm.onSendError.addListener((error) => tell('send-error', JSON.stringify(error)));
addEventListener('push', (event) => event.waitUntil(tell('push', event.data === null ? '' : event.data.text())));
`;

/** An extension that takes messages by `chrome.gcm` and by the Push API, and the test's server that it tells. */
export class PushExtension implements AsyncDisposable {
  readonly told: Told[] = [];
  readonly folder: string;
  readonly appId: string;
  readonly #server: Bun.Server<undefined>;
  #changed = Promise.withResolvers<void>();

  private constructor(folder: string, appId: string) {
    this.folder = folder;
    this.appId = appId;
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        this.told.push((await request.json()) as Told);
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
        return new Response(null, { status: 204 });
      },
    });
  }

  static async make(): Promise<PushExtension> {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const folder = await mkdtemp(join(tmpdir(), 'reveille-push-extension-'));
    const extension = new PushExtension(folder, appIdOf(key));
    const manifest = {
      manifest_version: 3,
      name: 'Takes pushes',
      version: '1',
      key,
      permissions: ['gcm', 'storage'],
      background: { service_worker: 'worker.js' },
    };
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'worker.js'), worker(`http://127.0.0.1:${extension.#server.port}/`));
    return extension;
  }

  /** Registers with `chrome.gcm`. Answers the token. */
  async register(browser: TestBrowser, senders: readonly string[]): Promise<string> {
    const page = await browser.page(this.appId, 'manifest.json');
    try {
      return await page.evaluate(
        (ids) =>
          new Promise<string>((resolve, reject) => {
            chrome.gcm.register(ids, (token) => {
              const error = chrome.runtime.lastError?.message;
              if (error === undefined) resolve(token);
              else reject(new Error(error));
            });
          }),
        [...senders],
      );
    } finally {
      await page.close();
    }
  }

  /** Gives the `chrome.gcm` registration up. */
  async unregister(browser: TestBrowser): Promise<void> {
    const page = await browser.page(this.appId, 'manifest.json');
    await page.evaluate(() => new Promise<void>((resolve) => chrome.gcm.unregister(resolve)));
    await page.close();
  }

  /** A token of `chrome.instanceID` for a sender. */
  async instanceToken(browser: TestBrowser, authorizedEntity: string): Promise<string> {
    const page = await browser.page(this.appId, 'manifest.json');
    try {
      return await page.evaluate(
        (entity) =>
          new Promise<string>((resolve) => {
            chrome.instanceID.getToken({ authorizedEntity: entity, scope: 'GCM' }, (token) =>
              resolve(token ?? `failed: ${chrome.runtime.lastError?.message}`),
            );
          }),
        authorizedEntity,
      );
    } finally {
      await page.close();
    }
  }

  /** Subscribes the worker by the Push API, without notifications; only the worker itself may. It stays attached, so awake. */
  async subscribe(browser: TestBrowser, applicationServerKey: string): Promise<PageSubscription> {
    const attached = await browser.worker(this.appId);
    const text = await attached.evaluate(async (key) => {
      const { registration } = globalThis as unknown as { registration: ServiceWorkerRegistration };
      const options = { userVisibleOnly: false, applicationServerKey: key };
      return JSON.stringify(await registration.pushManager.subscribe(options));
    }, applicationServerKey);
    return JSON.parse(text) as PageSubscription;
  }

  /** Sends by `chrome.gcm.send`. */
  async send(browser: TestBrowser, messageId: string): Promise<void> {
    const page = await browser.page(this.appId, 'manifest.json');
    await page.evaluate(
      (id) =>
        new Promise<void>((resolve) => {
          const message = { destinationId: '1@example', messageId: id, data: { a: 'b' } };
          chrome.gcm.send(message, () => resolve());
        }),
      messageId,
    );
    await page.close();
  }

  /** Waits until `count` events of a kind were told. */
  async until(event: string, count = 1): Promise<readonly Told[]> {
    for (;;) {
      const found = this.told.filter((one) => one.event === event);
      if (found.length >= count) return found;
      await this.#changed.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
    await rm(this.folder, { recursive: true, force: true });
  }
}
