import { z } from 'zod';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Sent } from './exchange.ts';
import type { Configuration, Play, Tokens } from './plays.ts';
import { PLAYGROUND } from './share.ts';

/** Where the authorization endpoint sends the browser back to: what the guide enters as redirect URI of the client. */
export const redirectUri = (origin: string): string => `${origin}${PLAYGROUND}`;

/** Step 1: the path of the authorization endpoint with what the gear and the scopes say. @throws `input-invalid` */
export function authorizationPath(
  origin: string,
  { configuration, scope }: Pick<Play, 'configuration' | 'scope'>,
  state: string,
): string {
  assertOwn(configuration);
  if (scope === '') throw new ReveilleError('input-invalid', 'Tick a scope, or enter one.');
  const query = new URLSearchParams({
    redirect_uri: redirectUri(origin),
    response_type: 'code',
    client_id: configuration.clientId,
    scope,
    approval_prompt: configuration.prompt,
    access_type: configuration.accessType,
    state,
  });
  return `/o/oauth2/auth?${query}`;
}

/** Step 2: the request that makes tokens of the code. @throws `input-invalid` */
export function exchangeRequest(origin: string, { configuration, tokens }: Play): Sent {
  assertOwn(configuration);
  if (tokens.code === '')
    throw new ReveilleError('input-invalid', 'There is no code yet. Authorize in step 1.');
  return tokenRequest(origin, {
    code: tokens.code,
    redirect_uri: redirectUri(origin),
    client_id: configuration.clientId,
    client_secret: configuration.clientSecret,
    grant_type: 'authorization_code',
  });
}

/** Step 2: the request that makes an access token of the refresh token. @throws `input-invalid` */
export function refreshRequest(origin: string, { configuration, tokens }: Play): Sent {
  assertOwn(configuration);
  if (tokens.refreshToken === '')
    throw new ReveilleError('input-invalid', 'There is no refresh token. Exchange a code, or paste one.');
  return tokenRequest(origin, {
    client_id: configuration.clientId,
    client_secret: configuration.clientSecret,
    refresh_token: tokens.refreshToken,
    grant_type: 'refresh_token',
  });
}

function tokenRequest(origin: string, parameters: Readonly<Record<string, string>>): Sent {
  return {
    method: 'POST',
    url: new URL('/o/oauth2/token', origin),
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: new URLSearchParams(parameters).toString(),
  };
}

function assertOwn({ own, clientId, clientSecret }: Configuration): void {
  if (own && clientId !== '' && clientSecret !== '') return;
  throw new ReveilleError(
    'input-invalid',
    'Open "OAuth 2.0 Configuration", check "Use your own OAuth credentials", and enter client ID and client secret: this playground has none of its own.',
  );
}

const granted = z.object({
  access_token: z.string().max(2_048),
  expires_in: z.number().positive(),
  refresh_token: z.string().max(2_048).optional(),
});

/** The fields of step 2 after an answer of the token endpoint; undefined when it was a refusal. A code is spent by it. */
export function tokensAfter(before: Tokens, body: string, now: number): Tokens | undefined {
  const parsed = granted.safeParse(jsonOf(body));
  if (!parsed.success) return undefined;
  const { access_token, expires_in, refresh_token } = parsed.data;
  return {
    ...before,
    code: '',
    accessToken: access_token,
    refreshToken: refresh_token ?? before.refreshToken,
    expiresAt: now + expires_in * 1_000,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A token with less time than this is refreshed before it is used. */
const SPARE_MS = 60_000;

/** Does step 3 have to refresh first? Of a token that was typed nobody knows when it ends. */
export const isDue = ({ autoRefresh, accessToken, refreshToken, expiresAt }: Tokens, now: number): boolean =>
  autoRefresh &&
  refreshToken !== '' &&
  (accessToken === '' || (expiresAt !== 0 && expiresAt - SPARE_MS < now));
