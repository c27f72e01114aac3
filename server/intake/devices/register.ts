import { limits } from '../../../protocol/limits.ts';
import type { AppOwners } from '../../core/app-owners.ts';
import type { Clock } from '../../core/clock.ts';
import type { Devices } from '../../core/devices.ts';
import type { Sender, Senders } from '../../core/sender.ts';
import { assertAppOrigin } from '../../doors/app-origin.ts';
import { clientApp } from '../../doors/client-app.ts';
import { googleJson } from '../../doors/google-answer.ts';
import { readBody } from '../../doors/json-body.ts';
import { RateLimit } from '../../doors/rate-limit.ts';
import { registrationBody } from './bodies.ts';
import { deviceName } from './device-name.ts';

export interface RegisterDeps {
  readonly devices: Pick<Devices, 'register'>;
  readonly senders: Senders;
  readonly owners: Pick<AppOwners, 'find'>;
  readonly clock: Clock;
  /** The address that the browser may open when the app is removed. */
  readonly uninstallUrl: (deviceId: string) => string;
}

/** The answer to a registration: the token is told this once. */
export interface RegisteredDevice {
  readonly deviceId: string;
  readonly deviceToken: string;
  readonly channelId: string;
  /** For `chrome.runtime.setUninstallURL`: whoever opens it can end this device. */
  readonly uninstallUrl: string;
}

/**
 * `POST /v2/devices`: registers the profile that calls, for the account of its access token and its client's app.
 * FO2: it answers after the device is kept, so what is sent to the channel from then on arrives there.
 * @throws `input-invalid`, `app-not-owned`, `origin-foreign`, `rate-limited` (DV10), and what reading a body throws.
 */
export function registration(deps: RegisterDeps): (request: Request, reader: Sender) => Promise<Response> {
  const rate = new RateLimit(deps.clock, limits.registrationsPerApp, limits.refusedMs);
  return async (request, reader) => {
    const body = await readBody(request, deps.clock, registrationBody);
    const app = await clientApp(deps.senders, reader, body.appId, 'appId');
    await assertAppOrigin(request.headers.get('origin'), app, deps.owners);
    rate.assert(`${reader.account} ${app}`, 'Too many registrations of this account with this app.');
    const { device, token } = await deps.devices.register({
      account: reader.account,
      app,
      name: body.name ?? deviceName(request.headers.get('user-agent')),
      signIn: reader.signIn ?? undefined,
      ...(body.deviceId !== undefined &&
        body.deviceToken !== undefined && { held: { id: body.deviceId, token: body.deviceToken } }),
    });
    const answer: RegisteredDevice = {
      deviceId: device.id,
      deviceToken: token,
      channelId: device.channel.id,
      uninstallUrl: deps.uninstallUrl(device.id),
    };
    return googleJson(200, answer);
  };
}
