import { createHash } from 'node:crypto';
import { MemoryBus } from '../server/buses/memory.ts';
import { MemoryPresence } from '../server/buses/presence-memory.ts';
import { Ring } from '../server/config/secrets.ts';
import { Announcer } from '../server/core/announcer.ts';
import { Deliveries } from '../server/core/deliver.ts';
import { Endpoints } from '../server/core/endpoint.ts';
import { type Hold, Holdings } from '../server/core/holdings.ts';
import { ManualClock, seededRandom } from '../server/core/manual-clock.ts';
import { Pushes } from '../server/core/push.ts';
import type { Kept, Store } from '../server/core/store.ts';
import type { HolderId } from '../server/core/subscription.ts';
import { Refusals } from '../server/doors/refusals.ts';
import { takesText } from '../server/gateways/mcs/names.ts';
import { webpushDoor } from '../server/intake/webpush/webpush-door.ts';
import { type Events, silentEvents } from '../server/observe/events.ts';
import { MemoryStore } from '../server/stores/memory.ts';

/** The keys of a ring, without its file. */
export function pushTownKeys(secret = 'the ring of this town'): Ring {
  return new Ring([createHash('sha256').update(secret).digest()]);
}

export interface PushTownOptions {
  readonly events?: Partial<Events>;
  /** A store from elsewhere: one of an earlier town, or one that fails. */
  readonly store?: (clock: ManualClock) => Store;
  /** A clock that it shares with another town. */
  readonly clock?: ManualClock;
  /** Speaks https under this name, which the certificate must have; callers resolve it to 127.0.0.1 themselves. */
  readonly tls?: { readonly name: string; readonly cert: string; readonly key: string };
}

/** A browser that is connected: it notes what it is offered and acknowledges by hand. */
export class HeldBrowser {
  readonly offered: Kept[] = [];
  #hold: Hold | undefined;
  #waiting: (() => void)[] = [];

  async connect(holdings: Holdings, holder: HolderId): Promise<this> {
    this.#hold = await holdings.hold(holder, {
      recipientFor: () => ({
        offer: (kept) => {
          this.offered.push(kept);
          this.#wake();
          return 'taken';
        },
        caughtUp: () => this.#wake(),
        end: () => {},
      }),
      replaced() {},
    });
    return this;
  }

  /** Settles when so many pushes have been offered. */
  async has(count: number): Promise<readonly Kept[]> {
    while (this.offered.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.offered;
  }

  async acknowledge(name: string, kept: Kept): Promise<void> {
    await this.#hold?.outbox(name)?.confirm(kept.version);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The web push doors on the real core: real HTTP, a store in memory, a clock that tests turn. */
export class PushTown implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly holdings: Holdings;
  readonly pushes: Pushes;
  readonly endpoints: Endpoints;
  readonly #server: Bun.Server<undefined>;
  readonly origin: string;

  constructor(options: PushTownOptions = {}) {
    const clock = options.clock ?? new ManualClock();
    this.clock = clock;
    const random = seededRandom(8_030);
    const events: Events = { ...silentEvents, ...options.events };
    this.store = options.store?.(clock) ?? new MemoryStore({ clock, random });
    const keys = pushTownKeys();
    const ground = { clock, random, events, store: this.store };
    const shared = { ...ground, bus: new MemoryBus(), presence: new MemoryPresence() };
    const deliveries = new Deliveries({ ...shared, node: 'here' });
    this.holdings = new Holdings({ ...shared, deliveries });
    const announcer = new Announcer(shared);
    this.endpoints = new Endpoints(keys);
    this.pushes = new Pushes({ ...shared, announcer, endpoints: this.endpoints });
    const { pushes } = this;
    const { tls } = options;
    const refusals = new Refusals(clock);
    let door: ReturnType<typeof webpushDoor> | undefined;
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
      fetch: (request, server) => {
        const peer = { address: server.requestIP(request)?.address ?? '' };
        return door?.(request, new URL(request.url), peer) ?? new Response(null, { status: 503 });
      },
    });
    const { port } = this.#server;
    this.origin = tls === undefined ? `http://127.0.0.1:${port}` : `https://${tls.name}:${port}`;
    const origins = { origin: this.origin, alsoOrigins: ['https://push.alias.example'] };
    door = webpushDoor({ ...shared, ...origins, deliveries, pushes, keys, refusals, takesText });
  }

  /** The address that a page would give its server. */
  async endpoint(holder = 'mcs:1', name = 'wp:a', senderKey: string | null = null): Promise<string> {
    return `${this.origin}/wpush/${await this.pushes.subscribe(holder, name, senderKey)}`;
  }

  browser(holder = 'mcs:1'): Promise<HeldBrowser> {
    return new HeldBrowser().connect(this.holdings, holder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}
