import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { App, Apps } from './apps.ts';
import type { AuditTrail } from './groups.ts';
import type { ItemFiles } from './item-files.ts';
import type { Items, StoredPackage } from './items.ts';
import { readScreenshot } from './pictures.ts';

/** A picture of an item's page. */
export interface Screenshot {
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

/** An account that gets what is published to testers. */
export interface Tester {
  readonly account: string;
  readonly email: string;
  readonly name: string;
}

/** What the publishers of an item have said about it. */
export interface Described {
  readonly details: string;
  readonly screenshots: readonly Screenshot[];
}

/** The page of an item, as whoever looks may see it. */
export interface Listing extends Described {
  readonly app: App;
  readonly offer: StoredPackage;
  /** The key to what is published to testers, for the one who looks; undefined for everybody else. */
  readonly testerKey: string | undefined;
}

export interface ListingsDeps {
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly audit: AuditTrail;
  readonly apps: Pick<Apps, 'open' | 'shown'>;
  readonly items: Pick<Items, 'offered'>;
  readonly files: ItemFiles;
}

const TESTER_PURPOSE = 'store-tester';

/** Pages of the store's items: words, pictures, and who sees them before everybody does. */
export class Listings {
  readonly #deps: ListingsDeps;

  constructor(deps: ListingsDeps) {
    this.#deps = deps;
  }

