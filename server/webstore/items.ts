import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ControlDatabase, ControlTables } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { type App, type Apps, type KeySource, PRIVATE_KEY_PURPOSE } from './apps.ts';
import { sealCrx } from './crx.ts';
import type { AuditTrail } from './groups.ts';
import type { ItemFiles } from './item-files.ts';
import { compareVersions, withManifest } from './manifest.ts';
import { assertOf, readUpload, type Upload } from './package.ts';
import { iconOf } from './pictures.ts';
import { pack } from './zip.ts';

/** Where browsers ask for newer versions (reference 4.3). */
export const UPDATE_PATH = '/service/update2/crx';

/** A package of an item: a draft, what is published, or what was. */
export type StoredPackage = Selectable<ControlTables['store_packages']>;

export interface ItemsDeps {
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly audit: AuditTrail;
  readonly apps: Apps;
  readonly origin: string;
  readonly files: ItemFiles;
}

/** Whom a package is published to. */
export type Audience = 'everyone' | 'testers';

/** How an audience is kept in `store_packages.offered`. */
const offeredTo: Readonly<Record<Audience, 1 | 2>> = { everyone: 1, testers: 2 };

export const audienceOf = ({ offered }: Pick<StoredPackage, 'offered'>): Audience | undefined =>
  offered === 1 ? 'everyone' : offered === 2 ? 'testers' : undefined;

/** Items of the store: the packages of registered apps, signed with the app's own key. */
export class Items {
  readonly #deps: ItemsDeps;
  readonly #uploads: RateLimit;
  /** Packages are unpacked one at a time: each may take 64 MiB. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(deps: ItemsDeps) {
    this.#deps = deps;
    this.#uploads = new RateLimit(deps.clock, limits.uploadsPerHour, 3_600_000);
  }

  /**
   * Takes a package (zip or CRX3) as the draft of an item, in the place of the draft before it.
   * @throws `not-found` unless the actor is in the item's group, `rate-limited`, and with what is wrong with the package:
   * `package-invalid`, `manifest-invalid`, `version-too-low`, `key-foreign`, `key-missing`, `input-invalid`.
   */
  async upload(actor: string, id: AppId, file: Uint8Array): Promise<StoredPackage> {
    const app = await this.#deps.apps.open(actor, id);
    this.#uploads.assert(actor, 'Too many uploads in an hour.');
    const upload = await this.#read(file);
    return await this.#deps.files.inTurn(id, () => this.#take(actor, app, upload));
  }

  /**
   * Takes a package as the first draft of an item that is not there yet. Its id is that of `key.pem` at the top of the
   * package; without one Reveille makes a key.
   * @throws as `upload`, and `forbidden` unless the actor owns the group.
   */
  async insert(actor: string, group: string, file: Uint8Array): Promise<StoredPackage> {
    this.#uploads.assert(actor, 'Too many uploads in an hour.');
    const upload = await this.#read(file);
    const { keyFile, claims, name } = upload;
    if (keyFile === undefined && claims[0] !== undefined)
      throw new ReveilleError(
        'key-foreign',
        `${claims[0].by} the key of ${claims[0].id}. For a new item leave it out, or put its key.pem at the top of the package.`,
      );
    const source: KeySource =
      keyFile === undefined ? { kind: 'made' } : { kind: 'key-file', pem: keyFile.pem };
    const { id } = await this.#deps.apps.register(actor, group, name, source);
    const app = await this.#deps.apps.open(actor, id);
    return await this.#deps.files.inTurn(id, () => this.#take(actor, app, upload));
  }

  /** The apps of the account's groups with their packages, the newest version first. */
  async ofAccount(
    account: string,
  ): Promise<readonly { readonly app: App; readonly packages: readonly StoredPackage[] }[]> {
    const apps = await this.#deps.apps.list(account);
    if (apps.length === 0) return [];
    const ids = apps.map(({ id }) => id);
    const rows = await this.#deps.db
      .selectFrom('store_packages')
      .selectAll()
      .where('app', 'in', ids)
      .execute();
    return apps.map((app) => ({ app, packages: newestFirst(rows.filter((row) => row.app === app.id)) }));
  }

