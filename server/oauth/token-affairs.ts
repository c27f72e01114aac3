import { isAppId } from '../../protocol/app-id.ts';
import { asReveilleError } from '../../protocol/errors.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock } from '../core/clock.ts';
import { readText } from '../doors/body.ts';
import { preflight, withCors } from '../doors/cors.ts';
import { googleJson } from '../doors/google-answer.ts';
import type { Peer } from '../doors/peer.ts';
import type { RateLimit } from '../doors/rate-limit.ts';
import type { Events } from '../observe/events.ts';
import { errorAnswer, plainAnswer } from './answers.ts';
import { bounds } from './bounds.ts';
import type { Grants } from './grants.ts';
import { readForm } from './parameters.ts';
import { hashOf } from './token-shapes.ts';

interface AffairsDeps {
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly grants: Grants;
  readonly events: Events;
  readonly addresses: RateLimit;
}

const BEARER = /^Bearer +(\S+) *$/i;

type Affair = (named: (name: string) => string | undefined, deps: AffairsDeps) => Promise<Response>;

/**
 * `/o/oauth2/revoke?token=`: the grant behind an access or refresh token ends, and with it both (reference 3.3).
 * A token that has ended already is a 400, as it was.
 */
export const revokeDoor = (request: Request, peer: Peer, deps: AffairsDeps): Promise<Response> =>
  affairDoor(request, peer, deps, async (named) => {
    const token = named('token') ?? '';
    if (token === '') return errorAnswer('invalid_request', 'Send the token to revoke as "token".');
    if (await deps.grants.endToken(token)) return withCors(googleJson(200, {}));
    return withCors(googleJson(400, { error: 'invalid_token' }));
  });

/**
 * `/oauth2/v1/tokeninfo`: whom an access token was issued to, for what, and how long it lasts. The token comes as
 * `access_token` in the query or the form, else as a bearer (RFC 6750 section 2.1), as Google's auth library sends it.
 */
export const tokenInfoDoor = (request: Request, peer: Peer, deps: AffairsDeps): Promise<Response> =>
  affairDoor(request, peer, deps, async (named) => {
    const bearer = BEARER.exec(request.headers.get('authorization') ?? '')?.[1];
    const info = await findInfo(deps, named('access_token') ?? bearer ?? '');
    if (info !== undefined) return withCors(googleJson(200, info));
    return withCors(googleJson(400, { error: 'invalid_token', error_description: 'Invalid Value' }));
  });

/** GET with a query, POST with a query or a form; no cookie means anything here. Never throws. */
async function affairDoor(
  request: Request,
  peer: Peer,
  deps: AffairsDeps,
  affair: Affair,
): Promise<Response> {
  if (request.method === 'OPTIONS') return preflight('GET, POST');
  if (request.method !== 'GET' && request.method !== 'POST') {
    return errorAnswer('invalid_request', 'Send a GET or a POST.', {
      status: 405,
      headers: { Allow: 'GET, POST' },
    });
  }
  try {
    deps.addresses.assert(peer.address, 'Too many calls from this address.');
    const query = readForm(new URL(request.url).search);
    const form = readForm(
      request.method === 'POST' ? await readText(request, deps.clock, bounds.bodyBytes) : '',
    );
    return await affair((name) => form.get(name) ?? query.get(name), deps);
  } catch (thrown) {
    const error = asReveilleError(thrown);
    deps.events.refused('token affairs', error.code, error.detail, peer.address);
    if (error.status >= 500) deps.events.failed('token affairs', thrown);
    return plainAnswer(error.status, error.sentence, error.facts.retryAfterSeconds);
  }
}

async function findInfo(
  deps: AffairsDeps,
  token: string,
): Promise<Record<string, string | number> | undefined> {
  const now = deps.clock.now();
  const row = await deps.db
    .selectFrom('access_tokens')
    .innerJoin('grants', 'grants.id', 'access_tokens.grant')
    .innerJoin('user', 'user.id', 'grants.account')
    .where('access_tokens.hash', '=', hashOf(token))
    .where('access_tokens.expires_at', '>', now)
    .where('grants.ended_at', 'is', null)
    .where('user.disabled', '=', 0)
    .select([
      'grants.client',
      'grants.account',
      'grants.scope',
      'access_tokens.expires_at',
      'access_tokens.refresh_hash',
    ])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    issued_to: row.client,
    audience: row.client,
    // CH1: two apps must not be able to tell that they share a user, so an app is not told who it is.
    ...(isAppId(row.client) ? {} : { user_id: row.account }),
    scope: row.scope,
    expires_in: Math.floor((row.expires_at - now) / 1_000),
    access_type: row.refresh_hash === null ? 'online' : 'offline',
  };
}
