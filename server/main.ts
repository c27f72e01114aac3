import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import pino from 'pino';
import { isAppId } from '../protocol/app-id.ts';
import { BROWSERS_PATH } from '../protocol/browser-settings.ts';
import { asReveilleError, ReveilleError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type Accounts, createAccounts } from './accounts/accounts.ts';
import type { ControlDatabase } from './accounts/database.ts';
import { openControlDatabase } from './accounts/open-database.ts';
import { accountRoutes } from './accounts/routes.ts';
import { MemoryBus } from './buses/memory.ts';
import { MemoryPresence } from './buses/presence-memory.ts';
import { clientRoutes } from './client-routes.ts';
import { type Config, originOf } from './config/config.ts';
import { openSecrets, type Secrets } from './config/secrets.ts';
import { bootstrapRoutes } from './console/bootstrap.ts';
import { type ConsoleDeps, consoleRoutes } from './console/routes.ts';
import { Acceptance } from './core/accept.ts';
import { Announcer } from './core/announcer.ts';
import type { AppOwners } from './core/app-owners.ts';
import type { Bus } from './core/bus.ts';
import { type Clock, type Random, systemClock } from './core/clock.ts';
import { Deliveries } from './core/deliver.ts';
import { Devices } from './core/devices.ts';
import { Endpoints } from './core/endpoint.ts';
import { Holdings } from './core/holdings.ts';
import { startHousekeeping } from './core/housekeeping.ts';
import type { Presence } from './core/presence.ts';
import { Pushes } from './core/push.ts';
import { losAngelesDays, utcDays } from './core/quota-day.ts';
import { Receiving, type ReceivingApp } from './core/receiving.ts';
import type { Store } from './core/store.ts';
import { browsersDoor } from './doors/browsers-door.ts';
import type { Door } from './doors/door.ts';
import { Refusals } from './doors/refusals.ts';
import { type FrontDeps, front } from './front.ts';
import { AutopushGateway } from './gateways/autopush/listener.ts';
import { openMcs } from './gateways/mcs/room.ts';
import { WebSocketGateway } from './gateways/websocket/listener.ts';
import { devicesDoor } from './intake/devices/devices-door.ts';
import { CHANNEL_PATHS, channelDoor } from './intake/messages/channel-door.ts';
import { MESSAGE_PATHS, sendDoor } from './intake/messages/send-door.ts';
import { webpushDoor } from './intake/webpush/webpush-door.ts';
import { listen, mcsSettings } from './listen.ts';
import { type OAuthRoom, openOAuth } from './oauth/room.ts';
import { type Events, loggedEvents } from './observe/events.ts';
import { renderError } from './pages/render.tsx';
import { staticRoutes } from './pages/static.ts';
import { socketHandler } from './sockets.ts';
import { lockFolder } from './stores/sqlite/folder-lock.ts';
import type { Synchronous } from './stores/sqlite/open-database.ts';
import { openSqliteStore } from './stores/sqlite/store.ts';
import { openWaking, type Waking } from './waking.ts';
import { openWebstore, type WebstoreRoom } from './webstore/room.ts';

/** What the service takes from the world; tests hand in their own. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
  /** FULL, unless a test shows what happens without. */
  readonly synchronous: Synchronous;
}

export interface RunningServer {
  readonly origin: string;
  /** Where Chromium's push client is let in; undefined while it is not, for want of a certificate. */
  readonly mcsPort: number | undefined;
  /** Needed for the first account when others than this machine reach the service and nobody has an account. */
  readonly setUpCode: string | undefined;
  /** Sends devices away politely, waits for what is under way, closes the files. */
  stop(): Promise<void>;
}

/**
 * Opens the data folder, builds every room and listens.
 * @throws Error with a text for the operator: folder in use, later schema, other keys, port taken.
 */
