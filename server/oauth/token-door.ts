import OAuth2Server from '@node-oauth/oauth2-server';
import { asReveilleError, type ReveilleError } from '../../protocol/errors.ts';
import { readText } from '../doors/body.ts';
import { preflight } from '../doors/cors.ts';
import type { Peer } from '../doors/peer.ts';
import type { RateLimit } from '../doors/rate-limit.ts';
import type { Events } from '../observe/events.ts';
import { errorAnswer, lockOutPage, type OAuthErrorCode, plainAnswer, tokenAnswer } from './answers.ts';
import { bounds } from './bounds.ts';
import { type Parameters, readForm, readJson } from './parameters.ts';
import { TokenRefusal } from './refusal.ts';
import { type TokenDeps, TokenModel } from './token-model.ts';

export interface TokenDoorDeps extends TokenDeps {
  readonly events: Events;
  readonly addresses: RateLimit;
  /** Answers a lock-out as it was in 2013: a page, 403, no Retry-After. */
  readonly compat2013: boolean;
}

/**
 * `POST /o/oauth2/token` and its aliases: a code or a refresh token in, an access token out (RFC 6749 section 3.2).
 * Never throws; what goes wrong becomes an answer.
 */
export async function tokenDoor(request: Request, peer: Peer, deps: TokenDoorDeps): Promise<Response> {
  if (request.method === 'OPTIONS') return preflight('POST');
  if (request.method !== 'POST') {
    return errorAnswer('invalid_request', 'Send a POST.', { status: 405, headers: { Allow: 'POST' } });
  }
  try {
    deps.addresses.assert(peer.address, 'Too many calls from this address.');
    const parameters = readParameters(request, await readText(request, deps.clock, bounds.bodyBytes));
    return await grantToken(request, parameters, deps);
  } catch (thrown) {
    const refusal = refusalIn(thrown);
    if (refusal === undefined) return trouble(asReveilleError(rootOf(thrown)), peer, deps);
    deps.events.refused('token', refusal.code, refusal.hint, peer.address);
    return errorAnswer(refusal.code, refusal.hint, refusal);
  }
}

/** The type is not looked at unless it says JSON: many senders of the time sent none, or a wrong one (reference 3.2). */
function readParameters(request: Request, body: string): Parameters {
  const isJson = (request.headers.get('content-type') ?? '').toLowerCase().startsWith('application/json');
  const parameters = isJson ? readJson(body) : readForm(body);
  if (parameters === undefined)
    throw new TokenRefusal('invalid_request', 'The body is not one JSON object of texts.');
  const [twice] = parameters.repeated;
  if (twice !== undefined)
    throw new TokenRefusal('invalid_request', `The parameter ${twice} came more than once.`);
  return parameters;
}

const grantTypes: ReadonlySet<string> = new Set(['authorization_code', 'refresh_token']);

async function grantToken(request: Request, parameters: Parameters, deps: TokenDoorDeps): Promise<Response> {
  const body = parameters.all();
  // The library knows more of them than we give to anyone.
  if (body.grant_type && !grantTypes.has(body.grant_type)) {
    throw new TokenRefusal('unsupported_grant_type', 'grant_type is authorization_code or refresh_token.');
  }
  // Google's Python library sends a scope here; the scope of a token is that of its consent.
  delete body.scope;
  const model = new TokenModel(deps, parameters.get('redirect_uri'));
  const server = new OAuth2Server({
    model,
    accessTokenLifetime: bounds.accessTokenSeconds,
    alwaysIssueNewRefreshToken: false,
    requireClientAuthentication: { authorization_code: false },
  });
  const authorization = request.headers.get('authorization');
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    // The library asks whether there is a body at all; it has been read already.
    'content-length': '1',
    ...(authorization === null ? {} : { authorization }),
  };
  await server.token(
    new OAuth2Server.Request({ method: 'POST', headers, query: {}, body }),
    new OAuth2Server.Response(),
  );
  if (model.answer === undefined) throw new Error('the library answered without a token');
  return tokenAnswer(model.answer);
}

interface Refused {
  readonly code: OAuthErrorCode;
  readonly hint: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const known: ReadonlySet<string> = new Set<OAuthErrorCode>([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
]);

/** A refusal of ours or of the library's; undefined when something else happened. */
function refusalIn(thrown: unknown): Refused | undefined {
  const root = rootOf(thrown);
  if (root instanceof TokenRefusal) return { code: root.code, hint: root.message, status: 400 };
  if (!(thrown instanceof OAuth2Server.OAuthError) || !known.has(thrown.name)) return undefined;
  const code = thrown.name as OAuthErrorCode;
  // RFC 6749 section 5.2; the header only when the client tried it this way, else browsers would ask for a password.
  if (code !== 'invalid_client') return { code, hint: thrown.message, status: 400 };
  const headers = thrown.code === 401 ? { 'WWW-Authenticate': 'Basic realm="reveille"' } : {};
  return { code, hint: thrown.message, status: 401, headers };
}

/** The library wraps what our model throws; the first cause is what happened. */
function rootOf(thrown: unknown): unknown {
  if (thrown instanceof OAuth2Server.OAuthError && 'inner' in thrown && thrown.inner !== undefined)
    return rootOf(thrown.inner);
  return thrown;
}

/** Trouble that says nothing of the credentials. What we did not foresee is a 503: the sender keeps what it holds. */
function trouble(error: ReveilleError, peer: Peer, deps: TokenDoorDeps): Response {
  deps.events.refused('token', error.code, error.detail, peer.address);
  if (error.code === 'rate-limited' && deps.compat2013) return lockOutPage();
  if (error.status < 500) return plainAnswer(error.status, error.sentence, error.facts.retryAfterSeconds);
  deps.events.failed('token', error.cause ?? error);
  return plainAnswer(503, 'The service is not available now. Send again later; nothing was lost.', 10);
}
