import { Hono } from 'hono';
import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { ReceivingApp } from '../core/receiving.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields } from './desk.ts';
import { type DeviceRouteDeps, deviceRoutes } from './device-routes.ts';
import { withOffers } from './messages.tsx';
import { assertSure } from './project-routes.ts';
import { type ReceivingView, receivedPage, receivingPage } from './receiving.tsx';
import type { Visit } from './visit.ts';

type Deps = DeviceRouteDeps & Pick<ConsoleDeps, 'grants' | 'store' | 'offeredTo'>;

const SHOWN = 50;

/** `/console/receiving…`: what may send to me; pause, resume, remove; and my devices. */
export function receivingRoutes(deps: Deps, desk: Desk): Hono<ConsoleEnv> {
  const { receiving, grants, store, offeredTo } = deps;
  const draw = async (visit: Visit, fault?: string) =>
    receivingPage(visit, await viewsOf(deps, visit.account.id), fault);
  const again = { again: (visit: Visit, _: ConsoleContext, __: Fields, fault: string) => draw(visit, fault) };

  const routes = new Hono<ConsoleEnv>();
  // First, because `devices` stands where the pages of apps have an id.
  routes.route('/', deviceRoutes(deps, desk));
  routes.get(
    '/console/receiving',
    desk.page((visit) => draw(visit)),
  );
  routes.get(
    '/console/receiving/:app',
    desk.page(async (visit, c) => {
      const app = appIn(c);
      const mine = (await receiving.apps(visit.account.id)).find(({ channel }) => channel.app === app);
      if (mine === undefined) throw new ReveilleError('not-found', 'This app has no channel of yours.');
      const traces = await store.trace({ channel: mine.channel.key }, SHOWN);
      return receivedPage(visit, await viewOf(deps, mine), await withOffers(traces, offeredTo));
    }),
  );
  const switches = { pause: 'paused', resume: 'resumed' } as const;
  for (const [verb, done] of Object.entries(switches) as [keyof typeof switches, string][]) {
    routes.post(
      `/console/receiving/:app/${verb}`,
      ...desk.form(async ({ account }, c) => {
        await receiving[verb](account.id, appIn(c));
        return `/console/receiving?done=${done}`;
      }),
    );
  }
  routes.post(
    '/console/receiving/:app/remove',
    ...desk.form(async ({ account }, c, sent) => {
      assertSure(sent);
      await receiving.remove(account.id, appIn(c));
      // What the account had allowed the app ends too: a token that is still out must not register a device again.
      await grants.endClient(account.id, appIn(c));
      return '/console/receiving?done=app-stopped';
    }, again),
  );
  return routes;
}

function appIn(c: ConsoleContext): AppId {
  const app = c.req.param('app') ?? '';
  if (!isAppId(app)) throw new ReveilleError('not-found', 'This app has no channel of yours.');
  return app;
}

async function viewsOf(deps: Deps, account: string): Promise<readonly ReceivingView[]> {
  return await Promise.all((await deps.receiving.apps(account)).map((one) => viewOf(deps, one)));
}

async function viewOf(
  { apps }: Pick<Deps, 'apps'>,
  { channel, devices }: ReceivingApp,
): Promise<ReceivingView> {
  const app = await apps.find(channel.app);
  return {
    app: channel.app,
    title: app?.title ?? channel.app,
    channelId: channel.id,
    paused: channel.state === 'paused',
    devices,
  };
}
