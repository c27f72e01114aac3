import type { Selectable } from 'kysely';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { ControlDatabase, ControlTables } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { AppOwners, OwnedApp } from '../core/app-owners.ts';
import type { Clock } from '../core/clock.ts';
import { isHeldByBrowser, readOrigins, readRedirectUris } from './addresses.ts';
import { type AppKey, makeKeyPair, readKeyFile, readPublicKey } from './app-key.ts';
import { type AuditTrail, type Groups, nameOf } from './groups.ts';
import type { Proof, Proofs } from './proof.ts';
import { readSubchannelNames } from './subchannel-names.ts';

/** What the console shows of an app, beside what rights need to know. */
export interface App extends OwnedApp {
  readonly groupName: string;
  /** Base64 for the manifest's `key`. */
  readonly key: string;
  /** True when Reveille made the pair and keeps the private key sealed. */
  readonly keyHeld: boolean;
  readonly createdAt: number;
  /** As its owners set it; what counts of it is in the fields of OwnedApp. */
  readonly settings: AppSettings;
}

export interface AppSettings {
  readonly channelConsent: 'none' | 'ask';
  readonly origins: readonly string[];
  readonly redirectUris: readonly string[];
}

/** Where the key of an app comes from when it is registered. */
export type KeySource =
  | { readonly kind: 'made' }
  | { readonly kind: 'public-key'; readonly text: string }
  | { readonly kind: 'key-file'; readonly pem: string };

/** `contested`: another group claims the app without proof; whoever proves the key gets it. */
export type Registration =
  | { readonly state: 'registered'; readonly id: AppId }
  | { readonly state: 'contested'; readonly id: AppId; readonly key: string };

export interface AppsDeps {
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly audit: AuditTrail;
  readonly groups: Groups;
  readonly proofs: Proofs;
  /** Called in the same step in which someone's right to an app ends or changes (OA1). */
  readonly rightsEnded: () => void;
  /** Called when an app is removed: its channels end. */
  readonly appRemoved: (app: AppId) => Promise<void>;
  /** Makes the pair of an app that comes without one. */
  readonly makeKeyPair?: typeof makeKeyPair | undefined;
}

type AppRow = Selectable<ControlTables['apps']>;

/** Apps of one group; a claim costs nothing, so that somebody must bound them. */
const APPS_PER_GROUP = 100;
/** What private keys are sealed for. */
export const PRIVATE_KEY_PURPOSE = 'app-private-key';

/** The registry of apps: who owns which app, and what its owners set. Fills the port `AppOwners`. */
export class Apps implements AppOwners {
  readonly #deps: AppsDeps;

  constructor(deps: AppsDeps) {
    this.#deps = deps;
  }

  async find(app: AppId): Promise<OwnedApp | undefined> {
    const row = await this.#row(app);
    return row === undefined ? undefined : ownedApp(row);
  }

  isMember(account: string, group: string): Promise<boolean> {
    return this.#deps.groups.isMember(account, group);
  }

  async appsOf(account: string): Promise<readonly OwnedApp[]> {
    return await this.list(account);
  }

