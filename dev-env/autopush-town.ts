import { MemoryBus } from '../server/buses/memory.ts';
import { MemoryPresence } from '../server/buses/presence-memory.ts';
import type { Ring } from '../server/config/secrets.ts';
import { Announcer } from '../server/core/announcer.ts';
import { Deliveries } from '../server/core/deliver.ts';
import { Endpoints } from '../server/core/endpoint.ts';
import { Holdings } from '../server/core/holdings.ts';
import { ManualClock, seededRandom } from '../server/core/manual-clock.ts';
import { type Push, Pushes } from '../server/core/push.ts';
import type { Store } from '../server/core/store.ts';
import { AutopushGateway } from '../server/gateways/autopush/listener.ts';
import type { AutopushSession } from '../server/gateways/autopush/session.ts';
import { holderOf } from '../server/gateways/autopush/uaid.ts';
import { type Events, silentEvents } from '../server/observe/events.ts';
import { MemoryStore } from '../server/stores/memory.ts';
import { pushTownKeys } from './push-town.ts';

export interface AutopushTownOptions {
  readonly events?: Partial<Events>;
  /** A store from an earlier town: a restart without a disk. */
  readonly store?: Store;
  readonly keys?: Ring;
}

const plainPush: Push = {
  body: new Uint8Array(),
  headers: null,
  ttl: 60,
  topic: null,
  urgency: 'normal',
  receipts: null,
};

/** The autopush gateway on the real core: real sockets, a store in memory, a clock that tests turn. */
export class AutopushTown implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly holdings: Holdings;
  readonly pushes: Pushes;
  readonly gateway: AutopushGateway;
  readonly events: Events;
  readonly #server: Bun.Server<AutopushSession>;

  constructor(options: AutopushTownOptions = {}) {
    const { clock } = this;
    const random = seededRandom(153);
    const keys = options.keys ?? pushTownKeys();
    this.events = { ...silentEvents, ...options.events };
    this.store = options.store ?? new MemoryStore({ clock, random });
    const shared = {
      clock,
      random,
      events: this.events,
      store: this.store,
      bus: new MemoryBus(),
      presence: new MemoryPresence(),
    };
    const deliveries = new Deliveries({ ...shared, node: 'here' });
    this.holdings = new Holdings({ ...shared, deliveries });
    const parts = { ...shared, announcer: new Announcer(shared), endpoints: new Endpoints(keys) };
    this.pushes = new Pushes(parts);
    const { holdings, pushes } = this;
    this.gateway = new AutopushGateway({
      ...shared,
      holdings,
      pushes,
      secrets: keys,
      origin: () => 'https://push.example',
    });
    this.#server = Bun.serve<AutopushSession>({
      hostname: '127.0.0.1',
      port: 0,
      websocket: this.gateway.websocket,
      fetch: (request, server) => this.gateway.upgrade(request, server, { address: '127.0.0.1' }),
    });
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** Keeps a push as the web push doors do, for the subscription behind a token. */
  async push(token: string, text: string, change: Partial<Push> = {}): Promise<string> {
    const body = new TextEncoder().encode(text);
    const headers = text === '' ? null : ({ encoding: 'aes128gcm' } as const);
    const target = await this.pushes.open(token);
    const kept = await this.pushes.accept(target, { ...plainPush, body, headers, ...change });
    return String(kept.version);
  }

  /** What waits for a subscription, newest of each topic first, then the queue: the texts that were sent. */
  async waiting(uaid: string, channelID: string): Promise<readonly string[]> {
    const subscriptions = await this.store.subscriptionsOf(holderOf(uaid));
    const found = subscriptions.find(({ name }) => name === channelID);
    if (found === undefined) return [];
    const { kept } = await this.store.missed(found.key, 100);
    return kept.map(({ payload }) => Buffer.from(payload, 'base64url').toString());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}
