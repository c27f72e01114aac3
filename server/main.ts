import { BROWSERS_PATH } from '../protocol/browser-settings.ts';
import { acceptance, secondDoor } from './accepting.ts';
import { type Config, originOf } from './config/config.ts';
import type { AppOwners } from './core/app-owners.ts';
import { startHousekeeping } from './core/housekeeping.ts';
import { StormCollecting } from './core/storm-collecting.ts';
import { openDataFolder } from './data-folder.ts';
import { browsersDoor } from './doors/browsers-door.ts';
import type { Door } from './doors/door.ts';
import { Refusals } from './doors/refusals.ts';
import { type Core, type Ground, openCore, realWorld, type World } from './foundation.ts';
import { answerOf, type FrontDeps, front } from './front.ts';
import { AutopushGateway } from './gateways/autopush/listener.ts';
import { takesText } from './gateways/mcs/names.ts';
import { openMcs } from './gateways/mcs/room.ts';
import { WebSocketGateway } from './gateways/websocket/listener.ts';
import { devicesDoor } from './intake/devices/devices-door.ts';
import { CHANNEL_PATHS, channelDoor } from './intake/messages/channel-door.ts';
import { discoveryDoors } from './intake/messages/discovery.ts';
import { MESSAGE_PATHS, sendDoor } from './intake/messages/send-door.ts';
import { webpushDoor } from './intake/webpush/webpush-door.ts';
import type { Closing } from './keeping.ts';
import { listen, mcsSettings } from './listen.ts';
import { toldTwice } from './observe/events.ts';
import { Metrics } from './observe/metrics.ts';
import type { Spans } from './observe/spans.ts';
import { openObserving } from './observing.ts';
import { OPENAPI_PATH, openApiDoor } from './openapi.ts';
import { openLoad, watchMemory } from './overload.ts';
import { pagesOf } from './page-routes.ts';
import { openPeople, type Rooms } from './people.ts';
import { QuotaWatch } from './quota/quota-watch.ts';
import { startRecordKeeping } from './record-keeping.ts';
import { socketHandler } from './sockets.ts';
import { TrafficMeter } from './traffic/meter.ts';
import { UninstallLinks } from './uninstall/uninstall-link.ts';
import { openWaking, type Waking } from './waking.ts';
import { startQuotaWarnings } from './warning.ts';

export interface RunningServer {
  readonly origin: string;
  /** Where Chromium's push client is let in; undefined while it is not, for want of a certificate. */
  readonly mcsPort: number | undefined;
  /** Needed for the first account when others than this machine reach the service and nobody has an account. */
  readonly setUpCode: string | undefined;
  /** The rooms, for programs that run the service within themselves. */
  readonly within: { readonly core: Core; readonly rooms: Rooms; readonly front: FrontDeps };
  /** Sends devices away politely, waits for what is under way, closes the files. */
  stop(): Promise<void>;
}

/**
 * Opens the data folder, builds every room and listens.
 * @throws Error with a text for the operator: folder in use, later schema, other keys, port taken.
 */
