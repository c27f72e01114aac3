import type { Hono } from 'hono';
import type { PageEnv } from './accounts/page-guard.ts';
import type { Ground } from './foundation.ts';
import type { Rooms } from './people.ts';
import type { Dispatch } from './playground/exchange.ts';
import { playgroundRoutes } from './playground/routes.ts';

/** `/oauthplayground`: `dispatch` is this server's own front, which is open once all rooms are. */
export function playgroundOf(
  { world, secrets, core }: Ground,
  { accounts }: Rooms,
  origin: string,
  dispatch: Dispatch,
): Hono<PageEnv> {
  return playgroundRoutes({
    ...world,
    secrets,
    origin,
    accounts,
    dispatch,
    channelOf: async (account) => (await core.receiving.apps(account))[0]?.channel.id ?? '',
  });
}