  /** Undefined when nothing is published for the account, or for everybody while nobody is signed in. */
  async find(id: AppId, account: string | undefined): Promise<Listing | undefined> {
    const testerKey = await this.#keyOf(id, account);
    const offer = await this.#deps.items.offered(id, testerKey !== undefined);
    const app = offer && (await this.#deps.apps.shown(id));
    return app && { app, offer, testerKey, ...(await this.#described(id)) };
  }

  /** @throws `not-found` unless the actor is in the item's group. */
  async described(actor: string, id: AppId): Promise<Described & { readonly testers: readonly Tester[] }> {
    await this.#deps.apps.open(actor, id);
    return { ...(await this.#described(id)), testers: await this.#testers(id) };
  }

  /** Sets the text of the page. @throws `not-found`, `input-invalid` when it is too long. */
  async describe(actor: string, id: AppId, text: string): Promise<void> {
    const app = await this.#own(actor, id);
    const details = text.trim().replaceAll('\r\n', '\n');
    if (details.length > limits.detailsCharacters)
      throw new ReveilleError(
        'input-invalid',
        `The description has at most ${limits.detailsCharacters} characters.`,
      );
    await this.#deps.db
      .insertInto('store_items')
      .values({ app: id, details })
      .onConflict((conflict) => conflict.column('app').doUpdateSet({ details }))
      .execute();
    await this.#record(actor, app, 'item.described', '');
  }

  /** @throws `not-found`, `input-invalid` with what is wrong with the picture, or when there are too many. */
  async addScreenshot(actor: string, id: AppId, bytes: Uint8Array): Promise<void> {
    const { db, files } = this.#deps;
    const app = await this.#own(actor, id);
    const picture = await readScreenshot(bytes);
    await files.inTurn(id, async () => {
      const { screenshots } = await this.#described(id);
      if (screenshots.length >= limits.screenshotsPerItem)
        throw new ReveilleError(
          'input-invalid',
          `An item has at most ${limits.screenshotsPerItem} screenshots.`,
        );
      await files.keep(id, picture.file, picture.bytes);
      const { file, width, height } = picture;
      await db
        .insertInto('store_screenshots')
        .values({ app: id, file, width, height })
        .onConflict((conflict) => conflict.columns(['app', 'file']).doNothing())
        .execute();
    });
    await this.#record(actor, app, 'item.screenshot-added', picture.file);
  }

  /** @throws `not-found` */
  async removeScreenshot(actor: string, id: AppId, file: string): Promise<void> {
    const { db, files } = this.#deps;
    const app = await this.#own(actor, id);
    await files.inTurn(id, async () => {
      const { numDeletedRows } = await db
        .deleteFrom('store_screenshots')
        .where('app', '=', id)
        .where('file', '=', file)
        .executeTakeFirst();
      if (numDeletedRows > 0n) await files.drop(id, file);
    });
    await this.#record(actor, app, 'item.screenshot-removed', file);
  }

  /** @throws `not-found`, `input-invalid` when no account has the address, or there are too many. */
  async addTester(actor: string, id: AppId, email: string): Promise<void> {
    const { db } = this.#deps;
    const app = await this.#own(actor, id);
    if ((await this.#testers(id)).length >= limits.testersPerItem)
      throw new ReveilleError('input-invalid', `An item has at most ${limits.testersPerItem} testers.`);
    const address = email.trim().toLowerCase();
    const user = await db.selectFrom('user').select('id').where('email', '=', address).executeTakeFirst();
    if (user === undefined)
      throw new ReveilleError('input-invalid', 'No account on this server has this e-mail address.');
    await db
      .insertInto('store_testers')
      .values({ app: id, account: user.id })
      .onConflict((conflict) => conflict.columns(['app', 'account']).doNothing())
      .execute();
    await this.#record(actor, app, 'item.tester-added', address);
  }

  /** The tester's address of the item holds nothing from now on. @throws `not-found` */
  async removeTester(actor: string, id: AppId, account: string): Promise<void> {
    const app = await this.#own(actor, id);
    await this.#deps.db
      .deleteFrom('store_testers')
      .where('app', '=', id)
      .where('account', '=', account)
      .execute();
    await this.#record(actor, app, 'item.tester-removed', account);
  }

  /** An account is gone. */
  async accountRemoved(account: string): Promise<void> {
    await this.#deps.db.deleteFrom('store_testers').where('account', '=', account).execute();
  }

  /** True for the key of one who is a tester of the item now and may sign in. In constant time for each. */
  async isTesterKey(id: AppId, key: string): Promise<boolean> {
    if (!/^[\w-]{43}$/.test(key)) return false;
    const mac = Buffer.from(key, 'base64url');
    const testers = await this.#testers(id);
    return testers.some(({ account }) =>
      this.#deps.secrets.verifyMac(TESTER_PURPOSE, `${id} ${account}`, mac),
    );
  }

  /** A picture of an item's page or the icon of its packages, by name. @throws `not-found` */
  async picture(id: AppId, file: string): Promise<Uint8Array> {
    const { db, files } = this.#deps;
    const { screenshots } = await this.#described(id);
    const icon = await db
      .selectFrom('store_packages')
      .select('icon')
      .where('app', '=', id)
      .where('icon', '=', file)
      .executeTakeFirst();
    if (icon === undefined && !screenshots.some((one) => one.file === file))
      throw new ReveilleError('not-found');
    return await files.read(id, file);
  }

  /** Words and pictures of an unproven claimant would outlive its claim, so it sets none. */
  async #own(actor: string, id: AppId): Promise<App> {
    const app = await this.#deps.apps.open(actor, id);
    if (app.proven) return app;
    throw new ReveilleError(
      'input-invalid',
      'Prove that you own the app first: upload a package with its key.pem.',
    );
  }

  async #described(id: AppId): Promise<Described> {
    const { db } = this.#deps;
    const row = await db.selectFrom('store_items').select('details').where('app', '=', id).executeTakeFirst();
    const screenshots = await db
      .selectFrom('store_screenshots')
      .select(['file', 'width', 'height'])
      .where('app', '=', id)
      .orderBy('id')
      .execute();
    return { details: row?.details ?? '', screenshots };
  }

  async #testers(id: AppId): Promise<readonly Tester[]> {
    return await this.#deps.db
      .selectFrom('store_testers')
      .innerJoin('user', 'user.id', 'store_testers.account')
      .select(['user.id as account', 'user.email as email', 'user.name as name'])
      .where('store_testers.app', '=', id)
      .where('user.disabled', '=', 0)
      .orderBy('user.email')
      .execute();
  }

  async #keyOf(id: AppId, account: string | undefined): Promise<string | undefined> {
    const { secrets } = this.#deps;
    if (!(await this.#testers(id)).some((tester) => tester.account === account)) return undefined;
    return secrets.mac(TESTER_PURPOSE, `${id} ${account}`).toString('base64url');
  }

  #record(account: string, { id, group }: App, event: string, detail: string): Promise<void> {
    return this.#deps.audit.record({ account, subject: group, event, detail: `${id} ${detail}`.trim() });
  }
}