  /** The apps of all groups that the account is in, by title. */
  async list(account: string): Promise<readonly App[]> {
    const groups = (await this.#deps.groups.ofAccount(account)).filter(({ role }) => role !== 'invited');
    if (groups.length === 0) return [];
    const names = new Map(groups.map(({ group, name }) => [group, name]));
    const rows = await this.#deps.db
      .selectFrom('apps')
      .selectAll()
      .where('group', 'in', [...names.keys()])
      .orderBy('title')
      .execute();
    return rows.map((row) => shownApp(row, names.get(row.group) ?? ''));
  }

  /** One app for its page. @throws `not-found` unless the actor is in its group. */
  async open(actor: string, id: AppId): Promise<App> {
    const app = (await this.list(actor)).find((one) => one.id === id);
    if (app === undefined) throw new ReveilleError('not-found', 'There is no such app among yours.');
    return app;
  }

  /** One app for its public page; undefined when it is not registered. */
  async shown(id: AppId): Promise<App | undefined> {
    const row = await this.#row(id);
    return row && shownApp(row, await this.#deps.groups.nameFor(row.group));
  }

  /** @throws `not-found` to a stranger, `forbidden` to a member of the app's group. */
  async assertOwner(actor: string, id: AppId): Promise<void> {
    await this.#own(actor, id);
  }

  /**
   * Registers an app for a group of the actor. With a pair of ours or the key file it is proven; by its public key alone
   * it is not. An app that another group claims without proof goes to who brings the key file; else it is contested.
   * @throws `forbidden` to a member, `input-invalid` for a bad key or an app that is taken.
   */
  async register(actor: string, group: string, title: string, source: KeySource): Promise<Registration> {
    await this.#deps.groups.assertOwner(actor, group);
    const name = nameOf(title);
    if (source.kind === 'made') return await this.#registerMade(actor, group, name);
    if (source.kind === 'key-file') {
      const key = readKeyFile(source.pem);
      await this.#takeProven(actor, group, name, key);
      return { state: 'registered', id: key.id };
    }
    const key = readPublicKey(source.text);
    const taken = await this.#row(key.id);
    if (taken !== undefined && taken.group !== group && taken.proven === 0)
      return { state: 'contested', id: key.id, key: key.key };
    assertFree(taken, group);
    await this.#insert(actor, group, name, key, { proven: false, sealed: null });
    return { state: 'registered', id: key.id };
  }

  /** A challenge for the claim of a group on an app. @throws `forbidden` to a member. */
  async challenge(actor: string, id: AppId, group: string): Promise<string> {
    await this.#deps.groups.assertOwner(actor, group);
    return this.#deps.proofs.challenge(id, group);
  }

  /**
   * Proves that the group holds the private key of the app with this public key: marks its claim as proven, registers
   * the app, or takes it from a group whose claim is unproven; both groups find that in their history.
   * @throws `forbidden`, `input-invalid` when the proof does not hold or another group has proven the app.
   */
  async claim(actor: string, group: string, title: string, publicKey: string, proof: Proof): Promise<AppId> {
    await this.#deps.groups.assertOwner(actor, group);
    const key = readPublicKey(publicKey);
    this.#deps.proofs.check(key.id, key.object, group, proof);
    await this.#takeProven(actor, group, nameOf(title), key);
    return key.id;
  }

  /** Changes what owners may set. @throws `forbidden`, `input-invalid` with the line that is wrong. */
  async update(
    actor: string,
    id: AppId,
    form: {
      title: string;
      channelConsent: string;
      origins: string;
      redirectUris: string;
      subchannels: string;
    },
  ): Promise<void> {
    const app = await this.#own(actor, id);
    await this.#deps.db
      .updateTable('apps')
      .set({
        title: nameOf(form.title),
        channel_consent: form.channelConsent === 'ask' ? 'ask' : 'none',
        origins: JSON.stringify(readOrigins(form.origins)),
        redirect_uris: JSON.stringify(readRedirectUris(form.redirectUris)),
        subchannel_names: JSON.stringify(Object.fromEntries(readSubchannelNames(form.subchannels))),
      })
      .where('id', '=', id)
      .execute();
    this.#deps.rightsEnded();
    await this.#record(actor, app.group, 'app.changed', id);
  }

  /** Gives the app to another group that the actor owns too. The old group's right ends in the same step. */
  async transfer(actor: string, id: AppId, group: string): Promise<void> {
    const app = await this.#own(actor, id);
    await this.#deps.groups.assertOwner(actor, group);
    await this.#assertRoom(group);
    await this.#deps.db.updateTable('apps').set({ group }).where('id', '=', id).execute();
    this.#deps.rightsEnded();
    await this.#record(actor, app.group, 'app.transferred', `${id} left this group`);
    await this.#record(actor, group, 'app.transferred', `${id} came to this group`);
  }

  /** Removes the app: nobody may send for it, its channels end. */
  async remove(actor: string, id: AppId): Promise<void> {
    const app = await this.#own(actor, id);
    await this.#drop(id);
    await this.#record(actor, app.group, 'app.removed', `${id} ${app.title}`);
  }

  /** The private key that Reveille made, as PEM. @throws `forbidden` to a member, `not-found` when it holds none. */
  async privateKey(actor: string, id: AppId): Promise<string> {
    const app = await this.#own(actor, id);
    if (app.private_key_sealed === null)
      throw new ReveilleError('not-found', 'Reveille did not make this key and does not hold it.');
    await this.#record(actor, app.group, 'app.key-downloaded', id);
    return this.#deps.secrets.open(PRIVATE_KEY_PURPOSE, app.private_key_sealed);
  }

  /** An account is gone: it leaves its groups, and apps that nobody is left for are removed. */
  async accountRemoved(account: string): Promise<void> {
    for (const group of await this.#deps.groups.accountRemoved(account)) {
      const rows = await this.#deps.db.selectFrom('apps').select('id').where('group', '=', group).execute();
      for (const { id } of rows) await this.#drop(id as AppId);
      await this.#deps.db.deleteFrom('publisher_groups').where('id', '=', group).execute();
    }
  }

  async #registerMade(actor: string, group: string, title: string): Promise<Registration> {
    const { appKey, privatePem } = await (this.#deps.makeKeyPair ?? makeKeyPair)();
    const sealed = this.#deps.secrets.seal(PRIVATE_KEY_PURPOSE, privatePem);
    await this.#insert(actor, group, title, appKey, { proven: true, sealed });
    return { state: 'registered', id: appKey.id };
  }

  async #takeProven(actor: string, group: string, title: string, key: AppKey): Promise<void> {
    const row = await this.#row(key.id);
    if (row === undefined)
      return await this.#insert(actor, group, title, key, { proven: true, sealed: null });
    if (row.proven === 1) return assertFree(row, group);
    if (row.group !== group) return await this.#displace(actor, group, title, row);
    await this.#deps.db.updateTable('apps').set({ proven: 1 }).where('id', '=', key.id).execute();
    this.#deps.rightsEnded();
    await this.#record(actor, group, 'app.proven', key.id);
  }

  /** Nothing that the unproven claimant set outlives its claim. */
  async #displace(actor: string, group: string, title: string, row: AppRow): Promise<void> {
    await this.#assertRoom(group);
    const { numUpdatedRows } = await this.#deps.db
      .updateTable('apps')
      .set({
        group,
        title,
        proven: 1,
        private_key_sealed: null,
        channel_consent: 'none',
        origins: '[]',
        redirect_uris: '[]',
        subchannel_names: '{}',
      })
      .where('id', '=', row.id)
      .where('proven', '=', 0)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw takenBy(row.id);
    this.#deps.rightsEnded();
    await this.#record(
      actor,
      row.group,
      'app.displaced',
      `${row.id} went to a group that proved to hold its private key`,
    );
    await this.#record(actor, group, 'app.proven', `${row.id}, taken over from an unproven claim`);
  }

  async #insert(
    actor: string,
    group: string,
    title: string,
    key: AppKey,
    how: { proven: boolean; sealed: string | null },
  ): Promise<void> {
    await this.#assertRoom(group);
    const { numInsertedOrUpdatedRows } = await this.#deps.db
      .insertInto('apps')
      .values({
        id: key.id,
        group,
        title,
        public_key: key.key,
        private_key_sealed: how.sealed,
        proven: how.proven ? 1 : 0,
        channel_consent: 'none',
        origins: '[]',
        redirect_uris: '[]',
        subchannel_names: '{}',
        created_at: this.#deps.clock.now(),
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows === 0n) throw takenBy(key.id);
    this.#deps.rightsEnded();
    await this.#record(
      actor,
      group,
      'app.registered',
      `${key.id} ${title}${how.proven ? '' : ' (unproven)'}`,
    );
  }

  async #assertRoom(group: string): Promise<void> {
    const { n } = await this.#deps.db
      .selectFrom('apps')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('group', '=', group)
      .executeTakeFirstOrThrow();
    if (n >= APPS_PER_GROUP)
      throw new ReveilleError('input-invalid', `A publisher group has at most ${APPS_PER_GROUP} apps.`);
  }

  async #drop(id: AppId): Promise<void> {
    await this.#deps.db.deleteFrom('apps').where('id', '=', id).execute();
    this.#deps.rightsEnded();
    await this.#deps.appRemoved(id);
  }

  /** The row of an app whose group the actor owns. */
  async #own(actor: string, id: AppId): Promise<AppRow> {
    const row = await this.#row(id);
    if (row === undefined || !(await this.#deps.groups.isMember(actor, row.group)))
      throw new ReveilleError('not-found', 'There is no such app among yours.');
    await this.#deps.groups.assertOwner(actor, row.group);
    return row;
  }

  #row(id: AppId): Promise<AppRow | undefined> {
    return this.#deps.db.selectFrom('apps').selectAll().where('id', '=', id).executeTakeFirst();
  }

  #record(account: string, group: string, event: string, detail: string): Promise<void> {
    return this.#deps.audit.record({ account, subject: group, event, detail });
  }
}

