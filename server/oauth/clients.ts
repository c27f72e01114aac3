import { timingSafeEqual } from 'node:crypto';
import { ReveilleError } from '../../protocol/errors.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock, Random } from '../core/clock.ts';
import { bounds } from './bounds.ts';
import { endAccessTokens, endGrants } from './ended.ts';
import { type Actor, checkedName, type Projects } from './projects.ts';
import { redirectFault } from './redirect-rules.ts';

/** An OAuth client of a project: the program that sends. */
export interface Client {
  /** `<project>-<32 lowercase letters or digits>.apps.reveille`. */
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly kind: 'web' | 'installed';
  readonly redirectUris: readonly string[];
  readonly createdAt: number;
}

const CLIENT_ID = /^([0-9]{12})-[a-z0-9]{32}\.apps\.reveille$/;

/** True for the form of a client id, whether or not there is such a client. */
export const isClientId = (text: string): boolean => CLIENT_ID.test(text);

/**
 * OAuth clients. What each role of the project may do with them is in roles.ts.
 * Secrets are sealed, not hashed, because the console shows them again, as Google's did.
 */
export class Clients {
  readonly #db: ControlDatabase;
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #projects: Projects;
  readonly #rightsEnded: () => void;

  constructor(deps: {
    readonly db: ControlDatabase;
    readonly secrets: Secrets;
    readonly clock: Clock;
    readonly random: Random;
    readonly projects: Projects;
    readonly rightsEnded: () => void;
  }) {
    this.#db = deps.db;
    this.#secrets = deps.secrets;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#projects = deps.projects;
    this.#rightsEnded = deps.rightsEnded;
  }

