import type { Clock, Random } from '../core/clock.ts';
import { cookiePrefix, isLoopbackHttp } from './auth.ts';
import { checkFormToken, type FormSecrets, formToken } from './form-token.ts';

const livesSeconds = 3_600;

interface VisitorDeps {
  readonly secrets: FormSecrets;
  readonly origin: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Which pages: the end of the cookie's name, and the path under which they are. */
  readonly pages?: { readonly name: string; readonly path: string } | undefined;
}

/**
 * Ties forms that strangers fill in (sign-in, sign-up, the playground) to the browser that asked for them: a random cookie
 * for an hour, and a form token over it. Without it a foreign page could sign a browser in as someone else.
 */
export class Visitors {
  readonly #deps: VisitorDeps;
  readonly #name: string;
  readonly #attributes: string;

  constructor(deps: VisitorDeps) {
    this.#deps = deps;
    const { name, path } = deps.pages ?? { name: 'visitor', path: '/accounts' };
    this.#name = `${cookiePrefix(deps.origin)}.${name}`;
    const secure = isLoopbackHttp(deps.origin) ? '' : '; Secure';
    this.#attributes = `Max-Age=${livesSeconds}; Path=${path}; HttpOnly; SameSite=Lax${secure}`;
  }

  /** A token for the form `purpose`, and the Set-Cookie value that must go with it. */
  greet(headers: Headers, purpose: string): { id: string; token: string; setCookie: string } {
    const id = this.idOf(headers) ?? Buffer.from(this.#deps.random(16)).toString('base64url');
    return {
      id,
      token: formToken(this.#deps.secrets, `visitor ${id}`, purpose, this.#deps.clock),
      setCookie: `${this.#name}=${id}; ${this.#attributes}`,
    };
  }

  /** Was the form with this token made for this browser? */
  recognises(headers: Headers, purpose: string, token: string | null): boolean {
    const id = this.idOf(headers);
    return (
      id !== undefined &&
      checkFormToken(this.#deps.secrets, `visitor ${id}`, purpose, token, this.#deps.clock)
    );
  }

  /** What the browser was given before; undefined when it has none. */
  idOf(headers: Headers): string | undefined {
    for (const pair of (headers.get('cookie') ?? '').split(';')) {
      const [name, value] = pair.trim().split('=', 2);
      if (name === this.#name && value !== undefined && /^[\w-]{22}$/.test(value)) return value;
    }
    return undefined;
  }
}