export async function startServer(config: Config, given: Partial<World> = {}): Promise<RunningServer> {
  const told: World = { ...realWorld(config), ...given };
  const metrics = new Metrics(() => told.clock.now());
  const meter = new TrafficMeter(told.clock);
  const watch = new QuotaWatch();
  const collecting = new StormCollecting(told.clock.outside ?? told.clock, () => Bun.gc(true));
  const counted = [metrics.events, watch.events, collecting.events].reduce(toldTwice, told.events);
  const closing: Closing = [() => collecting.stop()];
  const traced = await spansOf(config, told);
  if (traced !== undefined) closing.push(() => traced.stop());
  const events = toldTwice(traced === undefined ? counted : toldTwice(counted, traced.events), meter.events);
  const world: World = { ...told, events };
  const closeAll = async () => {
    while (closing.length > 0) await closing.pop()?.();
  };
  try {
    const running = await openRooms(config, world, { metrics, meter, watch }, closing);
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

/** Loaded only where it is asked for: whoever traces nothing pays nothing. */
async function spansOf({ otlpEndpoint }: Config, { clock }: World): Promise<Spans | undefined> {
  if (otlpEndpoint === undefined) return undefined;
  const { Spans } = await import('./observe/spans.ts');
  return new Spans(otlpEndpoint, () => clock.now());
}

/** What hears of every message. */
interface Counting {
  readonly metrics: Metrics;
  readonly meter: TrafficMeter;
  readonly watch: QuotaWatch;
}

/** The origin names the port, so a free one is found first; until the rooms are open every request is told to come back. */
async function openRooms(
  config: Config,
  world: World,
  { metrics, meter, watch }: Counting,
  closing: Closing,
): Promise<Omit<RunningServer, 'stop'>> {
  const { clock, events } = world;
  const outside = { clock: clock.outside ?? clock };
  const keeping = await (world.keeping ?? openDataFolder)(config, world, closing);
  const { secrets, store } = keeping;
  const core = openCore(store, secrets, world, openLoad(store, clock, events));
  closing.push(watchMemory(core.load, config.memoryLimit, clock, world.memory));
  const endSilent = () => core.pushes.endSilent((holder) => core.holdings.isHeld(holder));
  closing.push(startHousekeeping(store, endSilent, clock, events));
  const ground: Ground = { config, world, ...keeping, core };
  const records = startRecordKeeping(ground, meter);
  closing.push(() => records.stop());
  // Set before anyone can connect: the front is shut until the rooms are open.
  let rooms: Rooms | undefined;
  const owners: Pick<AppOwners, 'find'> = { find: async (app) => rooms?.webstore.apps.find(app) };
  const gateway = new WebSocketGateway({ ...core, ...outside, owners, events });
  let answer: Front = () => new Response('Starting.\n', { status: 503, headers: { 'Retry-After': '1' } });
  const autopush = new AutopushGateway({ ...core, ...world, ...outside, secrets, origin: () => origin });
  const sockets = socketHandler(gateway, autopush);
  const http = (world.listen ?? listen)(config, (request, server) => answer(request, server), sockets);
  closing.push(
    () => http.stop(true),
    () => gateway.drain(),
    () => autopush.drain(),
    () => core.deliveries.endAll('going-away'),
  );
  const origin = originOf(config, http.port ?? config.port);
  rooms = await openPeople(ground, origin, closing);
  metrics.watchWebhooks(rooms.webhooks.backlog);
  closing.push(startQuotaWarnings(watch, ground, rooms, origin));
  const waking = openWaking({ ...world, ...core, ...keeping, config, origin });
  closing.push(() => waking.stop());
  const refusals = new Refusals(clock);
  const mcs = openMcs({ ...world, ...core, ...outside, ...mcsSettings(config), secrets, origin });
  closing.push(() => mcs.drain());
  const observing = openObserving(ground, metrics);
  closing.push(() => observing.stopping());
  const doors: FrontDeps = {
    doors: new Map([
      ...apiDoors(ground, rooms, refusals, waking, metrics),
      ...observing.doors,
      ...mcs.doors,
      [OPENAPI_PATH, openApiDoor(origin)],
      ...discoveryDoors(origin),
      [BROWSERS_PATH, browsersDoor({ origin, mcsPort: mcs.port, events })],
    ]),
    devices: deviceDoor(ground, rooms, refusals, waking, origin),
    multicast: secondDoor(ground, rooms, waking, refusals, origin),
    webpush: webpushDoor({ ...world, ...core, ...config, keys: secrets, origin, refusals, takesText }),
    gateway,
    autopush,
    load: core.load,
    pages: pagesOf(ground, rooms, origin, { ...records, waking }, async (request, peer) =>
      answerOf(doors, request, peer),
    ),
    proxies: config.trustedProxies,
  };
  answer = front(doors);
  events.listening(origin);
  return { origin, mcsPort: mcs.port, setUpCode: rooms.setUpCode, within: { core, rooms, front: doors } };
}

type Front = ReturnType<typeof front>;
type Mounted = readonly [string, Door];

function apiDoors(
  ground: Ground,
  rooms: Rooms,
  refusals: Refusals,
  waking: Waking,
  metrics: Metrics,
): readonly Mounted[] {
  const { clock, events } = ground.world;
  const compat = ground.config.compat === '2013' ? '2013' : undefined;
  const send = sendDoor({
    acceptance: acceptance(ground, rooms, waking),
    took: (seconds) => metrics.tookToAccept(seconds),
    ...{ refusals, clock, events, compat },
  });
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
  { world, core, secrets }: Ground,
  { oauth, webstore }: Rooms,
  refusals: Refusals,
  { assertUsable }: Waking,
  origin: string,
): Door {
  const { clock, events } = world;
  const uninstalling = new UninstallLinks(secrets, origin);
  return devicesDoor({
    devices: core.devices,
    senders: oauth.senders,
    owners: webstore.apps,
    assertUsable,
    uninstallUrl: (id) => uninstalling.of(id),
    refusals,
    clock,
    events,
  });
}
