import { Hono } from 'hono';
import type { AskingApp } from './accounts/route-deps.ts';
import { clientRoutes } from './client-routes.ts';
import { pictureAddress } from './console/listing-page.tsx';
import { docsRoutes } from './docs/routes.tsx';
import type { Ground } from './foundation.ts';
import type { Rooms } from './people.ts';
import { uninstallRoutes } from './uninstall/routes.tsx';
import { UninstallLinks } from './uninstall/uninstall-link.ts';
import { wakeRoutes } from './wake-routes.tsx';

/** The app for whose sake somebody signs in, with the icon of its item in the store where it has one. */
export async function askingApp({ oauth, webstore }: Rooms, path: string): Promise<AskingApp | undefined> {
  const app = await oauth.askingApp(path);
  if (app === undefined) return undefined;
  const icon = (await webstore.listings.find(app.id, undefined))?.offer.icon;
  return { name: app.name, ...(icon && { icon: pictureAddress(app.id, icon) }) };
}

/** What asks for no sign-in: the client to download, the documentation, and what browsers open by themselves. */
export function forAnyone(
  { config, core, secrets }: Ground,
  { accounts, webstore }: Rooms,
  origin: string,
): Hono {
  const pages = new Hono();
  pages.route('/', clientRoutes());
  pages.route('/', wakeRoutes());
  pages.route(
    '/',
    uninstallRoutes({
      ...core,
      links: new UninstallLinks(secrets, origin),
      nameOf: async (app) => (await webstore.apps.find(app))?.title,
    }),
  );
  pages.route(
    '/',
    docsRoutes(async ({ headers }) => {
      const visit = await accounts.visit(headers);
      return visit && accounts.viewer(visit.account);
    }, config.feedback),
  );
  return pages;
}
