import { Hono } from 'hono';
import { render } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import { appRoutes } from './app-routes.ts';
import { clientRoutes } from './client-routes.ts';
import type { ConsoleDeps } from './deps.ts';
import { type ConsoleEnv, Desk } from './desk.ts';
import { lookPath, lookText } from './frame.tsx';
import { groupRoutes } from './group-routes.ts';
import { landingPage } from './landing.tsx';
import { listingRoutes } from './listing-routes.ts';
import { overviewPage, type Progress } from './overview.tsx';
import { projectRoutes } from './project-routes.ts';
import { receivingRoutes } from './receiving-routes.ts';
import { sendingRoutes } from './sending-routes.ts';
import { storeRoutes } from './store-routes.ts';
import { teamRoutes } from './team-routes.ts';
import { trafficRoutes } from './traffic-routes.ts';
import { Unlock } from './unlock.ts';
import { type WebhookPages, webhookRoutes } from './webhook-routes.ts';

export type { ConsoleDeps } from './deps.ts';
export type { KnownOfDevices } from './known-of-devices.ts';

/** The pages `/` and `/console…`. `c.env.peer` is set by the server that mounts them. */
export function consoleRoutes(deps: ConsoleDeps & WebhookPages): Hono<ConsoleEnv> {
  const desk = new Desk(deps);
  const unlock = new Unlock(deps);
  const routes = new Hono<ConsoleEnv>();
  routes.get('/', async (c) => {
    const entered = await desk.visitor(c);
    const fresh = entered === undefined && (await deps.accounts.count()) === 0;
    const page = landingPage({ origin: deps.origin, viewer: entered?.visit.viewer, fresh });
    return await render(page, 200, { setCookies: entered?.setCookies ?? [] });
  });
  routes.get(lookPath, (c) =>
    c.body(lookText, 200, {
      ...securityHeaders,
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  );
  routes.get(
    '/console',
    desk.page(async (visit) =>
      overviewPage(
        visit,
        await progressOf(deps, visit.account),
        await deps.groups.ofAccount(visit.account.id),
        await deps.team.invitationsOf(visit.account.id),
      ),
    ),
  );
  routes.route('/', projectRoutes(deps, desk));
  routes.route('/', teamRoutes(deps, desk));
  routes.route('/', trafficRoutes(deps, desk));
  routes.route('/', clientRoutes(deps, desk, unlock));
  routes.route('/', appRoutes(deps, desk, unlock));
  routes.route('/', groupRoutes(deps, desk));
  routes.route('/', storeRoutes(deps, desk));
  routes.route('/', listingRoutes(deps, desk));
  routes.route('/', webhookRoutes(deps, desk, unlock));
  routes.route('/', sendingRoutes(deps, desk));
  routes.route('/', receivingRoutes(deps, desk));
  return routes;
}

/** How far the account has come: its best project, and what hangs on it. */
async function progressOf(
  deps: ConsoleDeps,
  account: Parameters<ConsoleDeps['projects']['of']>[0],
): Promise<Progress> {
  const { projects, clients, apps, grants, receiving, store } = deps;
  const mine = await projects.of(account);
  const project = mine.find(({ messagingEnabled }) => messagingEnabled) ?? mine[0];
  const ofProject = project === undefined ? [] : await clients.list(account, project.id);
  const granted = (await grants.list(account.id))
    .filter(({ offline }) => offline)
    .map(({ client }) => client);
  const [app] = await apps.list(account.id);
  return {
    project,
    client: ofProject[0]?.id,
    app: app?.id,
    consented: ofProject.some(({ id }) => granted.includes(id)),
    channels: (await receiving.apps(account.id)).length,
    sent: project !== undefined && (await store.trace({ project: project.id }, 1)).length > 0,
  };
}