  /**
   * Makes a client of a project.
   * @throws `input-invalid` with what is wrong with a name or redirect; `forbidden`, `not-found` as `Projects`
   */
  async create(
    actor: Actor,
    project: string,
    wanted: {
      readonly name: string;
      readonly redirectUris: readonly string[];
      readonly kind?: 'web' | 'installed';
    },
  ): Promise<{ readonly client: Client; readonly secret: string }> {
    const redirectUris = checkedRedirects(wanted.redirectUris);
    const name = checkedName(wanted.name);
    if ((await this.list(actor, project, 'change-clients')).length >= bounds.clientsPerProject) {
      throw new ReveilleError('input-invalid', `A project has at most ${bounds.clientsPerProject} clients.`);
    }
    const secret = makeSecret(this.#random);
    const row = {
      id: `${project}-${letters(this.#random, 32)}.apps.reveille`,
      project,
      name,
      kind: wanted.kind ?? ('web' as const),
      secret_sealed: this.#secrets.seal('client-secret', secret),
      redirect_uris: JSON.stringify(redirectUris),
      origins: '[]',
      created_at: this.#clock.now(),
    };
    await this.#db.transaction().execute(async (trx) => {
      await trx.insertInto('clients').values(row).execute();
      await this.#note(trx, actor, project, 'client.created', row.id);
    });
    return { client: toClient(row), secret };
  }

  /** The clients of a project, oldest first. */
  async list(
    actor: Actor,
    project: string,
    act: 'look' | 'change-clients' = 'look',
  ): Promise<readonly Client[]> {
    await this.#projects.assertMay(actor, project, act);
    const rows = await this.#db
      .selectFrom('clients')
      .selectAll()
      .where('project', '=', project)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map(toClient);
  }

  /** One client for a member of its project. @throws `not-found` */
  async get(actor: Actor, id: string): Promise<Client> {
    const client = await this.find(id);
    if (client === undefined) throw new ReveilleError('not-found', 'There is no such client.');
    await this.#projects.assertMay(actor, client.project, 'look');
    return client;
  }

  /** A client by its id, for the endpoints: asks nobody's role. */
  async find(id: string): Promise<Client | undefined> {
    if (!isClientId(id)) return undefined;
    const row = await this.#db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toClient(row);
  }

  /** The client with this id and secret, else undefined; compared in constant time. */
  async authenticate(id: string, secret: string): Promise<Client | undefined> {
    if (!isClientId(id)) return undefined;
    const row = await this.#db.selectFrom('clients').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) return undefined;
    const kept = Buffer.from(this.#secrets.open('client-secret', row.secret_sealed));
    const given = Buffer.from(secret);
    return kept.length === given.length && timingSafeEqual(kept, given) ? toClient(row) : undefined;
  }

  /** The secret in clear, to be shown after the password was asked. */
  async secretOf(actor: Actor, id: string): Promise<string> {
    const client = await this.#editable(actor, id, 'see-secrets');
    const { secret_sealed } = await this.#db
      .selectFrom('clients')
      .select('secret_sealed')
      .where('id', '=', client.id)
      .executeTakeFirstOrThrow();
    await this.#note(this.#db, actor, client.project, 'client.secret-shown', id);
    return this.#secrets.open('client-secret', secret_sealed);
  }

  async update(
    actor: Actor,
    id: string,
    wanted: { readonly name: string; readonly redirectUris: readonly string[] },
  ): Promise<void> {
    const client = await this.#editable(actor, id);
    const columns = {
      name: checkedName(wanted.name),
      redirect_uris: JSON.stringify(checkedRedirects(wanted.redirectUris)),
    };
    await this.#db.transaction().execute(async (trx) => {
      await trx.updateTable('clients').set(columns).where('id', '=', id).execute();
      await this.#note(trx, actor, client.project, 'client.changed', id);
    });
  }

  /**
   * A fresh secret; the one before is void, and so is every access token that was got with it. Refresh tokens stay: they
   * are worth nothing without the secret.
   */
  async resetSecret(actor: Actor, id: string): Promise<string> {
    const client = await this.#editable(actor, id);
    const secret = makeSecret(this.#random);
    await this.#db.transaction().execute(async (trx) => {
      await trx
        .updateTable('clients')
        .set({ secret_sealed: this.#secrets.seal('client-secret', secret) })
        .where('id', '=', id)
        .execute();
      await endAccessTokens(trx, (grants) => grants.where('client', '=', id));
      await this.#note(trx, actor, client.project, 'client.secret-reset', id);
    });
    this.#rightsEnded();
    return secret;
  }

  /** Ends the client and every grant that was given to it. */
  async remove(actor: Actor, id: string): Promise<void> {
    const client = await this.#editable(actor, id);
    await this.#db.transaction().execute(async (trx) => {
      await endGrants(trx, this.#clock, (grants) => grants.where('client', '=', id));
      await trx.deleteFrom('clients').where('id', '=', id).execute();
      await this.#note(trx, actor, client.project, 'client.removed', id);
    });
    this.#rightsEnded();
  }

  async #editable(
    actor: Actor,
    id: string,
    act: 'change-clients' | 'see-secrets' = 'change-clients',
  ): Promise<Client> {
    const client = await this.get(actor, id);
    await this.#projects.assertMay(actor, client.project, act);
    return client;
  }

  #note(trx: ControlDatabase, actor: Actor, project: string, event: string, client: string): Promise<void> {
    return audit(trx, this.#clock).record({ account: actor.id, subject: project, event, detail: client });
  }
}

/** @throws `input-invalid` that names the first wrong redirect and its fault */
function checkedRedirects(uris: readonly string[]): readonly string[] {
  const wanted = [...new Set(uris.map((uri) => uri.trim()).filter((uri) => uri !== ''))];
  if (wanted.length > bounds.redirectUrisPerClient) {
    throw new ReveilleError(
      'input-invalid',
      `A client has at most ${bounds.redirectUrisPerClient} redirect URIs.`,
    );
  }
  for (const uri of wanted) {
    const fault = redirectFault(uri);
    if (fault !== undefined) {
      throw new ReveilleError('input-invalid', `The redirect URI ${uri} cannot be taken. ${fault}`, {
        location: 'redirect_uris',
      });
    }
  }
  return wanted;
}

/** 24 URL-safe characters: 144 bits. */
const makeSecret = (random: Random): string => Buffer.from(random(18)).toString('base64url');

/** Lowercase letters and digits, each equally likely: bytes that would tip the scale are thrown away. */
function letters(random: Random, count: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  let text = '';
  while (text.length < count) {
    for (const byte of random(count)) {
      if (byte < 252 && text.length < count) text += alphabet[byte % 36];
    }
  }
  return text;
}

interface ClientRow {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly kind: 'web' | 'installed';
  readonly redirect_uris: string;
  readonly created_at: number;
}

const toClient = (row: ClientRow): Client => ({
  id: row.id,
  project: row.project,
  name: row.name,
  kind: row.kind,
  redirectUris: JSON.parse(row.redirect_uris),
  createdAt: row.created_at,
});
