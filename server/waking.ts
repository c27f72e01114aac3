import type { Config } from './config/config.ts';
import type { PushKey } from './config/push-key.ts';
import type { Secrets } from './config/secrets.ts';
import type { Bus } from './core/bus.ts';
import type { Clock } from './core/clock.ts';
import type { Deliveries } from './core/deliver.ts';
import type { Devices } from './core/devices.ts';
import type { Endpoints } from './core/endpoint.ts';
import type { Presence } from './core/presence.ts';
import type { Pushes } from './core/push.ts';
import type { Store } from './core/store.ts';
import { Wakes } from './core/wake.ts';
import type { PushRest } from './core/waker.ts';
import type { Door } from './doors/door.ts';
import { PushWaker } from './gateways/webpush-out/push-waker.ts';
import { PUSH_KEY_PATH, pushKeyDoor } from './intake/devices/push-key-door.ts';
import type { Events } from './observe/events.ts';
import { httpsPost } from './outgoing/https-post.ts';

/** What starts the apps of devices that are not connected. */
export interface Waking {
  readonly wakes: Wakes;
  /** @throws `input-invalid` for a transport that could never wake. */
  readonly assertUsable: (transport: string) => void;
  /** Where the push service of a transport rests. */
  readonly restOf: (transport: string) => PushRest | undefined;
  readonly doors: readonly (readonly [string, Door])[];
  stop(): void;
}

export interface WakingDeps {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly pushKey: PushKey;
  readonly origin: string;
  readonly store: Store;
  readonly deliveries: Deliveries;
  readonly devices: Devices;
  readonly pushes: Pushes;
  readonly endpoints: Endpoints;
  readonly presence: Presence;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly events: Events;
}

/** Puts waking together and starts it. */
export function openWaking(deps: WakingDeps): Waking {
  const { config, pushKey: key, origin, devices, events } = deps;
  const { post, close } = httpsPost(config.push);
  const signer = { ...key, subject: config.push.contact ?? contactOf(origin) };
  const waker = new PushWaker({ ...deps, signer, hosts: config.push, post });
  const wakes = new Wakes({ ...deps, waker, endDevice: (device) => devices.remove(device) });
  wakes.start();
  return {
    wakes,
    assertUsable: (transport) => waker.assertUsable(transport),
    restOf: (transport) => waker.restOf(transport),
    doors: [[PUSH_KEY_PATH, pushKeyDoor(key.publicKey, events)]],
    stop() {
      wakes.stop();
      close();
    },
  };
}

/** RFC 8292 section 2.1: https or mailto. A service that speaks plain http is one for trying out. */
function contactOf(origin: string): string {
  return origin.startsWith('https:') ? origin : 'mailto:operator@localhost';
}
