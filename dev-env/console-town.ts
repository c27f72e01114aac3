import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { limits } from '../protocol/limits.ts';
import type { Version } from '../protocol/version.ts';
import type { Account } from '../server/accounts/account.ts';
import { type Accounts, createAccounts } from '../server/accounts/accounts.ts';
import { formToken } from '../server/accounts/form-token.ts';
import { type OpenControlDatabase, openControlDatabase } from '../server/accounts/open-database.ts';
import type { PageEnv } from '../server/accounts/page-guard.ts';
import { accountRoutes } from '../server/accounts/routes.ts';
import { MemoryBus } from '../server/buses/memory.ts';
import { MemoryPresence } from '../server/buses/presence-memory.ts';
import { openSecrets, type Secrets } from '../server/config/secrets.ts';
import { bootstrapRoutes } from '../server/console/bootstrap.ts';
import { consoleRoutes } from '../server/console/routes.ts';
import { Acceptance } from '../server/core/accept.ts';
import { Announcer } from '../server/core/announcer.ts';
import { type Clock, systemClock } from '../server/core/clock.ts';
import { Deliveries } from '../server/core/deliver.ts';
import { Devices } from '../server/core/devices.ts';
import { utcDays } from '../server/core/quota-day.ts';
import { Receiving } from '../server/core/receiving.ts';
import type { Device } from '../server/core/store.ts';
import type { FailedWake } from '../server/core/wake.ts';
import type { PushRest } from '../server/core/waker.ts';
import type { Door } from '../server/doors/door.ts';
import { Refusals } from '../server/doors/refusals.ts';
import { MESSAGE_PATHS, sendDoor } from '../server/intake/messages/send-door.ts';
import type { ProjectRole } from '../server/oauth/roles.ts';
import { type OAuthRoom, openOAuth } from '../server/oauth/room.ts';
import { type Events, silentEvents, toldTwice } from '../server/observe/events.ts';
import { staticRoutes } from '../server/pages/static.ts';
import { type PlaygroundDeps, playgroundRoutes } from '../server/playground/routes.ts';
import { publishing } from '../server/publishing.ts';
import { MemoryStore } from '../server/stores/memory.ts';
import { webhookAccess } from '../server/telling.ts';
import { type Span, type Traffic, TrafficLedger, type TrafficOf } from '../server/traffic/ledger.ts';
import { TrafficMeter } from '../server/traffic/meter.ts';
import { openWebhooks, type WebhooksRoom, type WebhooksRoomDeps } from '../server/webhooks/room.ts';
import { openWebstore, type WebstoreRoom } from '../server/webstore/room.ts';

export interface ConsoleTownOptions {
  readonly origin?: string;
  readonly setupCode?: string;
  readonly clock?: Clock;
  readonly events?: Events;
  /** The authority (PEM) that webhooks are trusted by. */
  readonly ca?: string;
}

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

/**
 * Every room that has pages, in this process: real accounts, OAuth, registry of apps and core on a real control plane, and
 * messages in memory. Answers requests without a socket; `listen` gives it one.
 */
export class ConsoleTown implements AsyncDisposable {
  readonly origin: string;
  /** What the pages of devices tell of the last wake-up that failed. */
  failedWake: FailedWake | undefined;
  readonly control: OpenControlDatabase;
  readonly accounts: Accounts;
  readonly oauth: OAuthRoom;
  readonly webstore: WebstoreRoom;
  readonly store: MemoryStore;
  readonly meter: TrafficMeter;
  readonly devices: Devices;
  readonly deliveries: Deliveries;
  readonly receiving: Receiving;
  readonly webhooks: WebhooksRoom;
  /** The same room once more, as after a restart. */
  readonly openWebhooksAgain: (change?: Partial<WebhooksRoomDeps>) => WebhooksRoom;
  /** `Acceptance.accept`. */
  readonly send: Acceptance['accept'];
  readonly pages: Hono<PageEnv>;
  readonly folder: string;
  /** What the push service of every device does. */
  resting: PushRest | undefined;
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  #server: Bun.Server<undefined> | undefined;

