import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Selectable } from 'kysely';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { ControlDatabase, ControlTables } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock } from '../core/clock.ts';
import { readKeyFile, readPublicKey } from './app-key.ts';
import { type App, type Apps, PRIVATE_KEY_PURPOSE } from './apps.ts';
import { looksLikeCrx, openCrx, sealCrx } from './crx.ts';
import type { AuditTrail } from './groups.ts';
import { compareVersions, readManifest, textOf, withManifest } from './manifest.ts';
import { type Files, pack, unpack } from './zip.ts';

/** Where browsers ask for newer versions (reference 4.3). */
export const UPDATE_PATH = '/service/update2/crx';
const KEY_FILE = 'key.pem';

/** A package of an item: a draft, what is published, or what was. */
export type StoredPackage = Selectable<ControlTables['store_packages']>;

export interface ItemsDeps {
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly audit: AuditTrail;
  readonly apps: Apps;
  readonly origin: string;
  /** The data folder. */
  readonly folder: string;
}

/** Items of the store: the packages of registered apps, signed with the app's own key. */
export class Items {
  readonly #deps: ItemsDeps;

  constructor(deps: ItemsDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a package (zip or CRX3) as the draft of an item, in the place of the draft before it.
   * @throws `not-found` unless the actor is in the item's group, `input-invalid` with what is wrong with the package.
   */
  async upload(actor: string, id: AppId, file: Uint8Array): Promise<StoredPackage> {
    const app = await this.#deps.apps.open(actor, id);
    if (looksLikeCrx(file)) assertOwnKey(app, openCrx(file).appKey.id, 'The package is signed with');
    const all = await unpack(looksLikeCrx(file) ? openCrx(file).archive : file);
    const { [KEY_FILE]: keyFile, files } = split(all);
    const { key, update_url: _, ...manifest } = readManifest(files);
    if (key !== undefined) assertOwnKey(app, readPublicKey(key).id, '"key" of manifest.json is');
    const name = textOf(files, manifest, manifest.name);
    const description = textOf(files, manifest, manifest.description);
    await this.#assertHigher(id, manifest.version);
    if (keyFile !== undefined) await this.#keepKey(actor, app, Buffer.from(keyFile).toString('latin1'));
    const updateUrl = this.#deps.origin + UPDATE_PATH;
    const archive = await pack(withManifest(files, { ...manifest, update_url: updateUrl }));
    const crx = sealCrx(archive, await this.#privateKey(app));
    const draft: StoredPackage = {
      app: id,
      version: manifest.version,
      name,
      description,
      sha256: createHash('sha256').update(crx).digest('hex'),
      bytes: crx.length,
      uploaded_at: this.#deps.clock.now(),
      published_at: null,
      offered: 0,
    };
    await this.#keepDraft(draft, crx);
    await this.#record(actor, app, 'item.uploaded', draft.version);
    return draft;
  }

  /** All packages of an item, the newest version first. @throws `not-found` unless the actor is in the item's group. */
  async list(actor: string, id: AppId): Promise<readonly StoredPackage[]> {
    await this.#deps.apps.open(actor, id);
    return await this.#packages(id);
  }

  /** Publishes the draft. @throws `not-found` to strangers, `input-invalid` when there is no draft. */
  async publish(actor: string, id: AppId): Promise<StoredPackage> {
    const app = await this.#deps.apps.open(actor, id);
    const [newest] = await this.#packages(id);
    if (newest === undefined || newest.offered === 1)
      throw new ReveilleError('input-invalid', 'There is no draft to publish. Upload a package first.');
    const published = { published_at: newest.published_at ?? this.#deps.clock.now(), offered: 1 };
    await this.#deps.db.transaction().execute(async (tx) => {
      await tx.updateTable('store_packages').set({ offered: 0 }).where('app', '=', id).execute();
      await tx
        .updateTable('store_packages')
        .set(published)
        .where('app', '=', id)
        .where('version', '=', newest.version)
        .execute();
    });
    await this.#record(actor, app, 'item.published', newest.version);
    return { ...newest, ...published };
  }

  /** Gives the item out no more; browsers that have it keep it. @throws `not-found` to strangers. */
  async unpublish(actor: string, id: AppId): Promise<void> {
    const app = await this.#deps.apps.open(actor, id);
    await this.#deps.db.updateTable('store_packages').set({ offered: 0 }).where('app', '=', id).execute();
    await this.#record(actor, app, 'item.unpublished', '');
  }

  /** What the update service gives out of an item; undefined when nothing is published. */
  async offered(id: AppId): Promise<StoredPackage | undefined> {
    return (await this.#packages(id)).find(({ offered }) => offered === 1);
  }

  /** The bytes of a package. */
  async crx(offer: StoredPackage): Promise<Uint8Array> {
    return await readFile(this.#path(offer));
  }

  /** An app was removed, and its rows with it: so go its files. */
  async removed(app: AppId): Promise<void> {
    await rm(this.#folderOf(app), { recursive: true, force: true });
  }

  async #packages(id: AppId): Promise<readonly StoredPackage[]> {
    const { db } = this.#deps;
    const rows = await db.selectFrom('store_packages').selectAll().where('app', '=', id).execute();
    return rows.sort((a, b) => compareVersions(b.version, a.version));
  }

  async #assertHigher(id: AppId, version: string): Promise<void> {
    const last = (await this.#packages(id)).find((one) => one.published_at !== null);
    if (last !== undefined && compareVersions(version, last.version) <= 0)
      throw new ReveilleError(
        'input-invalid',
        `The version ${version} must be higher than ${last.version}, which was published: raise "version" in manifest.json.`,
      );
  }

  /** The file is whole on disk before a row speaks of it, and goes after its row; its name is its content's. */
  async #keepDraft(draft: StoredPackage, crx: Uint8Array): Promise<void> {
    await mkdir(this.#folderOf(draft.app), { recursive: true, mode: 0o700 });
    const path = this.#path(draft);
    await writeFile(`${path}.part`, crx, { mode: 0o600, flush: true });
    await rename(`${path}.part`, path);
    const before = await this.#deps.db.transaction().execute(async (tx) => {
      const drafts = await tx
        .deleteFrom('store_packages')
        .where('app', '=', draft.app)
        .where('published_at', 'is', null)
        .returningAll()
        .execute();
      await tx.insertInto('store_packages').values(draft).execute();
      return drafts;
    });
    for (const one of before) if (this.#path(one) !== path) await rm(this.#path(one), { force: true });
  }

  /** ES4: `key.pem` of the packages of the time (reference 4.1). */
  async #keepKey(actor: string, app: App, pem: string): Promise<void> {
    assertOwnKey(app, readKeyFile(pem).id, 'key.pem belongs to');
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
    throw new ReveilleError(
      'input-invalid',
      'The private key of this item is not held, so its package cannot be signed. Put key.pem at the top of this package once.',
    );
  }

  #folderOf(app: string): string {
    return join(this.#deps.folder, 'packages', app);
  }

  #path({ app, version, sha256 }: Pick<StoredPackage, 'app' | 'version' | 'sha256'>): string {
    return join(this.#folderOf(app), `${version}-${sha256.slice(0, 16)}.crx`);
  }

  #record(account: string, { id, group }: App, event: string, detail: string): Promise<void> {
    return this.#deps.audit.record({ account, subject: group, event, detail: `${id} ${detail}`.trim() });
  }
}

function split(all: Files): { [KEY_FILE]: Uint8Array | undefined; files: Files } {
  const files = new Map(all);
  files.delete(KEY_FILE);
  return { [KEY_FILE]: all.get(KEY_FILE), files };
}

function assertOwnKey(app: App, found: AppId, what: string): void {
  if (found === app.id) return;
  throw new ReveilleError(
    'input-invalid',
    `${what} the key of another item: ${found}. This item is ${app.id}: leave the key out, or upload to the item it belongs to.`,
  );
}
