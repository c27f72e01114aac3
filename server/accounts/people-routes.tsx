import { Hono } from 'hono';
import { render, seeOther } from '../pages/render.tsx';
import { formToken } from './form-token.ts';
import { type PageEnv, PageGuard } from './page-guard.ts';
import { PeoplePage } from './people-pages.tsx';
import type { RouteDeps } from './route-deps.ts';

const doneWords = new Map([
  ['disabled', 'The account is disabled: it is signed out everywhere, and its tokens are refused.'],
  ['enabled', 'The account may sign in again.'],
]);

/** `/accounts/people`: who has an account, and who may use it. For the administrator. */
export function peopleRoutes(deps: RouteDeps): Hono<PageEnv> {
  const { accounts } = deps;
  const guard = new PageGuard(deps, 'administrator');
  const routes = new Hono<PageEnv>();

  routes.get(
    '/accounts/people',
    guard.page(async (c, { account }) => {
      const token = formToken(deps.secrets, account.id, 'people', deps.clock);
      const done = doneWords.get(c.req.query('done') ?? '');
      const props = { viewer: accounts.viewer(account), people: await accounts.people(), self: account.id };
      return await render(<PeoplePage {...props} token={token} done={done} />);
    }),
  );
  routes.post(
    '/accounts/people/disable',
    guard.form('people', async (_, { account }, form) => {
      await accounts.disable(form.get('id') ?? '', account.id);
      return seeOther('/accounts/people?done=disabled');
    }),
  );
  routes.post(
    '/accounts/people/enable',
    guard.form('people', async (_, { account }, form) => {
      await accounts.enable(form.get('id') ?? '', account.id);
      return seeOther('/accounts/people?done=enabled');
    }),
  );
  return routes;
}
