import type { Context, Handler } from 'hono';
import { ReveilleError } from '../../protocol/errors.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { readText } from '../doors/body.ts';
import type { Peer } from '../doors/peer.ts';
import { tokenField } from '../pages/form.tsx';
import { seeOther } from '../pages/render.tsx';
import type { From, Visit } from './account.ts';
import type { Accounts } from './face.ts';
import { checkFormToken, type FormSecrets } from './form-token.ts';
import { signInPath } from './local-path.ts';

/** What main hands to every Hono app. */
export interface PageEnv {
  Bindings: { peer: Peer };
}

export type PageContext = Context<PageEnv>;

interface GuardDeps {
  readonly accounts: Pick<Accounts, 'visit'>;
  readonly secrets: FormSecrets;
  readonly clock?: Clock | undefined;
}

/** Whose pages these are: of everyone with an account, or of the administrator. */
type Who = 'anyone' | 'administrator';

/** Wraps the handlers of pages and forms, so that none runs for a stranger or for a forged form. */
export class PageGuard {
  readonly #deps: GuardDeps;
  readonly #clock: Clock;
  readonly #who: Who;

  constructor(deps: GuardDeps, who: Who = 'anyone') {
    this.#deps = deps;
    this.#who = who;
    this.#clock = deps.clock ?? systemClock;
  }

  /** A page for people who are signed in: others sign in first and come back. Renews the sign-in. */
  page(handler: (c: PageContext, visit: Visit) => Promise<Response>): Handler<PageEnv> {
    return async (c) => {
      const visit = await this.#deps.accounts.visit(c.req.raw.headers);
      if (visit === undefined) return seeOther(signInPath(pathOf(c)));
      assertMay(visit, this.#who);
      const response = await handler(c, visit);
      for (const cookie of visit.setCookies) response.headers.append('Set-Cookie', cookie);
      return response;
    };
  }

  /**
   * The answer to a form whose token was made for the account and `purpose`.
   * @throws `form-stale` when it was not, `forbidden` when nobody is signed in
   */
  form(
    purpose: string,
    handler: (c: PageContext, visit: Visit, form: URLSearchParams) => Promise<Response>,
  ): Handler<PageEnv> {
    return async (c) => {
      const visit = await this.#deps.accounts.visit(c.req.raw.headers);
      if (visit === undefined) throw new ReveilleError('forbidden', 'You are no longer signed in.');
      assertMay(visit, this.#who);
      const form = await readForm(c.req.raw, this.#clock);
      const token = form.get(tokenField);
      if (!checkFormToken(this.#deps.secrets, visit.account.id, purpose, token, this.#clock))
        throw new ReveilleError('form-stale');
      return await handler(c, visit, form);
    };
  }
}

function assertMay(visit: Visit, who: Who): void {
  if (who === 'administrator' && visit.account.role !== 'administrator') {
    throw new ReveilleError('forbidden', 'Only the administrator may see this.');
  }
}

/** Reads an urlencoded form of at most 16 KiB; a body of another kind is an empty form. */
export async function readForm(request: Request, clock: Clock): Promise<URLSearchParams> {
  const type = request.headers.get('content-type') ?? '';
  if (!type.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams();
  return new URLSearchParams(await readText(request, clock, 16_384));
}

/** The address and the program behind a request. */
export const fromOf = (c: PageContext): From => ({
  address: c.env.peer.address,
  userAgent: c.req.header('user-agent') ?? '',
});

function pathOf(c: PageContext): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}
