import { Hono } from 'hono';
import { asReveilleError, ReveilleError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { acceptance, calendarOf } from './accepting.ts';
import { accountRoutes } from './accounts/routes.ts';
import { bootstrapRoutes } from './console/bootstrap.ts';
import { type ConsoleDeps, consoleRoutes, type KnownOfDevices } from './console/routes.ts';
import type { Ground } from './foundation.ts';
import type { FrontDeps } from './front.ts';
import { askingApp, forAnyone } from './open-pages.ts';
import { renderError } from './pages/render.tsx';
import { staticRoutes } from './pages/static.ts';
import type { Rooms } from './people.ts';
import type { Dispatch } from './playground/exchange.ts';
import { playgroundOf } from './playground-routes.ts';
import { publishing } from './publishing.ts';
import type { Waking } from './waking.ts';

type FrontPages = FrontDeps['pages'];

/** What the pages take from outside of the rooms. */
interface Beside {
  readonly waking: Waking;
  readonly traffic: ConsoleDeps['traffic'];
}

function consoleDeps(ground: Ground, rooms: Rooms, origin: string, { waking, traffic }: Beside): ConsoleDeps {
  const { config, world, secrets, core } = ground;
  const { accounts, oauth, webstore } = rooms;
  const send = acceptance(ground, rooms, waking);
  return {
    ...{ origin, accounts, secrets, traffic, clock: world.clock, events: world.events },
    projects: oauth.projects,
    team: oauth.team,
    clients: oauth.clients,
    grants: oauth.grants,
    groups: webstore.groups,
    apps: webstore.apps,
    items: webstore.items,
    listings: webstore.listings,
    receiving: core.receiving,
    store: core.store,
    ...knownOfDevices(core, waking),
    send: (sender, message) => send.accept(sender, message),
    calendar: calendarOf(config),
    defaults: { dailyQuota: config.dailyQuota, payloadBytes: limits.payloadBytes },
  };
}

/** Everything that is not hot: pages, OAuth, bootstrap, the client to download. */
export function pagesOf(
  ground: Ground,
  rooms: Rooms,
  origin: string,
  beside: Beside,
  dispatch: Dispatch,
): FrontPages {
  const { world, secrets } = ground;
  const { accounts, oauth, webstore } = rooms;
  const deps = consoleDeps(ground, rooms, origin, beside);
  const pages: FrontPages = new Hono();
  pages.route('/', staticRoutes());
  pages.route(
    '/',
    accountRoutes({
      ...world,
      accounts,
      secrets,
      origin,
      operatorToken: ground.operatorToken,
      askingApp: (path) => askingApp(rooms, path),
    }),
  );
  pages.route('/', oauth.routes);
  pages.route('/', webstore.routes);
  pages.route('/', publishing(world, rooms));
  pages.route('/', consoleRoutes({ ...deps, ...rooms.webhooks }));
  pages.route('/', bootstrapRoutes({ ...deps, random: world.random }));
  pages.route('/', playgroundOf(ground, rooms, origin, dispatch));
  pages.route('/', forAnyone(ground, rooms, origin));
  pages.notFound(() => renderError(new ReveilleError('not-found')));
  pages.onError((thrown) => {
    world.events.failed('pages', thrown);
    return renderError(asReveilleError(thrown));
  });
  return pages;
}

/** What pages tell of devices: connected or not, what waits for them, how they were woken. */
function knownOfDevices({ store, deliveries }: Ground['core'], { wakes, restOf }: Waking): KnownOfDevices {
  return {
    offeredTo: async (id) => {
      const device = await store.findDevice(id);
      return device === undefined ? [] : (deliveries.outboxOf(device.key)?.offered() ?? []);
    },
    connectionOf: ({ key }) => deliveries.connectionOf(key),
    standingOf: ({ key }, version) => deliveries.outboxOf(key)?.standing(version),
    restOf: ({ transport }) => (transport === null ? undefined : restOf(transport)),
    waitingFor: ({ key }) => deliveries.waitingFor(key),
    wakesSpentBy: ({ key }) => wakes.spentBy(key),
    failedWakeOf: ({ key }) => wakes.failureOf(key),
  };
}
