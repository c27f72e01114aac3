import type { Seed } from '../dev-env/town.ts';
import type { DeviceCredentials } from '../server/gateways/mcs/device-keys.ts';
import type { RunningServer } from '../server/main.ts';

/** One account with everything that the service gives: a project, a client, an app, a channel, a device. */
export interface Household {
  readonly seed: Seed;
  /** Good for sending and for registering devices. */
  readonly token: string;
  /** Good for the store alone. */
  readonly storeToken: string;
  readonly device: { readonly id: string; readonly token: string };
}

/** Two households that share nothing but the server. */
export interface Neighbours {
  readonly running: RunningServer;
  readonly mine: Household;
  readonly theirs: Household;
  /** The authority (PEM) behind the certificate of Chromium's door. */
  readonly ca: string;
  /** A fresh device of Chromium's, as check-in gives it. */
  chromium(): DeviceCredentials;
  /** The first line of the log with this text, once it is there. */
  logged(text: string): Promise<string>;
}

/** One try with another's credentials. */
export interface Try {
  readonly what: string;
  /** Nothing opened. */
  readonly held: boolean;
  readonly told: string;
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}

/** The real server as a visitor of its pages reaches it, with another cookie beside. */
export function siteOf(origin: string, beside = '') {
  return {
    origin,
    fetch: async (path: string, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers);
      const cookies = [beside, headers.get('Cookie') ?? ''].filter((cookie) => cookie !== '');
      headers.set('Cookie', cookies.join('; '));
      return await fetch(origin + path, { ...init, headers, redirect: 'manual' });
    },
  };
}

/** Bootstraps for who is signed in by `cookie`, or for the first account, and registers a device. */
export async function settle(origin: string, cookie = ''): Promise<Household> {
  const post = async (path: string, body: object, headers: Readonly<Record<string, string>>) => {
    const answer = await fetch(origin + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  };
  const seed = (await post('/v2/bootstrap', {}, cookie === '' ? {} : { Cookie: cookie })) as Seed;
  const token = await accessToken(origin, seed);
  const { publish_refresh_token: refresh_token, client } = seed;
  const storeToken = await accessToken(origin, { client, refresh_token });
  const made = await post('/v2/devices', { appId: seed.app.id, name: 'a profile' }, bearer(token));
  const { deviceId, deviceToken } = made as { deviceId: string; deviceToken: string };
  return { seed, token, storeToken, device: { id: deviceId, token: deviceToken } };
}

export async function accessToken(
  origin: string,
  { client, refresh_token }: Pick<Seed, 'client' | 'refresh_token'>,
): Promise<string> {
  const { client_id, client_secret } = client;
  const body = new URLSearchParams({ client_id, client_secret, refresh_token, grant_type: 'refresh_token' });
  const answer = await fetch(`${origin}/o/oauth2/token`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`token: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}
