import { Hono } from 'hono';
import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { render, renderError, seeOther } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk } from './desk.ts';
import { listingPage } from './listing-page.tsx';

type Deps = Pick<ConsoleDeps, 'origin' | 'items' | 'listings' | 'events' | 'clock'>;

/** The guide's addresses of an item's page; their queries, such as `?hl=en`, change nothing. */
const PAGES = ['/detail/:id', '/extensions/detail/:id'] as const;
/** Where the dashboards of the time were, and where people look for it. */
const DASHBOARDS = ['/webstore/devconsole', '/webstore/developer/dashboard'] as const;

/** What everybody sees of the store: the page of an item, and its pictures. */
export function listingRoutes(deps: Deps, desk: Desk): Hono<ConsoleEnv> {
  const { origin, listings, clock } = deps;
  const looks = new RateLimit(clock, limits.listingsPerAddress, limits.refusedMs);
  const routes = new Hono<ConsoleEnv>();
  for (const path of PAGES)
    routes.get(path, async (c) => {
      const entered = await desk.visitor(c);
      const viewer = entered?.visit.viewer;
      try {
        looks.assert(c.env.peer.address);
        const listing = await listings.find(itemIn(c), entered?.visit.account.id);
        if (listing === undefined)
          throw new ReveilleError('not-found', 'No item with this id is published here.');
        const page = listingPage({ origin, viewer, listing });
        return await render(page, 200, { setCookies: entered?.setCookies ?? [] });
      } catch (thrown) {
        return await refused(deps, thrown, viewer);
      }
    });
  routes.get('/detail/:id/pictures/:file', async (c) => {
    try {
      looks.assert(c.env.peer.address);
      return await pictureAnswer(deps, desk, c);
    } catch (thrown) {
      return await refused(deps, thrown);
    }
  });
  for (const path of DASHBOARDS) routes.get(path, () => seeOther('/console/store'));
  return routes;
}

/** A picture is as public as the page that shows it; of a draft only its group sees it. */
async function pictureAnswer({ items, listings }: Deps, desk: Desk, c: ConsoleContext): Promise<Response> {
  const id = itemIn(c);
  const file = c.req.param('file') ?? '';
  const account = (await desk.visitor(c))?.visit.account.id;
  const listing = await listings.find(id, account);
  const onPage =
    listing?.offer.icon === file || listing?.screenshots.some((one) => one.file === file) === true;
  if (!onPage) {
    if (account === undefined) throw new ReveilleError('not-found');
    await items.list(account, id);
  }
  const type = file.endsWith('.png') ? 'image/png' : 'image/webp';
  return new Response(Uint8Array.from(await listings.picture(id, file)), {
    headers: { ...securityHeaders, 'Content-Type': type, 'Cache-Control': 'private, max-age=3600' },
  });
}

function itemIn(c: ConsoleContext): AppId {
  const id = c.req.param('id') ?? '';
  if (!isAppId(id)) throw new ReveilleError('not-found', 'An item id has 32 letters a-p.');
  return id;
}

async function refused(
  { events }: Deps,
  thrown: unknown,
  viewer?: Parameters<typeof renderError>[1],
): Promise<Response> {
  const error = asReveilleError(thrown);
  if (error.code === 'internal') events.failed('store', thrown);
  return await renderError(error, viewer);
}
