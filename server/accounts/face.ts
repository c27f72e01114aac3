import type { Viewer } from '../pages/page.tsx';
import type { Account, From, Person, SignIn, Visit } from './account.ts';
import type { Invites } from './invites.ts';
import type { PasswordResets } from './password-resets.ts';
import type { SignUp } from './sign-up.ts';

/** Adds what one room holds about an account to the export: values that JSON can carry, no secrets. */
export type Exporter = (account: string) => Promise<unknown>;

/** The public face of the room: who is who, who is signed in, and who hears when that ends. */
export interface Accounts {
  /** Who sent these headers; undefined when nobody is signed in, or the account is disabled. Renews nothing. */
  signedIn(headers: Headers): Promise<Account | undefined>;
  /** As `signedIn`, for pages: renews the sign-in, so the answer must carry `setCookies`. */
  visit(headers: Headers): Promise<Visit | undefined>;
  /** Did someone send these headers whose account is disabled? So that an app's sign-in can say so. */
  isDisabled(headers: Headers): Promise<boolean>;
  find(id: string): Promise<Account | undefined>;
  findByEmail(email: string): Promise<Account | undefined>;
  count(): Promise<number>;
  people(): Promise<readonly Person[]>;
  /** Makes an account whatever the sign-up policy says: for `bootstrap` and tests. @throws `input-invalid` */
  create(email: string, password: string, name: string): Promise<Account>;
  /** @throws `credentials-wrong`, `account-disabled`, `rate-limited` */
  signIn(email: string, password: string, from?: From): Promise<SignedIn>;
  signUp: SignUp;
  invites: Invites;
  /** undefined = no mail is sent. */
  resets: PasswordResets | undefined;
  /** Ends the sign-in of these headers. @returns Set-Cookie values that clear the cookie */
  signOut(headers: Headers): Promise<readonly string[]>;
  /** Is this the password of the account? Asked before a secret is shown. @throws `rate-limited` */
  checkPassword(account: string, password: string): Promise<boolean>;
  /** Ends all other sign-ins too. @returns Set-Cookie values @throws `credentials-wrong`, `input-invalid`, `rate-limited` */
  changePassword(headers: Headers, current: string, next: string, from: From): Promise<readonly string[]>;
  /** By the operator: no old password, every sign-in ends. @throws `not-found`, `input-invalid` */
  resetPassword(email: string, password: string): Promise<Account>;
  signIns(account: string): Promise<readonly SignIn[]>;
  /** @returns false when the account has no such sign-in */
  endSignIn(account: string, signIn: string): Promise<boolean>;
  endOtherSignIns(account: string, keep: string): Promise<number>;
  /** @throws `input-invalid` for the last administrator, `not-found` */
  disable(id: string, by: string): Promise<void>;
  enable(id: string, by: string): Promise<void>;
  /** Makes an administrator, or takes the role back. @throws `input-invalid` for the last administrator, `not-found` */
  setRole(id: string, role: Account['role'], by: string): Promise<void>;
  /** All that is held about the account, no secrets. */
  export(account: string): Promise<Record<string, unknown>>;
  /** @throws `input-invalid` for the last administrator of a server with other accounts, `not-found` */
  delete(account: string): Promise<void>;
  /** What a page shows of the one who is signed in. */
  viewer(account: Account): Viewer;
  /** Called in the same step in which rights of the account end: password change or reset, disabling, deletion. */
  onRightEnded(listener: (account: string) => void): void;
  /** Called when a sign-in was ended: by signing out, in the list, by a change of password, with the account. Waited for. */
  onSignInEnded(listener: (signIn: string) => Promise<void>): void;
  /** Called before an account goes; the account is disabled already. It is deleted only when all have ended well. */
  onDelete(listener: (account: string) => Promise<void>): void;
  /** Adds a part named `name` to every export. */
  onExport(name: string, exporter: Exporter): void;
}

export interface SignedIn {
  readonly account: Account;
  /** Value for a Cookie header. */
  readonly cookie: string;
  /** Values of Set-Cookie. */
  readonly setCookie: readonly string[];
}
