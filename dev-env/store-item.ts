import { ZipFile } from 'yazl';
import type { AppId } from '../protocol/app-id.ts';
import type { App } from '../server/webstore/apps.ts';
import type { Audience } from '../server/webstore/items.ts';
import { waitUntil } from './browser.ts';
import type { ConsoleTown } from './console-town.ts';

/** What a version told when Chromium had installed it or updated to it. */
interface Told {
  /** The id that Chromium gives to the extension: the host of its requests' `Origin`. */
  readonly app: string;
  readonly version: string;
  readonly reason: string;
  readonly previousVersion?: string;
}

/** The browser fetches, checks and unpacks, in processes that a busy machine starts slowly. */
const installMs = 90_000;

/** Tells the test's own server of each install and update, and takes an update as soon as it is there. */
const worker = (site: string) => `
chrome.runtime.onInstalled.addListener(({ reason, previousVersion }) => {
  const { version } = chrome.runtime.getManifest();
  void fetch('${site}', { method: 'POST', mode: 'no-cors', body: JSON.stringify({ version, reason, previousVersion }) });
});
chrome.runtime.onUpdateAvailable.addListener(() => chrome.runtime.reload());
`;

/** A publisher of a town's store, whose items tell a site of the test's that they run. */
export class StorePublisher implements Disposable {
  readonly #told: Told[] = [];
  readonly #town: ConsoleTown;
  readonly #group: string;
  readonly #server: Bun.Server<undefined>;

  private constructor(town: ConsoleTown, group: string) {
    this.#town = town;
    this.#group = group;
    this.#server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => this.#answer(request) });
  }

  static async in(town: ConsoleTown): Promise<StorePublisher> {
    town.control.sqlite.run(
      "INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt, role, disabled) VALUES ('ann', 'Ann', 'ann@example.com', 0, 0, 0, 'user', 0)",
    );
    return new StorePublisher(town, await town.webstore.groups.create('ann', 'Ann'));
  }

  /** Registers an item with a key that the store makes, and publishes its version 1.0. */
  async item(title: string): Promise<App> {
    const { apps } = this.#town.webstore;
    const { id } = await apps.register('ann', this.#group, title, { kind: 'made' });
    await this.publish(id, '1.0');
    return await apps.open('ann', id);
  }

  /** Uploads a version of an item as a zip, and publishes it. */
  async publish(id: AppId, version: string, audience: Audience = 'everyone'): Promise<void> {
    const manifest = {
      manifest_version: 3,
      name: 'From the store',
      version,
      background: { service_worker: 'background.js' },
    };
    const { items } = this.#town.webstore;
    const site = `http://127.0.0.1:${this.#server.port}`;
    const files = { 'manifest.json': JSON.stringify(manifest), 'background.js': worker(site) };
    await items.upload('ann', id, await zip(files));
    await items.publish('ann', id, audience);
  }

  /** Waits until an item has told this of itself. */
  async hears(expected: Told): Promise<void> {
    const isIt = (one: Told): boolean => Bun.deepEquals(one, expected);
    await waitUntil(JSON.stringify(expected), async () => this.#told.some(isIt), installMs);
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const app = (request.headers.get('origin') ?? '').replace('chrome-extension://', '');
    this.#told.push({ app, ...((await request.json()) as Omit<Told, 'app'>) });
    return new Response(null, { status: 204 });
  }
}

async function zip(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, text] of Object.entries(files)) file.addBuffer(Buffer.from(text), name);
  file.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.outputStream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
