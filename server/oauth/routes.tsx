import { Hono } from 'hono';
import { asReveilleError } from '../../protocol/errors.ts';
import type { Accounts } from '../accounts/face.ts';
import type { PageContext, PageEnv } from '../accounts/page-guard.ts';
import type { Secrets } from '../config/secrets.ts';
import type { AppOwners, WasRemoved } from '../core/app-owners.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { renderError } from '../pages/render.tsx';
import { AuthorizationDoor } from './authorization-door.tsx';
import { bounds } from './bounds.ts';
import { connectionsRoutes } from './connections.tsx';
import { revokeDoor, tokenInfoDoor } from './token-affairs.ts';
import { type TokenDoorDeps, tokenDoor } from './token-door.ts';

export interface OAuthRoutesDeps extends Omit<TokenDoorDeps, 'repeats' | 'issues' | 'addresses'> {
  readonly secrets: Secrets;
  readonly accounts: Accounts;
  readonly owners: AppOwners;
  readonly wasRemoved: WasRemoved;
}

/** Google's paths of the time, and the aliases that real senders use (reference 3.2, 3.3). */
export const oauthPaths = {
  authorization: ['/o/oauth2/auth', '/o/oauth2/v2/auth'],
  token: ['/o/oauth2/token', '//o/oauth2/token', '/token', '/oauth2/v4/token'],
  /** A POST here is a token request of a sender that followed a misprint in the guide; a GET never was anything. */
  misprint: '/o/auth2/auth',
  revoke: ['/o/oauth2/revoke', '/revoke'],
  tokenInfo: ['/oauth2/v1/tokeninfo', '/tokeninfo'],
  /** Named by `client_secrets.json`. No token here is signed with a certificate, so the set is empty. */
  certificates: '/oauth2/v1/certs',
} as const;

/** Every door and page of the room. */
export function oauthRoutes(deps: OAuthRoutesDeps): Hono<PageEnv> {
  const minute = 60_000;
  const limited = {
    ...deps,
    addresses: new RateLimit(deps.clock, bounds.callsPerAddressAndMinute, minute),
    repeats: new RateLimit(
      deps.clock,
      bounds.repeatsAtOnce,
      (bounds.repeatsAtOnce / bounds.repeatsPerMinute) * minute,
    ),
    issues: new RateLimit(deps.clock, bounds.issuesPerHour, 60 * minute),
  };
  const authorization = new AuthorizationDoor(deps);
  const routes = new Hono<PageEnv>();
  for (const path of oauthPaths.authorization) {
    routes.get(path, (c) => authorization.ask(new URL(c.req.url).search, c.req.raw.headers, c.env.peer));
    routes.post(path, (c) => authorization.decide(c.req.raw, c.env.peer));
  }
  for (const path of [...oauthPaths.token, oauthPaths.misprint]) {
    routes.all(path, (c) => tokenDoor(c.req.raw, c.env.peer, limited));
  }
  for (const path of oauthPaths.revoke) routes.all(path, (c) => revokeDoor(c.req.raw, c.env.peer, limited));
  for (const path of oauthPaths.tokenInfo)
    routes.all(path, (c) => tokenInfoDoor(c.req.raw, c.env.peer, limited));
  routes.get(oauthPaths.certificates, (c) => c.json({}));
  routes.route('/', connectionsRoutes(deps));
  routes.onError((thrown, c) => pageError(thrown, c, deps));
  return routes;
}

/** A page that failed. In the window of an app's sign-in no answer may be an error: Chromium would close it. */
async function pageError(thrown: Error, c: PageContext, deps: OAuthRoutesDeps): Promise<Response> {
  const error = asReveilleError(thrown);
  if (error.status >= 500) deps.events.failed('oauth', thrown);
  deps.events.refused('oauth', error.code, error.detail, c.env.peer.address);
  const response = await renderError(error, undefined, '/connections');
  const isSignIn = oauthPaths.authorization.some((path) => path === c.req.path);
  return isSignIn ? new Response(response.body, { status: 200, headers: response.headers }) : response;
}
