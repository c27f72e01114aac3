import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Mail, Mailer } from '../mail/mailer.ts';
import type { Events } from '../observe/events.ts';
import type { From } from './account.ts';
import type { Auth } from './auth.ts';
import { callAuth } from './auth-calls.ts';
import { emailOf } from './credentials.ts';
import type { ControlDatabase } from './database.ts';

export interface PasswordResetsDeps {
  /** Made after this, because it mails through this. */
  readonly auth: () => Auth;
  readonly db: ControlDatabase;
  readonly mailer: Mailer;
  readonly origin: string;
  readonly clock: Clock;
  readonly events: Pick<Events, 'failed'>;
}

/** Where the link of a mail leads. */
export const NEW_PASSWORD_PATH = '/accounts/new-password';

/** Passwords that are set anew through a link in a mail. The link itself is better-auth's. */
export class PasswordResets {
  readonly #deps: PasswordResetsDeps;
  readonly #perAddress: RateLimit;
  readonly #perMailbox: RateLimit;

  constructor(deps: PasswordResetsDeps) {
    this.#deps = deps;
    this.#perAddress = new RateLimit(deps.clock, limits.resetsPerAddress, limits.resetLinkMs);
    this.#perMailbox = new RateLimit(deps.clock, limits.resetsPerMailbox, limits.resetLinkMs);
  }

  /**
   * Mails a link when there is such an account. Settles before that is looked up, and counts an address that has none
   * like one that has, so that neither words nor time tell.
   * @throws `input-invalid` for what is no address, `rate-limited`
   */
  ask(email: string, from: From): void {
    const { auth, events } = this.#deps;
    const mailbox = emailOf(email);
    this.#perAddress.assert(from.address);
    this.#perMailbox.assert(mailbox);
    auth()
      .api.requestPasswordReset({ body: { email: mailbox } })
      .catch((error: unknown) => events.failed('password reset', error));
  }

  /** Mails the link that better-auth has made; a disabled account has no use for one. */
  async mailLink(account: string, token: string): Promise<void> {
    const { db, mailer, origin } = this.#deps;
    const found = await db
      .selectFrom('user')
      .select('email')
      .where('id', '=', account)
      .where('disabled', '=', 0)
      .executeTakeFirst();
    if (found !== undefined) mailer.send(linkMail(found.email, origin, token));
  }

  /**
   * Sets the password that the link's holder chose.
   * @throws `input-invalid` for the password, or a link that is used, void or was never made; `rate-limited`
   */
  async use(token: string, newPassword: string, from: From): Promise<void> {
    await callAuth(this.#deps.auth(), '/reset-password', { token, newPassword }, from);
  }

  /** No link that an account was sent before works any more. */
  async voidLinks(account: string): Promise<void> {
    await this.#deps.db.deleteFrom('verification').where('value', '=', account).execute();
  }

  /** Tells the owner of an account that its password is another one now. */
  tell(email: string): void {
    const { mailer, origin } = this.#deps;
    mailer.send(changedMail(email, origin));
  }
}

const linkMail = (to: string, origin: string, token: string): Mail => ({
  to,
  subject: 'Choose a new password',
  text: `Hello,

somebody, most likely you, asked for a new password for your account at
${origin}

Choose it here, within one hour:

${origin}${NEW_PASSWORD_PATH}?token=${token}

You are then signed out everywhere.

If it was not you, there is nothing to do: without this link your
password stays as it is.
`,
});

const changedMail = (to: string, origin: string): Mail => ({
  to,
  subject: 'Your password was changed',
  text: `Hello,

the password of your account at
${origin}
was changed just now, and every other sign-in has ended.

If it was you, there is nothing to do. If it was not, choose a new one
under "Forgot your password?", and tell whoever runs the service:

${origin}/accounts/forgot-password
`,
});
