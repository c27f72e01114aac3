import { Hono } from 'hono';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { tokenField } from '../pages/form.tsx';
import { onward, render, seeOther } from '../pages/render.tsx';
import { localPath } from './local-path.ts';
import { fromOf, type PageContext, type PageEnv, PageGuard, readForm } from './page-guard.ts';
import type { AskingApp, RouteDeps } from './route-deps.ts';
import { type Again, ChoosePage, SignInPage, SignUpPage, type SignUpValues } from './sign-in-pages.tsx';
import { Visitors } from './visitor.ts';

/**
 * Sign-in, sign-up, sign-out and the account chooser.
 * These pages are shown in the window of an app's sign-in, and Chromium ends that window at any 4xx or 5xx page: so
 * whatever goes wrong here is answered with 200, the form and a message.
 */
export function signInRoutes(deps: RouteDeps): Hono<PageEnv> {
  const room = new SignInRoom(deps);
  const guard = new PageGuard(deps);
  const routes = new Hono<PageEnv>();
  routes.get('/accounts/sign-in', (c) => room.showSignIn(c));
  routes.post('/accounts/sign-in', (c) => room.signIn(c));
  routes.get('/accounts/sign-up', (c) => room.showSignUp(c));
  routes.post('/accounts/sign-up', (c) => room.signUp(c));
  routes.get('/accounts/choose', (c) => room.choose(c));
  routes.post(
    '/accounts/sign-out',
    guard.form('sign-out', async (c) =>
      seeOther('/accounts/sign-in?bye=signed-out', await deps.accounts.signOut(c.req.raw.headers)),
    ),
  );
  return routes;
}

/** What the sign-in page says to those who come from somewhere else. */
const farewells = new Map([
  ['signed-out', 'You are signed out.'],
  ['new-password', 'Your new password is set: sign in with it.'],
  ['deleted', 'Your account is deleted, and everything that hung on it.'],
]);

class SignInRoom {
  readonly #deps: RouteDeps;
  readonly #visitors: Visitors;

  constructor(deps: RouteDeps) {
    this.#deps = deps;
    this.#visitors = new Visitors(deps);
  }

  async showSignIn(c: PageContext): Promise<Response> {
    const returnTo = localPath(c.req.query('return'), this.#deps.origin);
    const email = c.req.query('email');
    try {
      const another = c.req.query('another') !== undefined;
      const visit = another ? undefined : await this.#deps.accounts.visit(c.req.raw.headers);
      if (visit !== undefined) return seeOther(returnTo ?? this.#deps.home, visit.setCookies);
      const message = farewells.get(c.req.query('bye') ?? '');
      return await this.#signInPage(c, { returnTo, email, again: { message, kind: 'success' } });
    } catch (thrown) {
      return await this.#signInPage(c, { returnTo, email, again: this.#againAfter(thrown, c) });
    }
  }

  async signIn(c: PageContext): Promise<Response> {
    let form = new URLSearchParams();
    try {
      form = await readForm(c.req.raw, this.#deps.clock);
      this.#assertOwnForm(c, 'sign-in', form);
      const before = await this.#deps.accounts.visit(c.req.raw.headers);
      const { setCookie } = await this.#deps.accounts.signIn(
        form.get('email') ?? '',
        form.get('password') ?? '',
        fromOf(c),
      );
      // The cookie of the earlier sign-in is overwritten: nobody could use or end it any more.
      if (before !== undefined) await this.#deps.accounts.endSignIn(before.account.id, before.signIn);
      return await onward(this.#targetOf(form), { title: 'You are signed in', setCookies: setCookie });
    } catch (thrown) {
      const returnTo = localPath(form.get('return'), this.#deps.origin);
      return await this.#signInPage(c, {
        returnTo,
        email: form.get('email') ?? undefined,
        again: this.#againAfter(thrown, c),
      });
    }
  }

  async #signInPage(
    c: PageContext,
    shown: { returnTo: string | undefined; email: string | undefined; again: Again },
  ): Promise<Response> {
    const { token, setCookie } = this.#visitors.greet(c.req.raw.headers, 'sign-in');
    const { accounts } = this.#deps;
    const needs = await accounts.signUp.needs().catch(() => 'impossible' as const);
    const app = await this.#askingApp(shown.returnTo);
    const page = (
      <SignInPage
        {...shown}
        token={token}
        app={app}
        maySignUp={needs !== 'impossible'}
        mayReset={accounts.resets !== undefined}
      />
    );
    return await render(page, 200, { setCookies: [setCookie] });
  }

  /** For the words on a page alone: what goes wrong here must not keep anyone from signing in. */
  async #askingApp(returnTo: string | undefined): Promise<AskingApp | undefined> {
    if (returnTo === undefined) return undefined;
    return await this.#deps.askingApp?.(returnTo).catch(() => undefined);
  }

