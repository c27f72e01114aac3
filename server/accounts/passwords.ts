import type { Auth } from './auth.ts';
import { passwordLength } from './credentials.ts';

/** better-auth's own access to its tables, with its hooks. */
export type InternalAdapter = Awaited<Auth['$context']>['internalAdapter'];

/** Passwords, hashed and kept by better-auth. */
export class Passwords {
  readonly #auth: Auth;
  readonly #internal: InternalAdapter;

  constructor(auth: Auth, internal: InternalAdapter) {
    this.#auth = auth;
    this.#internal = internal;
  }

  /** @param password of a length that `assertPassword` lets through */
  async set(account: string, password: string): Promise<void> {
    const hash = await (await this.#auth.$context).password.hash(password);
    if (await this.#internal.findCredentialAccount(account)) {
      await this.#internal.updatePassword(account, hash);
      return;
    }
    await this.#internal.linkAccount({
      userId: account,
      accountId: account,
      providerId: 'credential',
      password: hash,
    });
  }

  async matches(account: string, password: string): Promise<boolean> {
    const credential = await this.#internal.findCredentialAccount(account);
    if (!credential?.password || password.length > passwordLength.max) return false;
    return await (await this.#auth.$context).password.verify({ hash: credential.password, password });
  }
}
