import { CHECKIN_PATH, REGISTRATION_PATH } from '../../../protocol/browser-settings.ts';
import type { Random } from '../../core/clock.ts';
import type { Pushes } from '../../core/push.ts';
import type { Door } from '../../doors/door.ts';
import { checkInDoor } from './check-in.ts';
import { DeviceKeys, type MacRing } from './device-keys.ts';
import { McsGateway, type McsGatewayDeps } from './listener.ts';
import { type RegisterDeps, registerDoor } from './register.ts';

export interface McsRoomDeps extends Omit<McsGatewayDeps, 'keys' | 'store'> {
  readonly secrets: MacRing;
  readonly random: Random;
  readonly pushes: Pick<Pushes, 'subscribe' | 'unsubscribe'>;
  readonly store: McsGatewayDeps['store'] & RegisterDeps['store'];
  /** Scheme, host and port of the HTTP doors, as browsers reach them. */
  readonly origin: string;
  /** Where the TLS door listens. */
  readonly hostname: string;
  readonly port: number;
  /** Certificate chain and key in PEM; without one the door stays shut, and check-ins are told to come later. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
}

export interface McsRoom {
  /** `/checkin` and `/register3`. */
  readonly doors: readonly (readonly [path: string, door: Door])[];
  /** The TLS door's; undefined when it is shut. */
  readonly port: number | undefined;
  /** Sends every browser away and takes no more. */
  drain(): Promise<void>;
}

/** Opens everything that stock Chromium's push client speaks to. @throws Error when the port is taken. */
export function openMcs(deps: McsRoomDeps): McsRoom {
  const { clock, events, origin, certificate, hostname } = deps;
  const keys = new DeviceKeys(deps.secrets, deps.random);
  const gateway = new McsGateway({ ...deps, keys });
  const port = certificate && gateway.listen({ hostname, port: deps.port, ...certificate });
  const place = port === undefined ? undefined : { origin, mcsPort: port };
  return {
    doors: [
      [CHECKIN_PATH, checkInDoor({ keys, place, clock, events })],
      [REGISTRATION_PATH, registerDoor({ ...deps, keys })],
    ],
    port,
    drain: () => gateway.drain(),
  };
}
