import { Hono } from 'hono';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { render, seeOther } from '../pages/render.tsx';
import type { Account } from './account.ts';
import { formToken } from './form-token.ts';
import { type PageEnv, PageGuard } from './page-guard.ts';
import { PeoplePage, RolePage } from './people-pages.tsx';
import type { RouteDeps } from './route-deps.ts';

const doneWords = new Map([
  ['disabled', 'The account is disabled: it is signed out everywhere, and its tokens are refused.'],
  ['enabled', 'The account may sign in again.'],
  ['role', 'The account has this role from now on.'],
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
  roleRoutes(routes, deps, guard);
  return routes;
}

/** Handing the role of administrator on, or taking it back: the password is asked, as an open browser must not be enough. */
function roleRoutes(routes: Hono<PageEnv>, { accounts, secrets, clock }: RouteDeps, guard: PageGuard): void {
  const find = async (id: string): Promise<Account> => {
    const person = await accounts.find(id);
    if (person === undefined) throw new ReveilleError('not-found', 'There is no such account.');
    return person;
  };
  const draw = async (account: Account, person: Account, fault?: string): Promise<Response> => {
    const props = { viewer: accounts.viewer(account), person, self: account.id, fault };
    const token = formToken(secrets, account.id, 'role', clock);
    return await render(<RolePage {...props} token={token} />, fault === undefined ? 200 : 400);
  };
  routes.get(
    '/accounts/people/role/:id',
    guard.page(async (c, { account }) => await draw(account, await find(c.req.param('id') ?? ''))),
  );
  routes.post(
    '/accounts/people/role',
    guard.form('role', async (_, { account }, form) => {
      const person = await find(form.get('id') ?? '');
      const role = form.get('role') === 'administrator' ? 'administrator' : 'user';
      if (!(await accounts.checkPassword(account.id, form.get('password') ?? '')))
        return await draw(account, person, 'That is not the password of your account.');
      try {
        await accounts.setRole(person.id, role, account.id);
      } catch (thrown) {
        const error = asReveilleError(thrown);
        if (error.code !== 'input-invalid') throw error;
        return await draw(account, person, error.detail ?? error.sentence);
      }
      // Who gave up the role has no list of people any more.
      const gaveUp = person.id === account.id && role === 'user';
      return seeOther(gaveUp ? '/accounts' : '/accounts/people?done=role');
    }),
  );
}
