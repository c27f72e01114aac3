import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { ReveilleError } from '../../protocol/errors.ts';
import { tokenField } from '../pages/form.tsx';
import { render, seeOther } from '../pages/render.tsx';
import { localPath } from './local-path.ts';
import { fromOf, type PageContext, type PageEnv, readForm } from './page-guard.ts';
import { AskResetPage, NewPasswordPage, ResetSentPage } from './password-reset-pages.tsx';
import { NEW_PASSWORD_PATH, type PasswordResets } from './password-resets.ts';
import type { RouteDeps } from './route-deps.ts';
import type { Again } from './sign-in-pages.tsx';
import { againAfter } from './sign-in-routes.tsx';
import { Visitors } from './visitor.ts';

const ASK_PATH = '/accounts/forgot-password';

/** Pages for those who forgot their password; there are none where no mail is sent. */
export function passwordResetRoutes(deps: RouteDeps): Hono<PageEnv> {
  const routes = new Hono<PageEnv>();
  const { resets } = deps.accounts;
  if (resets === undefined) return routes;
  const room = new ResetRoom(deps, resets);
  routes.get(ASK_PATH, (c) => room.showAsk(c, { returnTo: localPath(c.req.query('return'), deps.origin) }));
  routes.post(ASK_PATH, (c) => room.ask(c));
  routes.get(NEW_PASSWORD_PATH, (c) => room.showChoose(c, c.req.query('token') ?? ''));
  routes.post(NEW_PASSWORD_PATH, (c) => room.choose(c));
  return routes;
}

interface Asking {
  readonly returnTo: string | undefined;
  readonly email?: string | undefined;
  readonly again?: Again;
}

class ResetRoom {
  readonly #deps: RouteDeps;
  readonly #resets: PasswordResets;
  readonly #visitors: Visitors;

  constructor(deps: RouteDeps, resets: PasswordResets) {
    this.#deps = deps;
    this.#resets = resets;
    this.#visitors = new Visitors(deps);
  }

  async showAsk(c: PageContext, shown: Asking): Promise<Response> {
    return await this.#page(c, ASK_PATH, (token) => <AskResetPage token={token} {...shown} />);
  }

  async ask(c: PageContext): Promise<Response> {
    let form = new URLSearchParams();
    const returnTo = () => localPath(form.get('return'), this.#deps.origin);
    try {
      form = await readForm(c.req.raw, this.#deps.clock);
      this.#assertOwnForm(c, ASK_PATH, form);
      const email = form.get('email')?.trim() ?? '';
      this.#resets.ask(email, fromOf(c));
      return await render(<ResetSentPage returnTo={returnTo()} email={email} />, 200);
    } catch (thrown) {
      const email = form.get('email') ?? undefined;
      return await this.showAsk(c, { returnTo: returnTo(), email, again: againAfter(thrown, c, this.#deps) });
    }
  }

  async showChoose(c: PageContext, link: string, again: Again = {}): Promise<Response> {
    return await this.#page(c, NEW_PASSWORD_PATH, (token) => (
      <NewPasswordPage token={token} link={link} again={again} />
    ));
  }

  async choose(c: PageContext): Promise<Response> {
    let link = '';
    try {
      const form = await readForm(c.req.raw, this.#deps.clock);
      link = form.get('link') ?? '';
      this.#assertOwnForm(c, NEW_PASSWORD_PATH, form);
      await this.#resets.use(link, form.get('password') ?? '', fromOf(c));
      return seeOther('/accounts/sign-in?bye=new-password');
    } catch (thrown) {
      return await this.showChoose(c, link, againAfter(thrown, c, this.#deps));
    }
  }

  async #page(c: PageContext, purpose: string, page: (token: string) => JSX.Element): Promise<Response> {
    const { token, setCookie } = this.#visitors.greet(c.req.raw.headers, purpose);
    return await render(page(token), 200, { setCookies: [setCookie] });
  }

  #assertOwnForm(c: PageContext, purpose: string, form: URLSearchParams): void {
    if (!this.#visitors.recognises(c.req.raw.headers, purpose, form.get(tokenField)))
      throw new ReveilleError('form-stale');
  }
}
