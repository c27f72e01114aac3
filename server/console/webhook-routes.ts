import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { eventTypes, type Owner } from '../webhooks/webhook.ts';
import type { WantedTarget, Webhooks } from '../webhooks/webhooks.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields } from './desk.ts';
import { assertSure } from './project-routes.ts';
import type { Unlock } from './unlock.ts';
import type { Visit } from './visit.ts';
import { freshTarget, homeOfWebhooks, type NamedOwner, webhookPage, webhooksPage } from './webhooks.tsx';

/** What the pages of webhooks stand on, beside the console's own parts. */
export interface WebhookPages {
  readonly webhooks: Webhooks;
}

type Deps = Pick<ConsoleDeps, 'projects' | 'apps'> & WebhookPages;

const idOf = (c: ConsoleContext): string => c.req.param('id') ?? '';
const homeOf = (c: ConsoleContext): string => `/console/webhooks/${idOf(c)}`;
const subjectOf = (webhook: string): string => `webhook:${webhook}`;

/** Webhooks of projects and apps: make, look, change, test, switch on again, renew the secret, remove. */
export function webhookRoutes(deps: Deps, desk: Desk, unlock: Unlock): Hono<ConsoleEnv> {
  const routes = new Hono<ConsoleEnv>();
  for (const kind of ['project', 'app'] as const) listRoutes(routes, deps, desk, unlock, kind);
  const { webhooks } = deps;
  const draw = drawer(deps, unlock);
  const again = {
    again: (visit: Visit, c: ConsoleContext, _: Fields, fault: string) => draw(visit, c, fault),
  };
  routes.get(
    '/console/webhooks/:id',
    desk.page((visit, c) => draw(visit, c)),
  );
  routes.post(
    '/console/webhooks/:id',
    ...desk.form(
      async ({ account }, c, sent) => {
        await webhooks.update(account, idOf(c), wanted(sent));
        return `${homeOf(c)}?done=saved`;
      },
      { again: (visit, c, sent, fault) => draw(visit, c, fault, wanted(sent)) },
    ),
  );
  const acts: readonly [string, (visit: Visit, id: string, sent: Fields) => Promise<string>][] = [
    [
      'test',
      async ({ account }, id) => {
        await webhooks.test(account, id);
        return `/console/webhooks/${id}?done=webhook-tested`;
      },
    ],
    [
      'enable',
      async ({ account }, id) => {
        await webhooks.enable(account, id);
        return `/console/webhooks/${id}?done=webhook-enabled`;
      },
    ],
    [
      'secret',
      async ({ account }, id, sent) => {
        assertSure(sent);
        await webhooks.renewSecret(account, id);
        return `/console/webhooks/${id}?done=webhook-secret&unlock=${unlock.key(account.id, subjectOf(id))}`;
      },
    ],
    [
      'remove',
      async ({ account }, id, sent) => {
        assertSure(sent);
        const { owner } = await webhooks.get(account, id);
        await webhooks.remove(account, id);
        return `${homeOfWebhooks(owner)}?done=webhook-removed`;
      },
    ],
  ];
  for (const [name, act] of acts)
    routes.post(
      `/console/webhooks/:id/${name}`,
      ...desk.form((visit, c, sent) => act(visit, idOf(c), sent), again),
    );
  return routes;
}

function listRoutes(
  routes: Hono<ConsoleEnv>,
  deps: Deps,
  desk: Desk,
  unlock: Unlock,
  kind: Owner['kind'],
): void {
  const { webhooks } = deps;
  const path = `/console/${kind === 'project' ? 'projects' : 'apps'}/:id/webhooks`;
  const draw = async (
    visit: Visit,
    c: ConsoleContext,
    form: WantedTarget,
    fault?: string,
  ): Promise<JSX.Element> => {
    const owner = { kind, id: idOf(c) };
    return webhooksPage(visit, {
      owner: await named(deps, visit, owner),
      webhooks: await webhooks.list(visit.account, owner),
      mayChange: await webhooks.mayChange(visit.account, owner),
      form,
      fault,
    });
  };
  routes.get(
    path,
    desk.page((visit, c) => draw(visit, c, freshTarget)),
  );
  routes.post(
    path,
    ...desk.form(
      async ({ account }, c, sent) => {
        const { id } = await webhooks.create(account, { kind, id: idOf(c) }, wanted(sent));
        return `/console/webhooks/${id}?done=webhook-made&unlock=${unlock.key(account.id, subjectOf(id))}`;
      },
      { again: (visit, c, sent, fault) => draw(visit, c, wanted(sent), fault) },
    ),
  );
}

/** Draws the page of one webhook; its secret only behind a key that was given when it was made. */
function drawer(deps: Deps, unlock: Unlock) {
  const { webhooks } = deps;
  return async (
    visit: Visit,
    c: ConsoleContext,
    fault?: string,
    sent?: WantedTarget,
  ): Promise<JSX.Element> => {
    const { account } = visit;
    const webhook = await webhooks.get(account, idOf(c));
    const open = unlock.isOpen(account.id, subjectOf(webhook.id), c.req.query('unlock'));
    return webhookPage(visit, {
      owner: await named(deps, visit, webhook.owner),
      webhook,
      ...(await webhooks.deliveries(account, webhook.id)),
      mayChange: await webhooks.mayChange(account, webhook.owner),
      secret: open && fault === undefined ? await webhooks.secretOf(account, webhook.id) : undefined,
      sent,
      fault,
    });
  };
}

/** @throws `not-found` to a stranger. */
async function named({ projects, apps }: Deps, { account }: Visit, owner: Owner): Promise<NamedOwner> {
  if (owner.kind === 'project') return { ...owner, name: (await projects.get(account, owner.id)).name };
  if (!isAppId(owner.id)) throw new ReveilleError('not-found', 'There is no such app among yours.');
  return { ...owner, name: (await apps.open(account.id, owner.id)).title };
}

const wanted = (sent: Fields): WantedTarget => ({
  url: sent.text('url'),
  events: eventTypes.filter((type) => sent.checked(type)),
  all: sent.text('all') === 'all',
});