  async showSignUp(c: PageContext): Promise<Response> {
    const returnTo = localPath(c.req.query('return'), this.#deps.origin);
    return await this.#signUpPage(c, {
      returnTo,
      values: { invite: c.req.query('invite'), email: c.req.query('email') },
      again: {},
    });
  }

  async signUp(c: PageContext): Promise<Response> {
    let form = new URLSearchParams();
    try {
      form = await readForm(c.req.raw, this.#deps.clock);
      this.#assertOwnForm(c, 'sign-up', form);
      const { setCookies } = await this.#deps.accounts.signUp.make(
        { ...valuesOf(form), password: form.get('password') ?? '' },
        fromOf(c),
      );
      return await onward(this.#targetOf(form), { title: 'Your account is ready', setCookies });
    } catch (thrown) {
      const returnTo = localPath(form.get('return'), this.#deps.origin);
      return await this.#signUpPage(c, {
        returnTo,
        values: valuesOf(form),
        again: this.#againAfter(thrown, c),
      });
    }
  }

  async #signUpPage(
    c: PageContext,
    shown: { returnTo: string | undefined; values: SignUpValues; again: Again },
  ): Promise<Response> {
    const { token, setCookie } = this.#visitors.greet(c.req.raw.headers, 'sign-up');
    const { accounts } = this.#deps;
    const [needs, count] = await Promise.all([accounts.signUp.needs(), accounts.count()]).catch(
      () => ['impossible', 1] as const,
    );
    const app = await this.#askingApp(shown.returnTo);
    const page = <SignUpPage {...shown} token={token} app={app} needs={needs} first={count === 0} />;
    return await render(page, 200, { setCookies: [setCookie] });
  }

  async choose(c: PageContext): Promise<Response> {
    const returnTo = localPath(c.req.query('return'), this.#deps.origin) ?? this.#deps.home;
    const visit = await this.#deps.accounts.visit(c.req.raw.headers).catch(() => undefined);
    if (visit === undefined)
      return seeOther(`/accounts/sign-in?${new URLSearchParams({ return: returnTo })}`);
    return await render(<ChoosePage account={visit.account} returnTo={returnTo} />, 200, {
      setCookies: visit.setCookies,
    });
  }

  #targetOf(form: URLSearchParams): string {
    return localPath(form.get('return'), this.#deps.origin) ?? this.#deps.home;
  }

  #assertOwnForm(c: PageContext, purpose: string, form: URLSearchParams): void {
    if (!this.#visitors.recognises(c.req.raw.headers, purpose, form.get(tokenField)))
      throw new ReveilleError('form-stale');
  }

  #againAfter(thrown: unknown, c: PageContext): Again {
    return againAfter(thrown, c, this.#deps);
  }
}

/** What a form says after `thrown`; what we did not foresee is told to the operator. */
export function againAfter(thrown: unknown, c: PageContext, { events }: Pick<RouteDeps, 'events'>): Again {
  const error = asReveilleError(thrown);
  if (error.code === 'internal') events.failed('accounts', thrown);
  else events.refused('accounts', error.code, undefined, c.env.peer.address);
  return { message: messageOf(error), field: error.facts.location };
}

function messageOf(error: ReveilleError): string {
  const { code, detail, facts } = error;
  if (code === 'rate-limited')
    return `Too many tries. Wait ${facts.retryAfterSeconds ?? 60} seconds, then try again.`;
  if (code === 'form-stale')
    return 'This form was open too long, or cookies are off. Please send it once more.';
  if (code === 'internal') return 'Something went wrong on our side. Please try again.';
  return (code === 'input-invalid' || code === 'forbidden') && detail !== undefined ? detail : error.sentence;
}

const valuesOf = (form: URLSearchParams) => ({
  name: form.get('name') ?? '',
  email: form.get('email')?.trim() ?? '',
  invite: form.get('invite') ?? undefined,
  setupCode: form.get('setupCode') ?? undefined,
});
