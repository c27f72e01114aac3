import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import type { AppId } from '../../protocol/app-id.ts';
import { isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { securityHeaders } from '../pages/security-headers.ts';
import { readPublicKey } from '../webstore/app-key.ts';
import type { App, KeySource } from '../webstore/apps.ts';
import type { Proof } from '../webstore/proof.ts';
import { appPage } from './app-page.tsx';
import { type AppForm, appFormPage, appsPage, claimPage, OWN_GROUP } from './apps.tsx';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields } from './desk.ts';
import { assertSure } from './project-routes.ts';
import type { Unlock } from './unlock.ts';
import type { Visit } from './visit.ts';

type Deps = Pick<ConsoleDeps, 'origin' | 'apps' | 'groups' | 'clock'>;

/** Key files are a few kilobytes; the rest of a form comes on top. */
const KEY_FORM_BYTES = 64 * 1024;
/** An extension with its pictures; with the room that a form needs around a file. */
const PACKAGE_FORM_BYTES = 16 * 1024 * 1024 + 64 * 1024;
/** Making a key costs a tenth of a second of a core, and an id that nobody uses stays for ever. */
const REGISTRATIONS_PER_HOUR = 30;

const homeOf = (c: ConsoleContext): string => `/console/apps/${c.req.param('id') ?? ''}`;

function appIdIn(c: ConsoleContext): AppId {
  const id = c.req.param('id') ?? '';
  if (!isAppId(id)) throw new ReveilleError('not-found', 'There is no such app among yours.');
  return id;
}

/** `/console/apps…`: register, prove, settings, move, remove, the private key. */
export function appRoutes(deps: Deps, desk: Desk, unlock: Unlock): Hono<ConsoleEnv> {
  const { apps, groups } = deps;
  const routes = new Hono<ConsoleEnv>();
  routes.get(
    '/console/apps',
    desk.page(async (visit) =>
      appsPage(visit, await apps.list(visit.account.id), await groups.ofAccount(visit.account.id)),
    ),
  );
  registerRoutes(routes, deps, desk);
  claimRoutes(routes, deps, desk);
  routes.get(
    '/console/apps/:id',
    desk.page((visit, c) => draw(deps, visit, c)),
  );
  routes.post(
    '/console/apps/:id',
    ...desk.form(
      async ({ account }, c, sent) => {
        await apps.update(account.id, appIdIn(c), settingsOf(sent));
        return `${homeOf(c)}?done=saved`;
      },
      { again: (visit, c, sent, fault) => draw(deps, visit, c, fault, settingsOf(sent)) },
    ),
  );
  ownerRoutes(routes, deps, desk, unlock);
  return routes;
}

function registerRoutes(routes: Hono<ConsoleEnv>, { apps, groups, clock }: Deps, desk: Desk): void {
  const registrations = new RateLimit(clock, REGISTRATIONS_PER_HOUR, 3_600_000);
  const drawForm = async (visit: Visit, form: AppForm, fault?: string): Promise<JSX.Element> =>
    appFormPage(visit, await groups.ofAccount(visit.account.id), form, fault);
  routes.get(
    '/console/apps/new',
    desk.page((visit) => drawForm(visit, { title: '', group: '', key: '' })),
  );
  routes.post(
    '/console/apps',
    ...desk.form(
      async ({ account }, _, sent) => {
        registrations.assert(account.id, 'Too many apps in an hour.');
        const title = sent.text('title');
        const source = await sourceOf(sent);
        const group = await groupOf(groups, account, sent.text('group'));
        const made = await apps.register(account.id, group, title, source);
        if (made.state === 'registered') return `/console/apps/${made.id}?done=app-made`;
        return `/console/apps/claim?${new URLSearchParams({ group, title, key: made.key })}`;
      },
      {
        again: (visit, _, sent, fault) =>
          drawForm(
            visit,
            { title: sent.text('title'), group: sent.text('group'), key: sent.text('key') },
            fault,
          ),
        maxBytes: KEY_FORM_BYTES,
      },
    ),
  );
}

/** Group, title and key of a claim: they travel with its forms. */
interface Claim extends Readonly<Record<string, string>> {
  readonly group: string;
  readonly title: string;
  readonly key: string;
}

const claimOf = (read: (name: string) => string): Claim => ({
  group: read('group'),
  title: read('title'),
  key: read('key'),
});

function claimRoutes(routes: Hono<ConsoleEnv>, { apps }: Deps, desk: Desk): void {
  const action = '/console/apps/claim';
  const draw = async (visit: Visit, claim: Claim, fault?: string): Promise<JSX.Element> => {
    const { id } = readPublicKey(claim.key);
    const challenge = await apps.challenge(visit.account.id, id, claim.group);
    return claimPage(visit, id, { visit, action, challenge, hidden: claim }, fault);
  };
  const asked = (c: ConsoleContext): Claim => claimOf((name) => c.req.query(name) ?? '');
  const sentIn = (sent: Fields): Claim => claimOf((name) => sent.text(name));
  routes.get(
    action,
    desk.page((visit, c) => draw(visit, asked(c))),
  );
  routes.post(
    action,
    ...desk.form(
      async ({ account }, _, sent) => {
        const { group, title, key } = sentIn(sent);
        const id = await apps.claim(account.id, group, title, key, await proofOf(sent));
        return `/console/apps/${id}?done=app-proven`;
      },
      { again: (visit, _, sent, fault) => draw(visit, sentIn(sent), fault), maxBytes: PACKAGE_FORM_BYTES },
    ),
  );
}

