import { Hono } from 'hono';
import { asReveilleError, type ReveilleError } from '../../protocol/errors.ts';
import { systemClock } from '../core/clock.ts';
import { googleError } from '../doors/google-answer.ts';
import { renderError } from '../pages/render.tsx';
import { accountApiRoutes } from './api-routes.ts';
import { apiPath } from './auth.ts';
import { inviteRoutes } from './invite-routes.tsx';
import { ownAccountRoutes } from './own-account-routes.tsx';
import type { PageContext, PageEnv } from './page-guard.ts';
import { passwordResetRoutes } from './password-reset-routes.tsx';
import { peopleRoutes } from './people-routes.tsx';
import type { RouteDeps } from './route-deps.ts';
import { signInRoutes } from './sign-in-routes.tsx';

/** Deps of `accountRoutes`: clock, randomness and home have defaults. */
export type AccountRouteDeps = Omit<RouteDeps, 'clock' | 'random' | 'home'> &
  Partial<Pick<RouteDeps, 'clock' | 'random' | 'home'>>;

/** Everything under `/accounts`: pages for people, JSON for programs. */
export function accountRoutes(given: AccountRouteDeps): Hono<PageEnv> {
  const deps: RouteDeps = {
    clock: systemClock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    home: '/console',
    ...given,
  };
  const routes = new Hono<PageEnv>();
  for (const part of [
    signInRoutes,
    passwordResetRoutes,
    ownAccountRoutes,
    peopleRoutes,
    inviteRoutes,
    accountApiRoutes,
  ])
    routes.route('/', part(deps));
  routes.onError((thrown, c) => refuse(asReveilleError(thrown), thrown, c, deps));
  return routes;
}

/** A refusal as JSON for programs, as a page for people. */
async function refuse(
  error: ReveilleError,
  thrown: unknown,
  c: PageContext,
  { accounts, events }: RouteDeps,
): Promise<Response> {
  if (error.status >= 500) events.failed('accounts', thrown);
  else events.refused('accounts', error.code, error.facts.location, c.env.peer.address);
  if (c.req.path.startsWith(apiPath) || c.req.path.startsWith('/accounts/operator/'))
    return googleError(error);
  const account = await accounts.signedIn(c.req.raw.headers).catch(() => undefined);
  return await renderError(error, account && accounts.viewer(account), '/accounts');
}
