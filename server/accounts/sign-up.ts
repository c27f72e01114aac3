import { createHash, timingSafeEqual } from 'node:crypto';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Account, From } from './account.ts';
import { type Auth, isLoopback } from './auth.ts';
import { callAuth } from './auth-calls.ts';
import { assertPassword, emailOf } from './credentials.ts';
import type { ControlDatabase } from './database.ts';
import type { Invites } from './invites.ts';

/** Who may make an account: everyone, who has an invite, nobody. The first account is made whatever it says. */
export type SignUpPolicy = 'open' | 'invite' | 'closed';

export interface SignUpInput {
  readonly email: string;
  readonly password: string;
  readonly name: string;
  readonly invite?: string | undefined;
  readonly setupCode?: string | undefined;
}

/** What a sign-up page asks for. */
export type SignUpNeeds = 'nothing' | 'setup-code' | 'invite' | 'impossible';

export interface SignUpDeps {
  readonly auth: Auth;
  readonly db: ControlDatabase;
  readonly invites: Invites;
  readonly origin: string;
  readonly policy: SignUpPolicy;
  /** What `serve` prints when the first account could be taken by a stranger. */
  readonly setupCode: string | undefined;
}

/** Makes accounts for people who come by themselves, under the policy of the server. */
export class SignUp {
  readonly #deps: SignUpDeps;

  constructor(deps: SignUpDeps) {
    this.#deps = deps;
  }

  async needs(): Promise<SignUpNeeds> {
    const { db, policy, setupCode, origin } = this.#deps;
    const anyone = await db.selectFrom('user').select('id').limit(1).executeTakeFirst();
    if (anyone === undefined)
      return setupCode !== undefined || !isLoopback(origin) ? 'setup-code' : 'nothing';
    return policy === 'open' ? 'nothing' : policy === 'invite' ? 'invite' : 'impossible';
  }

  /**
   * Makes the account and signs it in.
   * @returns the Set-Cookie values of the sign-in, and the answer of better-auth for programs
   * @throws `forbidden` by policy, `input-invalid` for a bad or taken address or password, `rate-limited`
   */
  async make(
    input: SignUpInput,
    from: From,
  ): Promise<{ id: string; setCookies: readonly string[]; body: unknown }> {
    const { password } = input;
    const email = emailOf(input.email);
    assertPassword(password);
    // A stranger's `name` is shown to others: bounded, and never empty.
    const name = input.name.trim().slice(0, 80) || email;
    const needs = await this.needs();
    if (needs === 'impossible')
      throw new ReveilleError('forbidden', 'This server makes no accounts by itself.');
    if (needs === 'setup-code') this.#checkSetupCode(input.setupCode);
    const invite = needs === 'invite' ? await this.#takeInvite(input.invite, email) : undefined;
    let account: Account['id'] | null = null;
    try {
      const response = await callAuth(this.#deps.auth, '/sign-up/email', { email, password, name }, from);
      const body = (await response.json()) as { user: { id: string } };
      account = body.user.id;
      return { id: account, setCookies: response.headers.getSetCookie(), body };
    } finally {
      if (invite !== undefined) await this.#deps.invites.settle(invite, account);
    }
  }

  #checkSetupCode(given: string | undefined): void {
    const { setupCode } = this.#deps;
    if (setupCode !== undefined && given !== undefined && same(setupCode, given.trim())) return;
    throw new ReveilleError(
      'forbidden',
      'The first account needs the set-up code that "reveille serve" prints.',
      {
        location: 'setupCode',
      },
    );
  }

  async #takeInvite(code: string | undefined, email: string): Promise<string> {
    if (code && (await this.#deps.invites.take(code, email))) return code;
    throw new ReveilleError(
      'forbidden',
      'The invite is unknown, was used, has expired, or is for another address.',
      {
        location: 'invite',
      },
    );
  }
}

/** Compares two secrets in a time that says nothing about them, not even their lengths. */
export function same(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