function assertFree(row: AppRow | undefined, group: string): void {
  if (row?.group === group)
    throw new ReveilleError('input-invalid', `The group has this app already: ${row.title} (${row.id}).`);
  if (row !== undefined) throw takenBy(row.id);
}

function takenBy(id: string): ReveilleError {
  return new ReveilleError(
    'input-invalid',
    `The app ${id} belongs to another publisher group that has proven it. Ask one of its owners to invite you.`,
  );
}

function shownApp(row: AppRow, groupName: string): App {
  return {
    ...ownedApp(row),
    groupName,
    key: row.public_key,
    keyHeld: row.private_key_sealed !== null,
    createdAt: row.created_at,
    settings: settingsOf(row),
  };
}

/**
 * What counts. An unproven claimant decides nothing about where the app's answers go; and once an app lets web pages
 * take them, signing in silently would tell any page of it who is there, so a consent page comes first (decision 0042).
 */
function ownedApp(row: AppRow): OwnedApp {
  const settings = settingsOf(row);
  const proven = row.proven === 1;
  const redirectUris = proven ? settings.redirectUris : [];
  return {
    id: row.id as AppId,
    title: row.title,
    group: row.group,
    proven,
    channelConsent: redirectUris.every(isHeldByBrowser) ? settings.channelConsent : 'ask',
    origins: proven ? settings.origins : [],
    redirectUris,
    subchannelNames: new Map(Object.entries(JSON.parse(row.subchannel_names) as Record<string, number>)),
  };
}

function settingsOf(row: AppRow): AppSettings {
  return {
    channelConsent: row.channel_consent,
    origins: JSON.parse(row.origins) as string[],
    redirectUris: JSON.parse(row.redirect_uris) as string[],
  };
}