  private constructor(
    folder: string,
    control: OpenControlDatabase,
    accounts: Accounts,
    secrets: Secrets,
    options: ConsoleTownOptions,
  ) {
    const { origin = 'http://127.0.0.1:8030', clock = systemClock, ca } = options;
    this.meter = new TrafficMeter(clock);
    const events = toldTwice(options.events ?? silentEvents, this.meter.events);
    const shared = { db: control.db, folder, origin, secrets, clock, random, events, accounts };
    this.folder = folder;
    this.#secrets = secrets;
    this.#clock = clock;
    this.origin = origin;
    this.control = control;
    this.accounts = accounts;
    this.store = new MemoryStore({ clock, random });
    this.meter.watch(this.store);
    const [bus, presence] = [new MemoryBus(), new MemoryPresence()];
    const { store } = this;
    this.deliveries = new Deliveries({ node: 'here', store, presence, bus, clock, events });
    this.devices = new Devices({ store, deliveries: this.deliveries, bus, random, events });
    this.receiving = new Receiving({ store, bus });
    let forget = (): void => undefined;
    this.webstore = openWebstore({
      ...shared,
      rightsEnded: () => forget(),
      appRemoved: (app) => this.receiving.endApp(app),
    });
    this.oauth = openOAuth({ ...shared, owners: this.webstore.apps });
    forget = () => this.oauth.senders.rightsEnded();
    this.openWebhooksAgain = (change = {}) =>
      openWebhooks({ ...shared, ...this.#forWebhooks(bus, ca), ...change });
    this.webhooks = this.openWebhooksAgain();
    const acceptance = new Acceptance({
      ...shared,
      senders: this.oauth.senders,
      store,
      announcer: new Announcer({ presence, bus, events }),
      wakes: { kept: async () => {} },
      calendar: utcDays,
      followers: this.webhooks.followers,
    });
    this.send = acceptance.accept.bind(acceptance);
    const deps = {
      ...shared,
      ...this.oauth,
      ...this.webstore,
      webhooks: this.webhooks.webhooks,
      receiving: this.receiving,
      ...this.#forDevicePages(),
      store,
      send: this.send,
      calendar: utcDays,
      defaults: { dailyQuota: limits.dailyMessages, payloadBytes: limits.payloadBytes },
    };
    this.pages = new Hono<PageEnv>();
    this.pages.route('/', staticRoutes());
    this.pages.route('/', accountRoutes(shared));
    this.pages.route('/', this.oauth.routes);
    this.pages.route('/', this.webstore.routes);
    this.pages.route('/', publishing(shared, this));
    this.pages.route('/', consoleRoutes(deps));
    this.pages.route('/', bootstrapRoutes(deps));
    const send = sendDoor({ acceptance, refusals: new Refusals(clock), clock, events, compat: undefined });
    this.pages.route('/', playgroundRoutes({ ...shared, ...this.#forPlayground(send) }));
  }

  static async open(options: ConsoleTownOptions = {}): Promise<ConsoleTown> {
    const folder = await mkdtemp(join(tmpdir(), 'reveille-console-'));
    const {
      origin = 'http://127.0.0.1:8030',
      clock = systemClock,
      events = silentEvents,
      setupCode,
    } = options;
    const control = await openControlDatabase(join(folder, 'control.sqlite'));
    const secrets = await openSecrets({ folder });
    const accounts = await createAccounts({
      db: control.db,
      secrets,
      origin,
      events,
      signUp: 'open',
      setupCode,
      clock,
      random,
    });
    return new ConsoleTown(folder, control, accounts, secrets, options);
  }

  /** Answers one request as if it came from `address`. */
  async fetch(path: string, init: RequestInit = {}, address = '127.0.0.1'): Promise<Response> {
    return await this.pages.fetch(new Request(this.origin + path, init), { peer: { address } });
  }

  /** Lets an account into a project by an invitation and its yes. */
  async join(owner: Account, project: string, account: Account, role: ProjectRole): Promise<void> {
    await this.oauth.team.invite(owner, project, account.email, role);
    await this.oauth.team.answer(account, project, true);
  }

  /** The token that a page would carry for a form: what a forger who knows everything but the rules would send. */
  async formToken(account: string, action: string): Promise<string> {
    return formToken(this.#secrets, account, action, this.#clock);
  }

  #forWebhooks(bus: MemoryBus, ca: string | undefined) {
    const { store, deliveries } = this;
    const access = webhookAccess({ ...this.oauth, ...this.webstore });
    const authority = ca === undefined ? {} : { ca };
    const { node, moves } = deliveries;
    return { store, bus, node, moves, access, privateAddresses: true, ...authority };
  }

  #forDevicePages() {
    return {
      offeredTo: async (id: string) => {
        const device = await this.store.findDevice(id);
        return device === undefined ? [] : (this.deliveries.outboxOf(device.key)?.offered() ?? []);
      },
      connectionOf: ({ key }: Device) => this.deliveries.connectionOf(key),
      standingOf: ({ key }: Device, version: Version) => this.deliveries.outboxOf(key)?.standing(version),
      restOf: () => this.resting,
      waitingFor: ({ key }: Device) => this.deliveries.waitingFor(key),
      wakesSpentBy: () => 7,
      failedWakeOf: () => this.failedWake,
      traffic: this.#traffic.bind(this),
    };
  }

  async #traffic(of: TrafficOf, span: Span): Promise<Traffic> {
    const ledger = new TrafficLedger(this.control.db);
    await this.meter.flush(ledger);
    return await ledger.read(of, span, this.#clock.now());
  }

  /** The playground reaches the doors that this town has: pages, OAuth and messages. */
  #forPlayground(send: Door): Pick<PlaygroundDeps, 'channelOf' | 'dispatch'> {
    return {
      channelOf: async (account) => (await this.receiving.apps(account))[0]?.channel.id ?? '',
      dispatch: async (request, peer) => {
        const url = new URL(request.url);
        return MESSAGE_PATHS.some((path) => path === url.pathname)
          ? await send(request, url, peer)
          : await this.pages.fetch(request, { peer });
      },
    };
  }

  /** Opens a socket on the port of `origin`. */
  listen(): void {
    this.#server = Bun.serve({
      port: Number(new URL(this.origin).port),
      hostname: '127.0.0.1',
      fetch: (request) => this.pages.fetch(request, { peer: { address: '127.0.0.1' } }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop(true);
    await this.webhooks.stop();
    await this.control.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
