import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { ReveilleError } from '../../protocol/errors.ts';
import { clientSecretsFile } from '../oauth/client-secrets-file.ts';
import { securityHeaders } from '../pages/security-headers.ts';
import { type ClientForm, clientFormPage, clientPage, freshClient } from './clients.tsx';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields, FormAnswer } from './desk.ts';
import { assertSure } from './project-routes.ts';
import type { Unlock } from './unlock.ts';
import type { Visit } from './visit.ts';

type Deps = Pick<ConsoleDeps, 'origin' | 'projects' | 'clients'>;

const idOf = (c: ConsoleContext): string => c.req.param('id') ?? '';
const homeOf = (c: ConsoleContext): string => `/console/clients/${idOf(c)}`;
const subjectOf = (client: string): string => `client:${client}`;

/** OAuth clients: create, edit, show the secret, `client_secrets.json`, reset, delete. */
export function clientRoutes(deps: Deps, desk: Desk, unlock: Unlock): Hono<ConsoleEnv> {
  const { clients, projects, origin } = deps;
  const drawForm = async (
    visit: Visit,
    c: ConsoleContext,
    form: ClientForm,
    fault?: string,
  ): Promise<JSX.Element> => {
    await projects.assertMay(visit.account, idOf(c), 'change-clients');
    return clientFormPage(visit, await projects.get(visit.account, idOf(c)), form, fault);
  };
  const draw = async (
    visit: Visit,
    c: ConsoleContext,
    fault?: string,
    sent?: ClientForm,
  ): Promise<JSX.Element> => {
    const client = await clients.get(visit.account, idOf(c));
    const project = await projects.get(visit.account, client.project);
    const key = c.req.query('unlock') ?? '';
    const open = fault === undefined && unlock.isOpen(visit.account.id, subjectOf(client.id), key);
    const shown = open ? { secret: await clients.secretOf(visit.account, client.id), key } : undefined;
    return clientPage(visit, { origin, client, project, shown, fault, sent });
  };
  const again = {
    again: (visit: Visit, c: ConsoleContext, _: Fields, fault: string) => draw(visit, c, fault),
  };

  const routes = new Hono<ConsoleEnv>();
  routes.get(
    '/console/projects/:id/clients/new',
    desk.page((visit, c) => drawForm(visit, c, freshClient(origin))),
  );
  routes.post(
    '/console/projects/:id/clients',
    ...desk.form(
      async ({ account }, c, sent) => {
        const { client } = await clients.create(account, idOf(c), wanted(sent));
        // Whoever has just made the secret need not be asked for the password to see it.
        return `/console/clients/${client.id}?done=client-made&unlock=${unlock.key(account.id, subjectOf(client.id))}`;
      },
      { again: (visit, c, sent, fault) => drawForm(visit, c, formOf(sent), fault) },
    ),
  );
  routes.get(
    '/console/clients/:id',
    desk.page((visit, c) => draw(visit, c)),
  );
  routes.post(
    '/console/clients/:id',
    ...desk.form(
      async ({ account }, c, sent) => {
        await clients.update(account, idOf(c), wanted(sent));
        return `${homeOf(c)}?done=saved`;
      },
      { again: (visit, c, sent, fault) => draw(visit, c, fault, formOf(sent)) },
    ),
  );
  secretRoutes(routes, deps, desk, unlock, again);
  routes.post(
    '/console/clients/:id/remove',
    ...desk.form(async ({ account }, c, sent) => {
      assertSure(sent);
      const { project } = await clients.get(account, idOf(c));
      await clients.remove(account, idOf(c));
      return `/console/projects/${project}?done=client-removed`;
    }, again),
  );
  return routes;
}

function secretRoutes(
  routes: Hono<ConsoleEnv>,
  { clients, projects, origin }: Deps,
  desk: Desk,
  unlock: Unlock,
  again: FormAnswer,
): void {
  const unlocked = (visit: Visit, c: ConsoleContext, done: string): string =>
    `${homeOf(c)}?${done}unlock=${unlock.key(visit.account.id, subjectOf(idOf(c)))}`;
  routes.post(
    '/console/clients/:id/secret',
    ...desk.form(async (visit, c, sent) => {
      const { project } = await clients.get(visit.account, idOf(c));
      await projects.assertMay(visit.account, project, 'see-secrets');
      await unlock.assertPassword(visit.account.id, sent.text('password'));
      return unlocked(visit, c, '');
    }, again),
  );
  routes.post(
    '/console/clients/:id/reset',
    ...desk.form(async (visit, c, sent) => {
      assertSure(sent);
      await clients.resetSecret(visit.account, idOf(c));
      return unlocked(visit, c, 'done=secret-reset&');
    }, again),
  );
  routes.get(
    '/console/clients/:id/client_secrets.json',
    desk.page(async ({ account }, c) => {
      const client = await clients.get(account, idOf(c));
      if (!unlock.isOpen(account.id, subjectOf(client.id), c.req.query('unlock')))
        throw new ReveilleError(
          'forbidden',
          'Open the page of the client and give your password to download its secret.',
        );
      return new Response(clientSecretsFile(origin, client, await clients.secretOf(account, client.id)), {
        headers: {
          ...securityHeaders,
          'Content-Type': 'application/json',
          'Content-Disposition': 'attachment; filename="client_secrets.json"',
          'Cache-Control': 'no-store',
        },
      });
    }),
  );
}

const formOf = (sent: Fields): ClientForm => ({
  name: sent.text('name'),
  redirectUris: sent.text('redirectUris'),
});

const wanted = (sent: Fields): { name: string; redirectUris: readonly string[] } => ({
  name: sent.text('name'),
  redirectUris: sent.text('redirectUris').split(/\s+/),
});