function ownerRoutes(routes: Hono<ConsoleEnv>, deps: Deps, desk: Desk, unlock: Unlock): void {
  const { apps } = deps;
  const again = (visit: Visit, c: ConsoleContext, _: Fields, fault: string): Promise<JSX.Element> =>
    draw(deps, visit, c, fault);
  routes.post(
    '/console/apps/:id/proof',
    ...desk.form(
      async ({ account }, c, sent) => {
        const app = await apps.open(account.id, appIdIn(c));
        await apps.claim(account.id, app.group, app.title, app.key, await proofOf(sent));
        return `${homeOf(c)}?done=app-proven`;
      },
      { again, maxBytes: PACKAGE_FORM_BYTES },
    ),
  );
  routes.post(
    '/console/apps/:id/transfer',
    ...desk.form(
      async ({ account }, c, sent) => {
        assertSure(sent);
        await apps.transfer(account.id, appIdIn(c), sent.text('group'));
        return `${homeOf(c)}?done=app-moved`;
      },
      { again },
    ),
  );
  routes.post(
    '/console/apps/:id/remove',
    ...desk.form(
      async ({ account }, c, sent) => {
        assertSure(sent);
        await apps.remove(account.id, appIdIn(c));
        return '/console/apps?done=app-removed';
      },
      { again },
    ),
  );
  routes.post(
    '/console/apps/:id/key',
    ...desk.form(
      async ({ account }, c, sent) => {
        const id = appIdIn(c);
        await apps.assertOwner(account.id, id);
        await unlock.assertPassword(account.id, sent.text('password'));
        return pemAnswer(await apps.privateKey(account.id, id));
      },
      { again },
    ),
  );
}

async function draw(
  { apps, groups, origin }: Deps,
  visit: Visit,
  c: ConsoleContext,
  fault?: string,
  sent?: ReturnType<typeof settingsOf>,
): Promise<JSX.Element> {
  const account = visit.account.id;
  const app: App = await apps.open(account, appIdIn(c));
  const mine = await groups.ofAccount(account);
  const owner = mine.some(({ group, role }) => group === app.group && role === 'owner');
  return appPage(visit, {
    app,
    origin,
    owner,
    members: (await groups.open(account, app.group)).members,
    others: mine.filter(({ group, role }) => role === 'owner' && group !== app.group),
    challenge: owner && !app.proven ? await apps.challenge(account, app.id, app.group) : undefined,
    fault,
    sent: sent && {
      title: sent.title,
      channelConsent: sent.channelConsent === 'ask' ? 'ask' : 'none',
      origins: sent.origins.split('\n'),
      redirectUris: sent.redirectUris.split('\n'),
      subchannels: sent.subchannels,
    },
  });
}

const settingsOf = (
  sent: Fields,
): {
  title: string;
  channelConsent: string;
  origins: string;
  redirectUris: string;
  subchannels: string;
} => ({
  title: sent.text('title'),
  channelConsent: sent.text('channelConsent'),
  origins: sent.text('origins'),
  redirectUris: sent.text('redirectUris'),
  subchannels: sent.text('subchannels'),
});

/** A group that was chosen, or a group of one's own, made when it is needed first. */
export async function groupOf(
  groups: Deps['groups'],
  account: { id: string; name: string },
  chosen: string,
): Promise<string> {
  if (chosen !== '' && chosen !== OWN_GROUP) return chosen;
  const own = (await groups.ofAccount(account.id)).find(
    ({ role, name }) => role === 'owner' && name === account.name,
  );
  return own?.group ?? (await groups.create(account.id, account.name));
}

async function sourceOf(sent: Fields): Promise<KeySource> {
  switch (sent.text('source')) {
    case 'made':
      return { kind: 'made' };
    case 'key-file':
      return { kind: 'key-file', pem: await pemOf(sent) };
    default:
      return { kind: 'public-key', text: sent.text('key') };
  }
}

async function proofOf(sent: Fields): Promise<Proof> {
  switch (sent.text('kind')) {
    case 'key-file':
      return { kind: 'key-file', pem: await pemOf(sent) };
    case 'package':
      return { kind: 'package', file: await fileOf(sent) };
    default:
      return { kind: 'signature', challenge: sent.text('challenge'), signature: sent.text('signature') };
  }
}

async function fileOf(sent: Fields): Promise<Uint8Array> {
  const file = await sent.file('file');
  if (file === undefined) throw new ReveilleError('input-invalid', 'Choose a file first.');
  return file;
}

async function pemOf(sent: Fields): Promise<string> {
  const file = await fileOf(sent);
  if (file.length > KEY_FORM_BYTES)
    throw new ReveilleError('input-invalid', 'A key file has a few kilobytes; this is something else.');
  return Buffer.from(file).toString('latin1');
}

function pemAnswer(pem: string): Response {
  return new Response(pem, {
    headers: {
      ...securityHeaders,
      'Content-Type': 'application/x-pem-file',
      'Content-Disposition': 'attachment; filename="key.pem"',
      'Cache-Control': 'no-store',
    },
  });
}
