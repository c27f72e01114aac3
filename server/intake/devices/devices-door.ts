import { asReveilleError, ReveilleError } from '../../../protocol/errors.ts';
import type { Devices } from '../../core/devices.ts';
import { readAccessToken } from '../../doors/access-token.ts';
import { assertAppOrigin } from '../../doors/app-origin.ts';
import { admitReader } from '../../doors/client-app.ts';
import { preflight, withCors } from '../../doors/cors.ts';
import { answerError, assertMethod, type Door, plainPath, wantsPretty } from '../../doors/door.ts';
import type { Refusals } from '../../doors/refusals.ts';
import type { Events } from '../../observe/events.ts';
import { deviceActions } from './own-device.ts';
import { type RegisterDeps, registration } from './register.ts';

/** Everything under this path is this door's. */
export const DEVICES_PATH = '/v2/devices';

const DEVICE_PATH = /^\/v2\/devices\/([\w-]{1,64})(\/[a-z]+)?$/;

export interface DevicesDoorDeps extends RegisterDeps {
  readonly devices: Devices;
  /** @throws `input-invalid` for a transport that could never wake. */
  readonly assertUsable: (transport: string) => void;
  readonly refusals: Refusals;
  readonly events: Events;
}

/**
 * `/v2/devices`: an access token makes a device; from then on the device token is the authority over `/v2/devices/{id}`, and
 * reads that device's messages and nothing else. Cookies are never looked at.
 */
export function devicesDoor(deps: DevicesDoorDeps): Door {
  const register = registration(deps);

  async function acted(request: Request, url: URL, id: string, rest: string): Promise<Response> {
    const action = Object.hasOwn(deviceActions, rest) ? deviceActions[rest] : undefined;
    if (action === undefined) throw new ReveilleError('not-found');
    assertMethod(request, action.method);
    const token = readAccessToken(request, url);
    if (token === undefined) throw new ReveilleError('token-missing', 'It must be the token of the device.');
    const device = await deps.devices.authenticate({ id, token });
    await assertAppOrigin(request.headers.get('origin'), device.channel.app, deps.owners);
    const { devices, clock, assertUsable } = deps;
    return action.run({ request, url, device, devices, clock, assertUsable });
  }

  return async (request, url, peer) => {
    if (request.method === 'OPTIONS') return preflight('GET, POST, PUT, DELETE');
    let client: string | undefined;
    try {
      const path = plainPath(url.pathname);
      const [, id, rest = ''] = DEVICE_PATH.exec(path) ?? [];
      if (id !== undefined) return withCors(await acted(request, url, id, rest));
      if (path !== DEVICES_PATH) throw new ReveilleError('not-found');
      assertMethod(request, 'POST');
      const reader = await admitReader(deps.senders, readAccessToken(request, url));
      client = reader.client;
      return withCors(await register(request, reader));
    } catch (thrown) {
      const error = deps.refusals.count(asReveilleError(thrown), peer.address, client);
      return answerError(error, 'devices', peer, wantsPretty(url), deps.events);
    }
  };
}
