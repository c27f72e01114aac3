import type { Handler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import type { Accounts } from '../accounts/face.ts';
import { checkFormToken, type FormSecrets, formToken } from '../accounts/form-token.ts';
import { signInPath } from '../accounts/local-path.ts';
import type { PageContext, PageEnv } from '../accounts/page-guard.ts';
import type { Clock } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Events } from '../observe/events.ts';
import { tokenField } from '../pages/form.tsx';
import { render, renderError, seeOther } from '../pages/render.tsx';
import { refusalPage } from './frame.tsx';
import type { Visit } from './visit.ts';

export type ConsoleEnv = PageEnv;
export type ConsoleContext = PageContext;

/** The fields of a form that was sent. */
export class Fields {
  readonly #values: FormData;

  constructor(values: FormData = new FormData()) {
    this.#values = values;
  }

  /** The text of a field; empty when it was not sent. */
  text(name: string): string {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : '';
  }

  checked(name: string): boolean {
    return this.text(name) !== '';
  }

  /** The bytes of an uploaded file; undefined when none was chosen. */
  async file(name: string): Promise<Uint8Array | undefined> {
    const value = this.#values.get(name);
    return value === null || typeof value === 'string' || value.size === 0
      ? undefined
      : new Uint8Array(await value.arrayBuffer());
  }
}

export interface FormAnswer {
  /** Draws the form again with what was sent and the sentence that says what is wrong. */
  readonly again?: (visit: Visit, c: ConsoleContext, sent: Fields, fault: string) => Promise<JSX.Element>;
  /** Most bytes of the body; more than the usual only where files are sent. */
  readonly maxBytes?: number;
}

const FORM_BYTES = 64 * 1024;
/** People click slower; a script that holds a cookie is held back. */
const FORMS_PER_MINUTE = 120;

/** What every page and form of the console shares: who is there, what may be sent, how a refusal looks. */
export class Desk {
  readonly #deps: { accounts: Accounts; secrets: FormSecrets; clock: Clock; events: Events };
  readonly #forms: RateLimit;

  constructor(deps: {
    readonly accounts: Accounts;
    readonly secrets: FormSecrets;
    readonly clock: Clock;
    readonly events: Events;
  }) {
    this.#deps = deps;
    this.#forms = new RateLimit(deps.clock, FORMS_PER_MINUTE, 60_000);
  }

  /** A page for who is signed in; anyone else is sent to sign in first and comes back. */
  page(draw: (visit: Visit, c: ConsoleContext) => Promise<JSX.Element | Response>): Handler<ConsoleEnv> {
    return async (c) => {
      const entered = await this.#enter(c);
      if (entered === undefined) return toSignIn(c);
      try {
        const drawn = await draw(entered.visit, c);
        return drawn instanceof Response
          ? drawn
          : await render(drawn, 200, { setCookies: entered.setCookies });
      } catch (thrown) {
        return await this.#refuse(thrown, entered.visit);
      }
    };
  }

  /**
   * A form for who is signed in. It must carry the token that was made for this account and this address.
   * @param act does the work and answers the path of the page to show next, or a whole answer
   */
  form(
    act: (visit: Visit, c: ConsoleContext, sent: Fields) => Promise<string | Response | JSX.Element>,
    { again, maxBytes = FORM_BYTES }: FormAnswer = {},
  ): [Handler<ConsoleEnv>, Handler<ConsoleEnv>] {
    const bounded = bodyLimit({
      maxSize: maxBytes,
      onError: async () => await renderError(tooLarge(maxBytes), undefined, '/console'),
    });
    const handler: Handler<ConsoleEnv> = async (c) => {
      const entered = await this.#enter(c);
      if (entered === undefined) return toSignIn(c);
      const { visit, setCookies } = entered;
      let sent: Fields | undefined;
      try {
        sent = await this.#read(c, visit);
        const answer = await act(visit, c, sent);
        if (typeof answer === 'string') return seeOther(answer, setCookies);
        return answer instanceof Response ? answer : await render(answer, 200, { setCookies });
      } catch (thrown) {
        const error = asReveilleError(thrown);
        if (again === undefined || sent === undefined || !mendable.has(error.code))
          return await this.#refuse(thrown, visit);
        return await render(await again(visit, c, sent, faultOf(error)), error.status, { setCookies });
      }
    };
    return [bounded as Handler<ConsoleEnv>, handler];
  }

  /** Who is signed in, for the pages that strangers see too. */
  async visitor(c: ConsoleContext): Promise<{ visit: Visit; setCookies: readonly string[] } | undefined> {
    return await this.#enter(c);
  }

  async #enter(c: ConsoleContext): Promise<{ visit: Visit; setCookies: readonly string[] } | undefined> {
    const { accounts, secrets, clock } = this.#deps;
    const found = await accounts.visit(c.req.raw.headers);
    if (found === undefined) return undefined;
    const { account } = found;
    const visit: Visit = {
      account,
      viewer: accounts.viewer(account),
      path: c.req.path,
      done: c.req.query('done'),
      token: (action) => formToken(secrets, account.id, action, clock),
    };
    return { visit, setCookies: found.setCookies };
  }

  async #read(c: ConsoleContext, visit: Visit): Promise<Fields> {
    const { secrets, clock } = this.#deps;
    this.#forms.assert(visit.account.id, 'Too many forms in a minute.');
    const values = await c.req.formData().catch(() => new FormData());
    if (!checkFormToken(secrets, visit.account.id, visit.path, values.get(tokenField), clock))
      throw new ReveilleError('form-stale');
    return new Fields(values);
  }

  async #refuse(thrown: unknown, visit: Visit): Promise<Response> {
    const error = asReveilleError(thrown);
    if (error.code === 'internal') this.#deps.events.failed(`console ${visit.path}`, thrown);
    const { retryAfterSeconds } = error.facts;
    return await render(refusalPage(visit, error), error.status, {
      headers: retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) },
    });
  }
}

/** Refusals that the person at the form can mend there. */
const mendable: ReadonlySet<string> = new Set([
  'input-invalid',
  'package-invalid',
  'manifest-invalid',
  'version-too-low',
  'key-foreign',
  'key-missing',
  'draft-missing',
  'credentials-wrong',
  'rate-limited',
  'channel-invalid',
  'subchannel-invalid',
  'subchannel-unknown',
  'payload-invalid',
  'payload-too-long',
  'app-not-owned',
  'app-unproven',
  'api-off',
  'quota-exceeded',
  'store-full',
  'unavailable',
]);

/** In a form the detail says all; what has none speaks its whole sentence. */
function faultOf(error: ReveilleError): string {
  return error.code === 'input-invalid' && error.detail !== undefined ? error.detail : error.sentence;
}

function tooLarge(maxBytes: number): ReveilleError {
  const size = maxBytes >= 1024 * 1024 ? `${maxBytes / 1024 / 1024} MiB` : `${maxBytes / 1024} KiB`;
  return new ReveilleError('body-too-large', `This form takes at most ${size}.`);
}

function toSignIn(c: ConsoleContext): Response {
  const { pathname, search } = new URL(c.req.url);
  // A form cannot be sent again after signing in: its page can be opened again.
  const next = c.req.method === 'GET' ? pathname + search : '/console';
  return seeOther(signInPath(next));
}
