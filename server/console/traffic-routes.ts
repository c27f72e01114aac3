import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { securityHeaders } from '../pages/security-headers.ts';
import { type Span, spans, type TrafficOf } from '../traffic/ledger.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk } from './desk.ts';
import { appTrafficPage, livePath, projectTrafficPage, type TrafficView } from './traffic-page.tsx';

type Deps = Pick<ConsoleDeps, 'projects' | 'apps' | 'traffic'>;

const liveText = readFileSync(new URL('./live.js', import.meta.url), 'utf8');

/** `/console/projects/:id/traffic`, `/console/apps/:id/traffic`, and the script that keeps them fresh. */
export function trafficRoutes(deps: Deps, desk: Desk): Hono<ConsoleEnv> {
  const { projects, apps } = deps;
  const routes = new Hono<ConsoleEnv>();
  routes.get(livePath, (c) =>
    c.body(liveText, 200, {
      ...securityHeaders,
      'Content-Type': 'text/javascript; charset=utf-8',
      'Cache-Control': 'public, max-age=3600',
    }),
  );
  routes.get(
    '/console/projects/:id/traffic',
    desk.page(async (visit, c): Promise<JSX.Element> => {
      const project = await projects.get(visit.account, c.req.param('id') ?? '');
      const asked = c.req.query('app');
      const app = asked !== undefined && isAppId(asked) ? asked : undefined;
      const titles = new Map(
        (await apps.list(visit.account.id)).map(({ id, title }) => [id as string, title]),
      );
      const view = await viewOf(deps, c, { project: project.id, app });
      return projectTrafficPage(visit, project, { ...view, app, titles, perApp: true });
    }),
  );
  routes.get(
    '/console/apps/:id/traffic',
    desk.page(async (visit, c): Promise<JSX.Element> => {
      const id = c.req.param('id') ?? '';
      if (!isAppId(id)) throw new ReveilleError('not-found', 'There is no such app among yours.');
      const app = await apps.open(visit.account.id, id);
      return appTrafficPage(visit, app, await viewOf(deps, c, { app: id }));
    }),
  );
  return routes;
}

async function viewOf({ traffic }: Deps, c: ConsoleContext, of: TrafficOf): Promise<TrafficView> {
  const asked = c.req.query('span') ?? '';
  const span: Span = Object.hasOwn(spans, asked) ? (asked as Span) : 'hour';
  return {
    home: c.req.path,
    span,
    app: undefined,
    live: c.req.query('live') !== 'off',
    traffic: await traffic(of, span),
    titles: new Map(),
    perApp: false,
  };
}
