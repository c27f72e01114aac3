import { Device, type DeviceOptions } from '../client/device.ts';
import { createCall } from '../client/service.ts';
import { signIn } from '../client/sign-in.ts';
import type { Town } from './town.ts';

/**
 * An access token for the town's app as an extension gets it: the code flow with PKCE, silently, with the seed's sign-in in
 * place of the browser's cookie.
 */
export async function signInToTown({ origin, seed }: Pick<Town, 'origin' | 'seed'>): Promise<string> {
  const launch = async (url: string): Promise<string> => {
    const answer = await fetch(url, { headers: { Cookie: seed.cookie }, redirect: 'manual' });
    const location = answer.headers.get('location');
    if (location === null) throw new Error(`sign-in: ${answer.status} ${await answer.text()}`);
    return location;
  };
  return signIn(
    { origin, appId: seed.app.id, call: createCall(origin, fetch), launch, note: () => {} },
    false,
  );
}

/** A program that is a device of the town's account. */
export function townDevice(town: Town, options: Omit<DeviceOptions, 'origin' | 'signIn'>): Device {
  return new Device({ origin: town.origin, signIn: () => signInToTown(town), ...options });
}
