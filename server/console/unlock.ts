import { ReveilleError } from '../../protocol/errors.ts';
import type { Accounts } from '../accounts/face.ts';
import type { FormSecrets } from '../accounts/form-token.ts';
import type { Clock } from '../core/clock.ts';

const UNLOCKED_MS = 10 * 60_000;

/**
 * A secret is shown for ten minutes after the password was asked. The proof of that is a MAC in the address of the page,
 * bound to the account: the address alone opens nothing to another, and soon nothing at all.
 */
export class Unlock {
  readonly #deps: { accounts: Accounts; secrets: FormSecrets; clock: Clock };

  constructor(deps: { readonly accounts: Accounts; readonly secrets: FormSecrets; readonly clock: Clock }) {
    this.#deps = deps;
  }

  /** Asks the password. @throws `input-invalid` when it is wrong, `rate-limited`. */
  async assertPassword(account: string, password: string): Promise<void> {
    if (await this.#deps.accounts.checkPassword(account, password)) return;
    throw new ReveilleError('input-invalid', 'That is not the password of your account.', {
      location: 'password',
    });
  }

  /** Proof that `account` was asked just now, for what `subject` names. */
  key(account: string, subject: string): string {
    const until = String(this.#deps.clock.now() + UNLOCKED_MS);
    return `${until}.${Buffer.from(this.#deps.secrets.mac('unlock', claim(account, subject, until))).toString('base64url')}`;
  }

  isOpen(account: string, subject: string, key: string | undefined): boolean {
    const [until = '', mac = ''] = (key ?? '').split('.');
    if (!/^[0-9]{13}$/.test(until) || Number(until) < this.#deps.clock.now()) return false;
    return this.#deps.secrets.verifyMac(
      'unlock',
      claim(account, subject, until),
      Buffer.from(mac, 'base64url'),
    );
  }
}

const claim = (account: string, subject: string, until: string): string =>
  JSON.stringify([account, subject, until]);
