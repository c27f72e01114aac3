import type { AppId } from '../protocol/app-id.ts';
import { makeChannelId } from '../protocol/channel-id.ts';
import { ReveilleError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { MemoryBus } from '../server/buses/memory.ts';
import { MemoryPresence } from '../server/buses/presence-memory.ts';
import { Acceptance } from '../server/core/accept.ts';
import { Announcer } from '../server/core/announcer.ts';
import type { AppOwners, OwnedApp, SubchannelNames } from '../server/core/app-owners.ts';
import { Deliveries } from '../server/core/deliver.ts';
import { Devices } from '../server/core/devices.ts';
import { ManualClock, seededRandom } from '../server/core/manual-clock.ts';
import { Multicasts } from '../server/core/multicasts.ts';
import { utcDays } from '../server/core/quota-day.ts';
import { Receiving } from '../server/core/receiving.ts';
import { CHANNEL_SCOPE, SEND_SCOPE, type Sender, type Senders } from '../server/core/sender.ts';
import type { Store } from '../server/core/store.ts';
import { type Door, plainPath } from '../server/doors/door.ts';
import { Refusals } from '../server/doors/refusals.ts';
import { WebSocketGateway } from '../server/gateways/websocket/listener.ts';
import type { Session } from '../server/gateways/websocket/session.ts';
import { DEVICES_PATH, devicesDoor } from '../server/intake/devices/devices-door.ts';
import { CHANNEL_PATHS, channelDoor } from '../server/intake/messages/channel-door.ts';
import { MESSAGE_PATHS, sendDoor } from '../server/intake/messages/send-door.ts';
import { isMulticastPath, multicastDoor } from '../server/intake/multicast/multicast-door.ts';
import { type Events, silentEvents } from '../server/observe/events.ts';
import { MemoryStore } from '../server/stores/memory.ts';
import { UninstallLinks } from '../server/uninstall/uninstall-link.ts';
import { pushTownKeys } from './push-town.ts';

/** Who may do what, as plain tables that a test fills: it stands for accounts, OAuth and the store of apps. */
export class RightsTable implements Senders, AppOwners {
  readonly tokens = new Map<string, Sender>();
  readonly apps = new Map<AppId, OwnedApp>();
  /** Members of each publisher group. */
  readonly groups = new Map<string, ReadonlySet<string>>();
  readonly projectsOff = new Set<string>();

  /** Hands out a token with these rights; what is not given is that of a project's client that may send. */
  token(name: string, rights: Partial<Sender> = {}): string {
    this.tokens.set(name, {
      account: 'ann',
      client: 'client-of-ann',
      project: 'project-of-ann',
      scopes: new Set([SEND_SCOPE]),
      signIn: null,
      dailyQuota: limits.dailyMessages,
      payloadBytes: limits.payloadBytes,
      dailyTargets: limits.dailyTargets,
      subchannels: limits.subchannels,
      ...rights,
    });
    return name;
  }

  /** A token of the app's own client: reads the account's channel, cannot send. */
  appToken(name: string, account: string, app: AppId): string {
    return this.token(name, { account, client: app, project: null, scopes: new Set([CHANNEL_SCOPE]) });
  }

  app(id: AppId, group: string, change: Partial<OwnedApp> = {}): AppId {
    const plain = { title: id, proven: true, channelConsent: 'none', origins: [], redirectUris: [] } as const;
    this.apps.set(id, { id, group, ...plain, subchannelNames: new Map(), ...change });
    return id;
  }

  identify(accessToken: string): Sender {
    const sender = this.tokens.get(accessToken);
    if (sender === undefined) throw new ReveilleError('token-invalid');
    return sender;
  }

  assertEnabled(sender: Sender): void {
    if (sender.project !== null && this.projectsOff.has(sender.project)) throw new ReveilleError('api-off');
  }

  assertOwns(sender: Sender, app: AppId): void {
    if (!this.ownedApps(sender).includes(app)) throw new ReveilleError('app-not-owned');
  }

  assertMayReach(_sender: Sender, app: AppId, user: string): void {
    const known = this.apps.get(app);
    if (known?.proven === false && !this.#members(known.group).has(user))
      throw new ReveilleError('app-unproven');
  }

  subchannelNames(_sender: Sender, app: AppId): SubchannelNames {
    return this.apps.get(app)?.subchannelNames ?? new Map();
  }

  ownedApps(sender: Sender): readonly AppId[] {
    return [...this.apps.values()]
      .filter((app) => this.#members(app.group).has(sender.account))
      .map(({ id }) => id);
  }

  async find(app: AppId): Promise<OwnedApp | undefined> {
    return this.apps.get(app);
  }

  async isMember(account: string, group: string): Promise<boolean> {
    return this.#members(group).has(account);
  }

  async appsOf(account: string): Promise<readonly OwnedApp[]> {
    return [...this.apps.values()].filter((app) => this.#members(app.group).has(account));
  }

  #members(group: string): ReadonlySet<string> {
    return this.groups.get(group) ?? new Set();
  }
}

export interface SmallTownOptions {
  readonly compat?: '2013';
  readonly events?: Events;
  readonly clock?: ManualClock;
  /** A store from an earlier town: a restart without a disk. */
  readonly store?: Store;
  readonly halfOpenPerAddress?: number;
  /** Refuses transports; without one any of the right form is taken. */
  readonly assertUsable?: (transport: string) => void;
}

/**
 * The message service alone, in this process: real core, real sockets, a store in memory, a clock that tests turn, and
 * rights from a table. The fixture of the doors' and the gateways' own tests.
 */
export class SmallTown implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly rights = new RightsTable();
  readonly store: Store;
  readonly devices: Devices;
  readonly receiving: Receiving;
  readonly uninstallLinks: UninstallLinks;
  readonly deliveries: Deliveries;
  readonly gateway: WebSocketGateway;
  readonly #server: Bun.Server<Session>;

  constructor(options: SmallTownOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    const { clock, rights } = this;
    const events = options.events ?? silentEvents;
    const random = seededRandom(2_013);
    this.store = options.store ?? new MemoryStore({ clock, random });
    const shared = {
      store: this.store,
      clock,
      events,
      random,
      bus: new MemoryBus(),
      presence: new MemoryPresence(),
    };
    this.uninstallLinks = new UninstallLinks(pushTownKeys(), 'https://push.example');
    this.deliveries = new Deliveries({ ...shared, node: 'here' });
    this.devices = new Devices({ ...shared, deliveries: this.deliveries });
    this.receiving = new Receiving(shared);
    const announcer = new Announcer(shared);
    // Nobody is woken here; the tests of core/wake.ts and of gateways/webpush-out see to that.
    const wakes = { kept: async () => {} };
    const acceptance = new Acceptance({ ...shared, senders: rights, announcer, wakes, calendar: utcDays });
    const refusals = new Refusals(clock);
    const parts = {
      ...shared,
      ...this,
      senders: rights,
      owners: rights,
      acceptance,
      refusals,
      compat: options.compat,
      assertUsable: options.assertUsable ?? (() => {}),
      uninstallUrl: (id: string) => this.uninstallLinks.of(id),
    };
    this.gateway = new WebSocketGateway({ ...parts, ...pickHalfOpen(options) });
    const multicasts = new Multicasts({ ...parts, announcer, wakes, calendar: utcDays });
    this.#server = this.#serve(
      sendDoor(parts),
      channelDoor(parts),
      devicesDoor(parts),
      multicastDoor({ ...parts, multicasts, origin: 'https://push.example', moves: this.deliveries.moves }),
    );
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** Opens a connection of our own WebSocket protocol. Bun's WebSocket takes headers, which the type of the web does not know. */
  connect(headers: Record<string, string> = {}): WebSocket {
    const url = `ws://127.0.0.1:${this.#server.port}${CONNECT_PATH}`;
    return Reflect.construct(WebSocket, [url, { headers }]) as WebSocket;
  }

  /** Makes a channel id of nobody. */
  strangeChannel(app: AppId): string {
    return makeChannelId(app, new Uint8Array(8).fill(7));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #serve(send: Door, channel: Door, devices: Door, multicast: Door): Bun.Server<Session> {
    const doors = new Map<string, Door>([
      ...MESSAGE_PATHS.map((path) => [path, send] as const),
      ...CHANNEL_PATHS.map((path) => [path, channel] as const),
    ]);
    return Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      websocket: this.gateway.websocket,
      fetch: (request, server) => {
        const url = new URL(request.url);
        const peer = { address: server.requestIP(request)?.address ?? '' };
        const path = plainPath(url.pathname);
        if (path === CONNECT_PATH) return this.gateway.upgrade(request, server, peer);
        if (path.startsWith(DEVICES_PATH)) return devices(request, url, peer);
        if (isMulticastPath(path)) return multicast(request, url, peer);
        return doors.get(path)?.(request, url, peer) ?? new Response(null, { status: 404 });
      },
    });
  }
}

function pickHalfOpen({ halfOpenPerAddress }: SmallTownOptions) {
  return halfOpenPerAddress === undefined ? {} : { halfOpenPerAddress };
}
