import { Hono } from 'hono';
import { ReveilleError } from '../../protocol/errors.ts';
import { render, seeOther } from '../pages/render.tsx';
import type { Visit } from './account.ts';
import { formToken } from './form-token.ts';
import { type PageEnv, PageGuard } from './page-guard.ts';
import { InvitesPage } from './people-pages.tsx';
import type { RouteDeps } from './route-deps.ts';

/** `/accounts/invites`: makes, lists and withdraws invites. For the administrator. */
export function inviteRoutes(deps: RouteDeps): Hono<PageEnv> {
  const { accounts } = deps;
  const guard = new PageGuard(deps, 'administrator');
  const routes = new Hono<PageEnv>();

  const show = async ({ account }: Visit, made?: string): Promise<Response> => {
    const token = formToken(deps.secrets, account.id, 'invites', deps.clock);
    const props = {
      viewer: accounts.viewer(account),
      invites: await accounts.invites.list(),
      now: deps.clock.now(),
    };
    const useful = (await accounts.signUp.needs()) === 'invite';
    return await render(<InvitesPage {...props} token={token} made={made} useful={useful} />);
  };
  routes.get(
    '/accounts/invites',
    guard.page((_, visit) => show(visit)),
  );
  routes.post(
    '/accounts/invites',
    guard.form('invites', async (_, visit, form) => {
      const code = await accounts.invites.create(form.get('email'));
      return await show(visit, `${deps.origin}/accounts/sign-up?${new URLSearchParams({ invite: code })}`);
    }),
  );
  routes.post(
    '/accounts/invites/withdraw',
    guard.form('invites', async (_, __, form) => {
      if (await accounts.invites.withdraw(form.get('id') ?? '')) return seeOther('/accounts/invites');
      throw new ReveilleError('not-found', 'The invite is used or withdrawn already.');
    }),
  );
  return routes;
}
