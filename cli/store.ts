import { z } from 'zod';
import { answered, CliError, call, Refused } from './call.ts';
import { storedDemo, tokenBy } from './token.ts';

const itemShape = z.object({
  id: z.string(),
  publicKey: z.string().optional(),
  uploadState: z.string(),
  itemError: z.array(z.object({ error_code: z.string(), error_detail: z.string() })).optional(),
});

/** What the store answers about an item. */
export type StoreItem = z.infer<typeof itemShape>;

/** The store did not take a package: the sentence is its own. */
export class PackageRefused extends CliError {
  /** Such as PKG_KEY_MISSING. */
  readonly fault: string;

  constructor(fault: string, sentence: string) {
    super(sentence);
    this.fault = fault;
  }
}

const ITEMS = '/chromewebstore/v1.1/items';
const uploadMs = 300_000;
const variables = ['REVEILLE_CLIENT_ID', 'REVEILLE_CLIENT_SECRET', 'REVEILLE_REFRESH_TOKEN'] as const;

/** The Publish API of one server, as one account. */
export class Store {
  readonly #server: string;
  readonly #token: string;

  private constructor(server: string, token: string) {
    this.#server = server;
    this.#token = token;
  }

  /**
   * With the client and refresh token of the environment, as pipelines have them, or with those of `bootstrap`.
   * @throws CliError when there are none, Refused when they do not stand.
   */
  static async open(
    server: string,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ): Promise<Store> {
    const [id, secret, token] = variables.map((name) => environment[name] || undefined);
    if (id !== undefined && secret !== undefined && token !== undefined)
      return new Store(server, await tokenBy(server, { client_id: id, client_secret: secret }, token));
    if ((id ?? secret ?? token) !== undefined)
      throw new CliError(`Set all of ${variables.join(', ')}, or none to publish as bootstrap's account.`);
    const demo = await storedDemo(server);
    if (demo.publish_refresh_token === undefined)
      throw new CliError(
        'What is stored is of before there was a store: say ./bin/reveille bootstrap again.',
      );
    return new Store(server, await tokenBy(server, demo.client, demo.publish_refresh_token));
  }

  /** Undefined when there is no such item among the account's. */
  async find(id: string): Promise<StoreItem | undefined> {
    try {
      return itemShape.parse(await this.#ask('GET', `${ITEMS}/${id}`));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** @throws PackageRefused, Refused */
  async upload(id: string, archive: Uint8Array): Promise<StoreItem> {
    return taken(await this.#ask('PUT', `/upload${ITEMS}/${id}`, archive));
  }

  /** @throws PackageRefused, Refused */
  async insert(archive: Uint8Array, group: string | undefined): Promise<StoreItem> {
    const query = group === undefined ? '' : `?publisherEmail=${encodeURIComponent(group)}`;
    return taken(await this.#ask('POST', `/upload${ITEMS}${query}`, archive));
  }

  /** @throws Refused */
  async publish(id: string): Promise<void> {
    await this.#ask('POST', `${ITEMS}/${id}/publish`);
  }

  async #ask(method: 'GET' | 'POST' | 'PUT', path: string, bytes?: Uint8Array): Promise<unknown> {
    const headers = { Authorization: `Bearer ${this.#token}`, 'x-goog-api-version': '2' };
    return await answered(
      await call(this.#server, path, {
        method,
        headers,
        ...(bytes === undefined ? {} : { bytes, ms: uploadMs }),
      }),
    );
  }
}

function taken(answer: unknown): StoreItem {
  const item = itemShape.parse(answer);
  const [fault] = item.itemError ?? [];
  if (item.uploadState === 'FAILURE')
    throw new PackageRefused(fault?.error_code ?? '', fault?.error_detail ?? 'The package was not accepted.');
  return item;
}
