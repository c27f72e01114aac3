import { Hono } from 'hono';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { render, seeOther } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import type { Visit } from './account.ts';
import { formToken } from './form-token.ts';
import { AccountPage, DeletePage } from './own-account-page.tsx';
import { fromOf, type PageContext, type PageEnv, PageGuard } from './page-guard.ts';
import type { RouteDeps } from './route-deps.ts';

/** `/accounts`: what everyone may do with their own account. */
export function ownAccountRoutes(deps: RouteDeps): Hono<PageEnv> {
  const room = new OwnAccountRoom(deps);
  const guard = new PageGuard(deps);
  const routes = new Hono<PageEnv>();
  routes.get(
    '/accounts',
    guard.page((c, visit) => room.show(c, visit)),
  );
  routes.post(
    '/accounts/password',
    guard.form('password', (c, visit, form) => room.changePassword(c, visit, form)),
  );
  routes.post(
    '/accounts/sign-ins/end',
    guard.form('sign-ins', (_, visit, form) => room.endSignIn(visit, form)),
  );
  routes.post(
    '/accounts/export',
    guard.form('export', (_, visit) => room.export(visit)),
  );
  routes.get(
    '/accounts/delete',
    guard.page((_, visit) => room.askToDelete(visit)),
  );
  routes.post(
    '/accounts/delete',
    guard.form('delete', (c, visit, form) => room.delete(c, visit, form)),
  );
  return routes;
}

const doneWords = new Map([
  ['password', 'The password is changed, and every other sign-in has ended.'],
  ['ended', 'The sign-in has ended.'],
]);

class OwnAccountRoom {
  readonly #deps: RouteDeps;

  constructor(deps: RouteDeps) {
    this.#deps = deps;
  }

  async show(c: PageContext, visit: Visit, passwordError?: string, status = 200): Promise<Response> {
    const { account, signIn } = visit;
    const page = (
      <AccountPage
        account={account}
        viewer={this.#deps.accounts.viewer(account)}
        signIns={await this.#deps.accounts.signIns(account.id)}
        here={signIn}
        tokens={{
          password: this.#token(visit, 'password'),
          signIns: this.#token(visit, 'sign-ins'),
          export: this.#token(visit, 'export'),
        }}
        done={doneWords.get(c.req.query('done') ?? '')}
        passwordError={passwordError}
      />
    );
    return await render(page, status);
  }

  async changePassword(c: PageContext, visit: Visit, form: URLSearchParams): Promise<Response> {
    const current = form.get('current') ?? '';
    const next = form.get('next') ?? '';
    try {
      const setCookies = await this.#deps.accounts.changePassword(
        c.req.raw.headers,
        current,
        next,
        fromOf(c),
      );
      return seeOther('/accounts?done=password', setCookies);
    } catch (thrown) {
      const error = asReveilleError(thrown);
      if (error.code === 'internal') throw thrown;
      const message =
        error.code === 'credentials-wrong'
          ? 'The current password is not right.'
          : (error.detail ?? error.sentence);
      return await this.show(c, visit, message, error.code === 'rate-limited' ? 429 : 400);
    }
  }

  async endSignIn(visit: Visit, form: URLSearchParams): Promise<Response> {
    const which = form.get('which') ?? '';
    if (which === 'others') await this.#deps.accounts.endOtherSignIns(visit.account.id, visit.signIn);
    else if (!(await this.#deps.accounts.endSignIn(visit.account.id, which))) {
      throw new ReveilleError('not-found', 'This sign-in has ended already.');
    }
    return seeOther('/accounts?done=ended');
  }

  async export(visit: Visit): Promise<Response> {
    const text = JSON.stringify(await this.#deps.accounts.export(visit.account.id), null, 2);
    return new Response(`${text}\n`, {
      headers: {
        ...securityHeaders,
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Disposition': 'attachment; filename="reveille-account.json"',
        'Cache-Control': 'no-store',
      },
    });
  }

  async askToDelete(visit: Visit, error?: string, status = 200): Promise<Response> {
    const viewer = this.#deps.accounts.viewer(visit.account);
    const token = this.#token(visit, 'delete');
    return await render(
      <DeletePage viewer={viewer} email={visit.account.email} token={token} error={error} />,
      status,
    );
  }

  async delete(c: PageContext, visit: Visit, form: URLSearchParams): Promise<Response> {
    const { accounts } = this.#deps;
    try {
      if (!(await accounts.checkPassword(visit.account.id, form.get('password') ?? ''))) {
        return await this.askToDelete(visit, 'That is not your password.', 400);
      }
      await accounts.delete(visit.account.id);
    } catch (thrown) {
      const error = asReveilleError(thrown);
      if (error.code === 'internal') throw thrown;
      return await this.askToDelete(visit, error.detail ?? error.sentence, error.status);
    }
    return seeOther('/accounts/sign-in?bye=deleted', await accounts.signOut(c.req.raw.headers));
  }

  #token(visit: Visit, purpose: string): string {
    return formToken(this.#deps.secrets, visit.account.id, purpose, this.#deps.clock);
  }
}
