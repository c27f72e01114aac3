import pino from 'pino';
import { MemoryBus } from './buses/memory.ts';
import { MemoryPresence } from './buses/presence-memory.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { Announcer } from './core/announcer.ts';
import type { Bus } from './core/bus.ts';
import { type Clock, type Random, systemClock } from './core/clock.ts';
import { Deliveries } from './core/deliver.ts';
import { Devices } from './core/devices.ts';
import { Endpoints } from './core/endpoint.ts';
import { Holdings } from './core/holdings.ts';
import type { Presence } from './core/presence.ts';
import { Pushes } from './core/push.ts';
import { Receiving } from './core/receiving.ts';
import type { Store } from './core/store.ts';
import type { Closing, Keeping } from './keeping.ts';
import type { Listen } from './listen.ts';
import { type Events, loggedEvents } from './observe/events.ts';
import type { Synchronous } from './stores/sqlite/open-database.ts';
import type { makeKeyPair } from './webstore/app-key.ts';

/** What the service takes from the world; tests hand in their own. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
  /** FULL, unless a test shows what happens without. */
  readonly synchronous: Synchronous;
  /** Instead of the data folder. */
  readonly keeping?: (config: Config, world: World, closing: Closing) => Promise<Keeping>;
  /** Instead of the resident memory of the process, in bytes. */
  readonly memory?: () => number;
  /** Instead of a port of its own. */
  readonly listen?: Listen;
  /** Instead of a key pair that nobody can guess, for apps whose key is made here. */
  readonly makeKeyPair?: typeof makeKeyPair;
}

export interface Core {
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
  readonly load: Pushes['load'];
}

/** What every room stands on. */
export interface Ground extends Omit<Keeping, 'store'> {
  readonly config: Config;
  readonly world: World;
  readonly core: Core;
}

/** @param load none = one that hurries nobody and tells nobody */
export function openCore(
  store: Store,
  secrets: Secrets,
  { clock, random, events }: World,
  load?: Core['load'],
): Core {
  const presence = new MemoryPresence();
  const bus = new MemoryBus();
  const deliveries = new Deliveries({ node: 'embedded', store, presence, bus, clock, events });
  const announcer = new Announcer({ presence, bus, events });
  const endpoints = new Endpoints(secrets);
  const pushes = new Pushes({ store, endpoints, announcer, bus, clock, events, ...(load && { load }) });
  return {
    store,
    presence,
    bus,
    endpoints,
    deliveries,
    announcer,
    devices: new Devices({ store, deliveries, bus, random, events }),
    receiving: new Receiving({ store, bus }),
    holdings: new Holdings({ store, deliveries, bus, events }),
    pushes,
    load: pushes.load,
  };
}

export function realWorld(config: Config): World {
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: false }));
  return {
    clock: systemClock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    events: loggedEvents(log),
    synchronous: 'FULL',
  };
}