  /** All packages of an item, the newest version first. @throws `not-found` unless the actor is in the item's group. */
  async list(actor: string, id: AppId): Promise<readonly StoredPackage[]> {
    await this.#deps.apps.open(actor, id);
    return await packagesOf(this.#deps.db, id);
  }

  /**
   * Publishes the newest package: a draft, what only testers have, or what was unpublished. What everybody has stays
   * while testers try a newer one.
   * @throws `not-found` to strangers, `draft-missing`.
   */
  async publish(actor: string, id: AppId, audience: Audience = 'everyone'): Promise<StoredPackage> {
    const app = await this.#deps.apps.open(actor, id);
    const offered = offeredTo[audience];
    const published = await this.#deps.files.inTurn(id, async () => {
      const [newest] = await packagesOf(this.#deps.db, id);
      if (newest === undefined || newest.offered === 1 || newest.offered === offered)
        throw new ReveilleError('draft-missing');
      const change = { published_at: newest.published_at ?? this.#deps.clock.now(), offered };
      await this.#deps.db.transaction().execute(async (tx) => {
        const before = tx.updateTable('store_packages').set({ offered: 0 }).where('app', '=', id);
        await (audience === 'everyone' ? before : before.where('offered', '=', offered)).execute();
        await tx
          .updateTable('store_packages')
          .set(change)
          .where('app', '=', id)
          .where('version', '=', newest.version)
          .execute();
      });
      await this.#dropOld(id);
      return { ...newest, ...change };
    });
    await this.#record(actor, app, `item.published-to-${audience}`, published.version);
    return published;
  }

  /** Gives the item out no more; browsers that have it keep it. @throws `not-found` to strangers. */
  async unpublish(actor: string, id: AppId): Promise<void> {
    const app = await this.#deps.apps.open(actor, id);
    await this.#deps.db.updateTable('store_packages').set({ offered: 0 }).where('app', '=', id).execute();
    await this.#record(actor, app, 'item.unpublished', '');
  }

  /** What is given out of an item, to everybody or to a tester; undefined when nothing is. */
  async offered(id: AppId, asTester = false): Promise<StoredPackage | undefined> {
    const all = await packagesOf(this.#deps.db, id);
    return all.find(({ offered }) => offered === 1 || (asTester && offered === 2));
  }

  /** The bytes of a package. */
  async crx(offer: StoredPackage): Promise<Uint8Array> {
    return await this.#deps.files.read(offer.app, fileOf(offer));
  }

  /** An app was removed, and its rows with it: so go its files. */
  async removed(app: AppId): Promise<void> {
    await this.#deps.files.dropAll(app);
  }

  async #read(file: Uint8Array): Promise<Upload> {
    const turn = this.#reading.then(() => readUpload(file));
    this.#reading = turn.catch(() => undefined);
    return await turn;
  }

  async #take(actor: string, app: App, upload: Upload): Promise<StoredPackage> {
    const { files, manifest, name, description, keyFile } = upload;
    assertOf(app.id, upload);
    await this.#assertHigher(app.id, manifest.version);
    if (keyFile !== undefined) await this.#keepKey(actor, app, keyFile.pem);
    const updateUrl = this.#deps.origin + UPDATE_PATH;
    const archive = await pack(withManifest(files, { ...manifest, update_url: updateUrl }));
    const crx = sealCrx(archive, await this.#privateKey(app));
    const icon = await iconOf(files, manifest);
    const draft: StoredPackage = {
      app: app.id,
      version: manifest.version,
      name,
      description,
      sha256: createHash('sha256').update(crx).digest('hex'),
      bytes: crx.length,
      uploaded_at: this.#deps.clock.now(),
      published_at: null,
      offered: 0,
      icon: icon?.file ?? null,
    };
    if (icon !== undefined) await this.#deps.files.keep(app.id, icon.file, icon.bytes);
    await this.#keepDraft(draft, crx);
    await this.#record(actor, app, 'item.uploaded', draft.version);
    return draft;
  }

  async #assertHigher(id: AppId, version: string): Promise<void> {
    const last = (await packagesOf(this.#deps.db, id)).find((one) => one.published_at !== null);
    if (last !== undefined && compareVersions(version, last.version) <= 0)
      throw new ReveilleError(
        'version-too-low',
        `It is ${version} and must be higher than ${last.version}, which was published.`,
      );
  }

  /** What was replaced long ago goes, except what is given out. */
  async #dropOld(id: AppId): Promise<void> {
    const all = await packagesOf(this.#deps.db, id);
    const old = all.slice(limits.packagesPerItem).filter(({ offered }) => offered === 0);
    for (const { version } of old)
      await this.#deps.db
        .deleteFrom('store_packages')
        .where('app', '=', id)
        .where('version', '=', version)
        .execute();
    await this.#dropFiles(id, old);
  }

  /** The file is whole on disk before a row speaks of it, and goes after its row; its name is its content's. */
  async #keepDraft(draft: StoredPackage, crx: Uint8Array): Promise<void> {
    const { db, files } = this.#deps;
    await files.keep(draft.app, fileOf(draft), crx);
    const before = await db.transaction().execute(async (tx) => {
      const drafts = await tx
        .deleteFrom('store_packages')
        .where('app', '=', draft.app)
        .where('published_at', 'is', null)
        .returningAll()
        .execute();
      await tx.insertInto('store_packages').values(draft).execute();
      return drafts;
    });
    await this.#dropFiles(draft.app as AppId, before);
  }

  /** Files of packages that are gone, as far as none that is left has the same. */
  async #dropFiles(id: AppId, gone: readonly StoredPackage[]): Promise<void> {
    const left = new Set((await packagesOf(this.#deps.db, id)).flatMap((one) => [fileOf(one), one.icon]));
    for (const file of gone.flatMap((one) => [fileOf(one), one.icon]))
      if (file !== null && !left.has(file)) await this.#deps.files.drop(id, file);
  }

  /** ES4: `key.pem` of the packages of the time (reference 4.1). */
  async #keepKey(actor: string, app: App, pem: string): Promise<void> {
    if (app.keyHeld)
      throw new ReveilleError(
        'input-invalid',
        'The private key of this item is held already: leave key.pem out of the package, so that it never gets around.',
      );
    if (!app.proven)
      await this.#deps.apps.claim(actor, app.group, app.title, app.key, { kind: 'key-file', pem });
    await this.#deps.db
      .updateTable('apps')
      .set({ private_key_sealed: this.#deps.secrets.seal(PRIVATE_KEY_PURPOSE, pem) })
      .where('id', '=', app.id)
      .execute();
    await this.#record(actor, app, 'item.key-kept', app.id);
  }

  async #privateKey({ id }: App): Promise<string> {
    const { db, secrets } = this.#deps;
    const row = await db
      .selectFrom('apps')
      .select('private_key_sealed as sealed')
      .where('id', '=', id)
      .executeTakeFirst();
    if (typeof row?.sealed === 'string') return secrets.open(PRIVATE_KEY_PURPOSE, row.sealed);
    throw new ReveilleError('key-missing');
  }

  #record(account: string, { id, group }: App, event: string, detail: string): Promise<void> {
    return this.#deps.audit.record({ account, subject: group, event, detail: `${id} ${detail}`.trim() });
  }
}

/** All packages of an item, the newest version first. */
async function packagesOf(db: ControlDatabase, id: AppId): Promise<readonly StoredPackage[]> {
  const rows = await db.selectFrom('store_packages').selectAll().where('app', '=', id).execute();
  return newestFirst(rows);
}

const newestFirst = (rows: StoredPackage[]): readonly StoredPackage[] =>
  rows.sort((a, b) => compareVersions(b.version, a.version));

const fileOf = ({ version, sha256 }: StoredPackage): string => `${version}-${sha256.slice(0, 16)}.crx`;
