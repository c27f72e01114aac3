import { expect, setDefaultTimeout, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId } from '../../protocol/app-id.ts';
import { type Account, type Accounts, createAccounts } from '../accounts/accounts.ts';
import { audit } from '../accounts/audit.ts';
import { openControlDatabase } from '../accounts/open-database.ts';
import { openSecrets } from '../config/secrets.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../core/sender.ts';
import { silentEvents } from '../observe/events.ts';
import { Apps } from '../webstore/apps.ts';
import { Groups } from '../webstore/groups.ts';
import { Proofs } from '../webstore/proof.ts';
import type { Client } from './clients.ts';
import type { ProjectRole } from './roles.ts';
import { type OAuthRoom, openOAuth } from './room.ts';

export const origin = 'http://127.0.0.1:8030';
export const callback = 'https://sender.example/back';
export const password = 'correct horse battery';

/** Passwords are hashed as slowly as in the field, and the machine of a test may be busy. */
setDefaultTimeout(30_000);

const random = (bytes: number): Uint8Array => randomBytes(bytes);

/** One person, signed in. */
export interface Person extends Account {
  readonly cookie: string;
}

/** A server's control plane with real accounts, apps and database, and one client of one project. */
export interface Town extends OAuthRoom {
  readonly clock: ManualClock;
  readonly accounts: Accounts;
  readonly apps: Apps;
  readonly groups: Groups;
  readonly db: Awaited<ReturnType<typeof openControlDatabase>>['db'];
  readonly sqlite: Awaited<ReturnType<typeof openControlDatabase>>['sqlite'];
  /** The first account, so the administrator. */
  readonly ann: Person;
  readonly project: string;
  readonly client: Client;
  readonly secret: string;
  /** Makes an account and signs it in. */
  person(name: string): Promise<Person>;
  /** Lets an account into a project by an invitation and its yes. */
  join(owner: Account, project: string, account: Account, role: ProjectRole): Promise<void>;
  /** An app that `owner` registered with a pair of ours, in a group of its own. */
  app(owner: Account): Promise<{ readonly id: AppId; readonly group: string }>;
  request(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** Migrated once for all towns of a run. */
const emptyDatabase: Promise<string> = (async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-oauth-empty-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const path = join(folder, 'control.sqlite');
  await (await openControlDatabase(path)).close();
  return path;
})();

export async function openTown(
  options: { readonly compat2013?: boolean; readonly clock?: ManualClock } = {},
): Promise<Town> {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-oauth-'));
  const path = join(folder, 'control.sqlite');
  copyFileSync(await emptyDatabase, path);
  const control = await openControlDatabase(path);
  // What must survive a power cut is no subject of these tests.
  control.sqlite.run('PRAGMA synchronous = OFF');
  const { db } = control;
  const secrets = await openSecrets({ folder });
  // Sign-ins of better-auth live by the host's clock, so the town's clock starts there.
  const clock = options.clock ?? new ManualClock(Date.now());
  const accounts = await createAccounts({
    db,
    secrets,
    origin,
    events: silentEvents,
    signUp: 'open',
    signInsPerMinute: 1_000,
  });
  const shared = {
    db,
    clock,
    random,
    audit: audit(db, clock),
    rightsEnded: () => room.senders.rightsEnded(),
  };
  const groups = new Groups(shared);
  const apps = new Apps({
    ...shared,
    secrets,
    groups,
    proofs: new Proofs(secrets, clock),
    appRemoved: async () => {},
  });
  const room = openOAuth({ ...shared, secrets, events: silentEvents, accounts, owners: apps, ...options });
  const person = async (name: string): Promise<Person> => {
    const account = await accounts.create(`${name}@example.com`, password, name);
    return { ...account, cookie: (await accounts.signIn(account.email, password)).cookie };
  };
  const ann = await person('ann');
  const project = (await room.projects.create(ann, 'Guestbook')).id;
  await room.projects.setMessaging(ann, project, true);
  const { client, secret } = await room.clients.create(ann, project, {
    name: 'Guestbook server',
    redirectUris: [callback],
  });
  const peer = { address: '192.0.2.7' };
  return {
    ...room,
    clock,
    accounts,
    apps,
    groups,
    db,
    sqlite: control.sqlite,
    ann,
    project,
    client,
    secret,
    person,
    async join(owner, project, account, role) {
      await room.team.invite(owner, project, account.email, role);
      await room.team.answer(account, project, true);
    },
    async app(owner) {
      const group = await groups.create(owner.id, `Apps of ${owner.name}`);
      return { id: (await apps.register(owner.id, group, 'Hello Push', { kind: 'made' })).id, group };
    },
    request: async (path, init) => await room.routes.request(`${origin}${path}`, init, { peer }),
    async close() {
      await control.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The query of an authorization request of the town's client; `undefined` takes a parameter out. */
export function authorizationPath(town: Town, change: Record<string, string | undefined> = {}): string {
  const parameters = {
    response_type: 'code',
    client_id: town.client.id,
    redirect_uri: callback,
    scope: SEND_SCOPE,
    access_type: 'offline',
    ...change,
  };
  return `/o/oauth2/auth?${queryOf(parameters)}`;
}

/** The same of an app, with PKCE. */
export function appPath(app: AppId, change: Record<string, string | undefined> = {}): string {
  const parameters = {
    response_type: 'code',
    client_id: app,
    redirect_uri: `https://${app}.chromiumapp.org/`,
    scope: CHANNEL_SCOPE,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...change,
  };
  return `/o/oauth2/auth?${queryOf(parameters)}`;
}

/** The pair of RFC 7636, appendix B. */
export const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
export const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

test('OA10 the challenge that these tests send is the S256 of their verifier', () => {
  expect(createHash('sha256').update(verifier).digest('base64url')).toBe(challenge);
});

function queryOf(parameters: Record<string, string | undefined>): string {
  const set = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(set).toString();
}

export const as = (person: Person): RequestInit => ({
  headers: { cookie: person.cookie },
  redirect: 'manual',
});

/** A hidden field of the first form on a page that has it. */
export function fieldOf(html: string, name: string): string {
  const value = new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1];
  if (value === undefined) throw new Error(`no field ${name} on the page: ${html}`);
  return value.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}

/** Sends a form. */
export function post(person: Person | undefined, fields: Record<string, string>): RequestInit {
  return {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields),
    headers: person === undefined ? {} : { cookie: person.cookie },
  };
}

/** Where a page takes the browser by itself. */
export function onwardOf(html: string): string {
  const target = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(html)?.[1];
  if (target === undefined) throw new Error(`the page leads nowhere: ${html}`);
  return target.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
}

/** Opens the consent page and says yes. @returns where the browser goes then */
export async function consent(town: Town, person: Person, path: string): Promise<URL> {
  const page = await (await town.request(path, as(person))).text();
  const fields = {
    request: fieldOf(page, 'request'),
    form_token: fieldOf(page, 'form_token'),
    decision: 'allow',
  };
  return new URL(onwardOf(await (await town.request('/o/oauth2/auth', post(person, fields))).text()));
}

/** Asks the token endpoint as the town's client; `undefined` takes a parameter out. */
export function askToken(
  town: Town,
  change: Record<string, string | undefined>,
  path = '/o/oauth2/token',
): Promise<Response> {
  const parameters = { client_id: town.client.id, client_secret: town.secret, ...change };
  return town.request(path, { method: 'POST', body: new URLSearchParams(queryOf(parameters)) });
}

/** Consent and exchange: the tokens that a sender starts with. */
export async function grantTo(
  town: Town,
  person: Person,
  change: Record<string, string | undefined> = { approval_prompt: 'force' },
): Promise<{ readonly access_token: string; readonly refresh_token: string }> {
  const back = await consent(town, person, authorizationPath(town, change));
  const code = back.searchParams.get('code') ?? '';
  const answer = await askToken(town, { grant_type: 'authorization_code', code, redirect_uri: callback });
  return (await answer.json()) as { access_token: string; refresh_token: string };
}

/** An app signs in silently and exchanges its code. */
export async function appToken(town: Town, app: AppId, person: Person): Promise<string> {
  const answer = await town.request(appPath(app, { prompt: 'none' }), as(person));
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
  const token = await askToken(town, {
    client_id: app,
    client_secret: undefined,
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: `https://${app}.chromiumapp.org/`,
  });
  return ((await token.json()) as { access_token: string }).access_token;
}
