import { Hono } from 'hono';
import { render } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import type { ConsoleEnv, Desk } from './desk.ts';
import { livePath, liveText, tracePage } from './trace-page.tsx';
import { Tracing, type TracingDeps } from './tracing.ts';

/** `/console/trace`: what became of a message, and why. */
export function traceRoutes(deps: TracingDeps, desk: Desk): Hono<ConsoleEnv> {
  const tracing = new Tracing(deps);
  const routes = new Hono<ConsoleEnv>();
  routes.get(
    '/console/trace',
    desk.page(async (visit, c) => {
      const of = (c.req.query('of') ?? '').trim().slice(0, 100);
      if (of === '') return tracePage(visit, '', undefined);
      const found = await tracing.find(visit.account, of);
      const page = tracePage(visit, of, found);
      return found.kind === 'nothing' ? await render(page, 404) : page;
    }),
  );
  routes.get(livePath, (c) =>
    c.body(liveText, 200, {
      ...securityHeaders,
      'Content-Type': 'text/javascript; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  );
  return routes;
}
