import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { securityHeaders } from '../pages/security-headers.ts';
import { groupOf } from './app-routes.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields, FormAnswer } from './desk.ts';
import { assertSure } from './project-routes.ts';
import { itemPage, storePage } from './store-pages.tsx';
import { uploadPath, uploadText } from './upload.tsx';
import type { Visit } from './visit.ts';

type Deps = Pick<ConsoleDeps, 'apps' | 'groups' | 'items' | 'listings' | 'clock'>;

const STORE = '/console/store';
const FORM_BYTES = 64 * 1024;
/** A tester is told from an address, which says whether it has an account here. */
const TESTERS_PER_HOUR = 30;

function itemIn(c: ConsoleContext): AppId {
  const id = c.req.param('id') ?? '';
  if (!isAppId(id)) throw new ReveilleError('not-found', 'There is no such item among yours.');
  return id;
}

/** `/console/store…`: what publishers do with their items. */
export function storeRoutes(deps: Deps, desk: Desk): Hono<ConsoleEnv> {
  const { items, groups } = deps;
  const routes = new Hono<ConsoleEnv>();
  const draw = async ({ account }: Visit) =>
    [await items.ofAccount(account.id), await groups.ofAccount(account.id)] as const;
  routes.get(
    STORE,
    desk.page(async (visit) => storePage(visit, ...(await draw(visit)))),
  );
  routes.post(
    STORE,
    ...desk.form(
      async ({ account }, _, sent) => {
        const file = await fileOf(sent);
        const group = await groupOf(groups, account, sent.text('group'));
        return `${STORE}/${(await items.insert(account.id, group, file)).app}?done=uploaded`;
      },
      {
        again: async (visit, _, __, fault) => storePage(visit, ...(await draw(visit)), fault),
        maxBytes: limits.packageBytes + FORM_BYTES,
      },
    ),
  );
  routes.get(
    `${STORE}/:id`,
    desk.page((visit, c) => drawItem(deps, visit, c)),
  );
  routes.get(uploadPath, (c) =>
    c.body(uploadText, 200, {
      ...securityHeaders,
      'Content-Type': 'text/javascript; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  );
  packageRoutes(routes, deps, desk);
  pageRoutes(routes, deps, desk);
  testerRoutes(routes, deps, desk);
  return routes;
}

function packageRoutes(routes: Hono<ConsoleEnv>, deps: Deps, desk: Desk): void {
  const { apps, items } = deps;
  routes.post(
    `${STORE}/:id/packages`,
    ...desk.form(
      async ({ account }, c, sent) => {
        const { id } = await apps.open(account.id, itemIn(c));
        await items.upload(account.id, id, await fileOf(sent));
        return `${homeOf(c)}?done=uploaded`;
      },
      { ...againOf(deps), maxBytes: limits.packageBytes + FORM_BYTES },
    ),
  );
  routes.post(
    `${STORE}/:id/publish`,
    ...desk.form(async ({ account }, c, sent) => {
      const audience = sent.text('audience') === 'testers' ? 'testers' : 'everyone';
      await items.publish(account.id, itemIn(c), audience);
      return `${homeOf(c)}?done=published-to-${audience}`;
    }, againOf(deps)),
  );
  routes.post(
    `${STORE}/:id/unpublish`,
    ...desk.form(async ({ account }, c, sent) => {
      assertSure(sent);
      await items.unpublish(account.id, itemIn(c));
      return `${homeOf(c)}?done=unpublished`;
    }, againOf(deps)),
  );
}

function pageRoutes(routes: Hono<ConsoleEnv>, deps: Deps, desk: Desk): void {
  const { apps, listings } = deps;
  routes.post(
    `${STORE}/:id/details`,
    ...desk.form(async ({ account }, c, sent) => {
      await listings.describe(account.id, itemIn(c), sent.text('details'));
      return `${homeOf(c)}?done=saved`;
    }, againOf(deps)),
  );
  routes.post(
    `${STORE}/:id/screenshots`,
    ...desk.form(
      async ({ account }, c, sent) => {
        const { id } = await apps.open(account.id, itemIn(c));
        await listings.addScreenshot(account.id, id, await fileOf(sent));
        return `${homeOf(c)}?done=screenshot-added`;
      },
      { ...againOf(deps), maxBytes: limits.pictureBytes + FORM_BYTES },
    ),
  );
  routes.post(
    `${STORE}/:id/screenshots/remove`,
    ...desk.form(async ({ account }, c, sent) => {
      await listings.removeScreenshot(account.id, itemIn(c), sent.text('file'));
      return `${homeOf(c)}?done=screenshot-removed`;
    }, againOf(deps)),
  );
}

function testerRoutes(routes: Hono<ConsoleEnv>, deps: Deps, desk: Desk): void {
  const { listings, clock } = deps;
  const asked = new RateLimit(clock, TESTERS_PER_HOUR, 3_600_000);
  routes.post(
    `${STORE}/:id/testers`,
    ...desk.form(async ({ account }, c, sent) => {
      asked.assert(account.id, 'Too many testers in an hour.');
      await listings.addTester(account.id, itemIn(c), sent.text('email'));
      return `${homeOf(c)}?done=tester-added`;
    }, againOf(deps)),
  );
  routes.post(
    `${STORE}/:id/testers/remove`,
    ...desk.form(async ({ account }, c, sent) => {
      await listings.removeTester(account.id, itemIn(c), sent.text('account'));
      return `${homeOf(c)}?done=tester-removed`;
    }, againOf(deps)),
  );
}

const homeOf = (c: ConsoleContext): string => `${STORE}/${c.req.param('id') ?? ''}`;

/** The page again, with what is wrong and, of what was typed, the one long text. */
const againOf = (deps: Deps): FormAnswer => ({
  again: (visit, c, sent, fault) => drawItem(deps, visit, c, fault, sent.text('details')),
});

async function drawItem(
  { apps, items, listings }: Deps,
  visit: Visit,
  c: ConsoleContext,
  fault?: string,
  typed = '',
): Promise<JSX.Element> {
  const id = itemIn(c);
  const account = visit.account.id;
  const described = await listings.described(account, id);
  return itemPage(visit, {
    app: await apps.open(account, id),
    packages: await items.list(account, id),
    ...described,
    details: typed === '' ? described.details : typed,
    fault,
  });
}

async function fileOf(sent: Fields): Promise<Uint8Array> {
  const file = await sent.file('file');
  if (file === undefined) throw new ReveilleError('input-invalid', 'Choose a file first.');
  return file;
}