export async function startServer(config: Config, given: Partial<World> = {}): Promise<RunningServer> {
  const world: World = { ...realWorld(config), ...given };
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(config.dataFolder);
  const closing: (() => unknown)[] = [() => lock.release()];
  const closeAll = async () => {
    while (closing.length > 0) await closing.pop()?.();
  };
  try {
    const running = await openRooms(config, world, closing);
    return {
      ...running,
      async stop() {
        await closeAll();
        world.events.stopped();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The origin names the port, so a free one is found first; until the rooms are open every request is told to come back. */
async function openRooms(
  config: Config,
  world: World,
  closing: (() => unknown)[],
): Promise<Omit<RunningServer, 'stop'>> {
  const { clock, events } = world;
  const secrets = await openSecrets({ folder: config.dataFolder, given: config.secrets });
  const control = await openControlDatabase(join(config.dataFolder, 'control.db'));
  closing.push(() => control.close());
  const store = await openSqliteStore({ folder: config.dataFolder, ...world });
  closing.push(() => store.close());

  const core = openCore(store, secrets, world);
  const endSilent = () => core.pushes.endSilent((holder) => core.holdings.isHeld(holder));
  closing.push(startHousekeeping(store, endSilent, clock, events));
  const ground: Ground = { config, world, secrets, db: control.db, core };
  // Set before anyone can connect: the front is shut until the rooms are open.
  let rooms: Rooms | undefined;
  const owners: Pick<AppOwners, 'find'> = { find: async (app) => rooms?.webstore.apps.find(app) };
  const gateway = new WebSocketGateway({ ...core, owners, clock, events });
  let answer: Front = () => new Response('Starting.\n', { status: 503, headers: { 'Retry-After': '1' } });
  const autopush = new AutopushGateway({ ...core, ...world, secrets, origin: () => origin });
  const sockets = socketHandler(gateway, autopush);
  const http = listen(config, (request, server) => answer(request, server), sockets);
  closing.push(
    () => http.stop(true),
    () => gateway.drain(),
    () => autopush.drain(),
    () => core.deliveries.endAll('going-away'),
  );
  const origin = originOf(config, http.port ?? config.port);
  rooms = await openPeople(ground, origin);
  const waking = await openWaking({ ...world, ...core, config, secrets, origin });
  closing.push(() => waking.stop());
  const refusals = new Refusals(clock);
  const mcs = openMcs({ ...world, ...core, ...mcsSettings(config), secrets, origin });
  closing.push(() => mcs.drain());
  answer = front({
    doors: new Map([
      ...apiDoors(ground, rooms, refusals, waking),
      ...mcs.doors,
      [BROWSERS_PATH, browsersDoor({ origin, mcsPort: mcs.port, events })],
    ]),
    devices: deviceDoor(ground, rooms, refusals, waking),
    webpush: webpushDoor({ ...world, ...core, keys: secrets, origin, refusals }),
    gateway,
    autopush,
    pages: pagesOf(ground, rooms, origin, waking),
    proxies: config.trustedProxies,
  });
  events.listening(origin);
  return { origin, mcsPort: mcs.port, setUpCode: rooms.setUpCode };
}

type Front = ReturnType<typeof front>;
type FrontPages = FrontDeps['pages'];
type Mounted = readonly [string, Door];

interface Core {
  readonly store: Store;
  readonly presence: Presence;
  readonly bus: Bus;
  readonly endpoints: Endpoints;
  readonly announcer: Announcer;
  readonly deliveries: Deliveries;
  readonly devices: Devices;
  readonly receiving: Receiving;
  readonly holdings: Holdings;
  readonly pushes: Pushes;
}

/** What every room stands on. */
interface Ground {
  readonly config: Config;
  readonly world: World;
  readonly secrets: Secrets;
  readonly db: ControlDatabase;
  readonly core: Core;
}

interface Rooms {
  readonly accounts: Accounts;
  readonly oauth: OAuthRoom;
  readonly webstore: WebstoreRoom;
  readonly setUpCode: string | undefined;
}

function openCore(store: Store, secrets: Secrets, { clock, random, events }: World): Core {
  const presence = new MemoryPresence();
  const bus = new MemoryBus();
  const deliveries = new Deliveries({ node: 'embedded', store, presence, bus, clock, events });
  const announcer = new Announcer({ presence, bus, events });
  const endpoints = new Endpoints(secrets);
  return {
    store,
    presence,
    bus,
    endpoints,
    deliveries,
    announcer,
    devices: new Devices({ store, deliveries, bus, random }),
    receiving: new Receiving({ store, bus }),
    holdings: new Holdings({ store, deliveries, bus, events }),
    pushes: new Pushes({ store, endpoints, announcer, bus, clock, events }),
  };
}

/** Accounts, apps and grants, and what ends elsewhere when something ends here. */
async function openPeople({ config, world, secrets, db, core }: Ground, origin: string): Promise<Rooms> {
  const code = config.loopback ? undefined : randomBytes(9).toString('base64url');
  const shared = { ...world, db, secrets };
  const accounts = await createAccounts({ ...shared, origin, signUp: config.signUp, setupCode: code });
  let rightsEnded = (): void => {};
  const webstore = openWebstore({
    ...shared,
    accounts,
    rightsEnded: () => rightsEnded(),
    appRemoved: (app) => core.receiving.endApp(app),
  });
  const oauth = openOAuth({
    ...shared,
    accounts,
    owners: webstore.apps,
    wasRemoved: (account, app) => core.receiving.wasRemoved(account, app),
    dailyQuota: config.dailyQuota,
    compat2013: config.compat === '2013',
  });
  rightsEnded = () => oauth.senders.rightsEnded();
  accounts.onSignInEnded((signIn) => core.receiving.endSignIn(signIn));
  accounts.onDelete((account) => core.receiving.endAccount(account));
  accounts.onExport('channels', async (account) => exportChannels(await core.receiving.apps(account)));
  oauth.grants.onEnded((account, client) => {
    if (!isAppId(client)) return;
    core.receiving
      .endDevices(account, client)
      .catch((error: unknown) => world.events.failed('end devices', error));
  });
  return { accounts, oauth, webstore, setUpCode: (await accounts.count()) === 0 ? code : undefined };
}

/** What is held of an account's channels and devices, without hashes. */
function exportChannels(apps: readonly ReceivingApp[]): unknown {
  return apps.map(({ channel, devices }) => ({
    id: channel.id,
    app: channel.app,
    state: channel.state,
    createdAt: channel.createdAt,
    devices: devices.map(({ id, name, registeredAt, seenAt }) => ({ id, name, registeredAt, seenAt })),
  }));
}

function acceptance({ world, core, config }: Ground, { oauth }: Rooms, { wakes }: Waking): Acceptance {
  const { clock, events } = world;
  const calendar = calendarOf(config);
  return new Acceptance({
    senders: oauth.senders,
    store: core.store,
    announcer: core.announcer,
    wakes,
    clock,
    calendar,
    events,
  });
}

const calendarOf = (config: Config) => (config.compat === '2013' ? losAngelesDays : utcDays);

function apiDoors(ground: Ground, rooms: Rooms, refusals: Refusals, waking: Waking): readonly Mounted[] {
  const { clock, events } = ground.world;
  const compat = ground.config.compat === '2013' ? '2013' : undefined;
  const send = sendDoor({ acceptance: acceptance(ground, rooms, waking), refusals, clock, events, compat });
  const channel = channelDoor({
    senders: rooms.oauth.senders,
    receiving: ground.core.receiving,
    refusals,
    events,
  });
  return [
    ...MESSAGE_PATHS.map((path) => [path, send] as const),
    ...CHANNEL_PATHS.map((path) => [path, channel] as const),
    ...waking.doors,
  ];
}

function deviceDoor(
  { world, core }: Ground,
  { oauth, webstore }: Rooms,
  refusals: Refusals,
  { assertUsable }: Waking,
): Door {
  const { clock, events } = world;
  return devicesDoor({
    devices: core.devices,
    senders: oauth.senders,
    owners: webstore.apps,
    assertUsable,
    refusals,
    clock,
    events,
  });
}

/** Everything that is not hot: pages, OAuth, bootstrap, the client to download. */
function pagesOf(ground: Ground, rooms: Rooms, origin: string, waking: Waking): FrontPages {
  const { config, world, secrets, core } = ground;
  const { accounts, oauth, webstore } = rooms;
  const send = acceptance(ground, rooms, waking);
  const deps: ConsoleDeps = {
    origin,
    accounts,
    secrets,
    clock: world.clock,
    events: world.events,
    projects: oauth.projects,
    clients: oauth.clients,
    grants: oauth.grants,
    groups: webstore.groups,
    apps: webstore.apps,
    receiving: core.receiving,
    store: core.store,
    offeredTo: async (id) => {
      const device = await core.store.findDevice(id);
      return device === undefined ? [] : (core.deliveries.outboxOf(device.key)?.offered() ?? []);
    },
    connectionOf: ({ key }) => core.deliveries.connectionOf(key),
    waitingFor: ({ key }) => core.deliveries.waitingFor(key),
    send: (sender, message) => send.accept(sender, message),
    calendar: calendarOf(config),
    defaults: { dailyQuota: config.dailyQuota, payloadBytes: limits.payloadBytes },
  };
  const pages: FrontPages = new Hono();
  pages.route('/', staticRoutes());
  pages.route(
    '/',
    accountRoutes({ ...world, accounts, secrets, origin, operatorToken: operatorToken(config.dataFolder) }),
  );
  pages.route('/', oauth.routes);
  pages.route('/', consoleRoutes(deps));
  pages.route('/', bootstrapRoutes({ ...deps, random: world.random }));
  pages.route('/', clientRoutes());
  pages.notFound(() => renderError(new ReveilleError('not-found')));
  pages.onError((thrown) => {
    world.events.failed('pages', thrown);
    return renderError(asReveilleError(thrown));
  });
  return pages;
}

/** The key of the operator, new at each start: whoever can read the data folder may set passwords. */
function operatorToken(folder: string): string {
  const token = randomBytes(32).toString('base64url');
  writeFileSync(join(folder, 'operator.token'), token, { mode: 0o600 });
  return token;
}

function realWorld(config: Config): World {
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: false }));
  return {
    clock: systemClock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    events: loggedEvents(log),
    synchronous: 'FULL',
  };
}
