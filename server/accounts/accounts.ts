import { ReveilleError } from '../../protocol/errors.ts';
import { type Clock, type Random, systemClock } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { Events } from '../observe/events.ts';
import type { Viewer } from '../pages/page.tsx';
import type { Account, From, Person, SignIn, Visit } from './account.ts';
import { type Audit, audit } from './audit.ts';
import { type Auth, createAuth } from './auth.ts';
import { callAuth, cookieOf } from './auth-calls.ts';
import { assertPassword, emailOf } from './credentials.ts';
import type { ControlDatabase } from './database.ts';
import type { Accounts, Exporter, SignedIn } from './face.ts';
import { type FormSecrets, formToken } from './form-token.ts';
import { Invites } from './invites.ts';
import { PasswordResets } from './password-resets.ts';
import { type InternalAdapter, Passwords } from './passwords.ts';
import { SignUp, type SignUpPolicy } from './sign-up.ts';

export type { Account, From, Person, SignIn, Visit } from './account.ts';
export type { Accounts, Exporter, SignedIn } from './face.ts';

export interface AccountsDeps {
  readonly db: ControlDatabase;
  readonly secrets: FormSecrets & { cookieSecret(): string };
  /** Fixes every address and the cookies; the Host header is never read. */
  readonly origin: string;
  readonly events: Events;
  readonly signUp: SignUpPolicy;
  /** Needed for the first account when given, and always when `origin` is not on loopback. */
  readonly setupCode?: string | undefined;
  readonly signInsPerMinute?: number | undefined;
  /** Lets people set a forgotten password anew. */
  readonly mailer?: Mailer | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** Opens the room on a control plane that `openControlDatabase` has made ready. */
export async function createAccounts(deps: AccountsDeps): Promise<Accounts> {
  const { db, origin, events, mailer, clock = systemClock } = deps;
  const random = deps.random ?? ((bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
  const listeners: SignInListener[] = [];
  const resets = mailer && new PasswordResets({ auth: () => auth, db, mailer, origin, clock, events });
  const auth: Auth = createAuth({
    db,
    origin,
    events,
    clock,
    signInEnded: async (signIn) => {
      for (const listener of listeners) await listener(signIn);
    },
    cookieSecret: deps.secrets.cookieSecret(),
    signInsPerMinute: deps.signInsPerMinute,
    resets: resets && {
      asked: (account, token) => resets.mailLink(account, token),
      done: (account) => room.passwordWasReset(account, account),
    },
  });
  const invites = new Invites(db, clock, random);
  await invites.reopen();
  const signUp = new SignUp({ auth, db, invites, origin, policy: deps.signUp, setupCode: deps.setupCode });
  const room = new AccountRoom({
    auth,
    db,
    clock,
    secrets: deps.secrets,
    invites,
    resets,
    signUp,
    signInEnded: listeners,
    internal: (await auth.$context).internalAdapter,
  });
  return room;
}

type SignInListener = (signIn: string) => Promise<void>;

interface RoomDeps {
  readonly auth: Auth;
  readonly signInEnded: SignInListener[];
  readonly internal: InternalAdapter;
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly secrets: FormSecrets;
  readonly invites: Invites;
  readonly resets: PasswordResets | undefined;
  readonly signUp: SignUp;
}

const inProcess: From = { address: '127.0.0.1', userAgent: 'Reveille' };

class AccountRoom implements Accounts {
  readonly signUp: SignUp;
  readonly invites: Invites;
  readonly resets: PasswordResets | undefined;
  readonly #deps: RoomDeps;
  readonly #audit: Audit;
  readonly #passwords: Passwords;
  readonly #passwordChecks: RateLimit;
  readonly #rightEnded: ((account: string) => void)[] = [];
  readonly #beforeDelete: ((account: string) => Promise<void>)[] = [];
  readonly #exporters = new Map<string, Exporter>();

  constructor(deps: RoomDeps) {
    this.#deps = deps;
    this.signUp = deps.signUp;
    this.invites = deps.invites;
    this.resets = deps.resets;
    this.#audit = audit(deps.db, deps.clock);
    this.#passwords = new Passwords(deps.auth, deps.internal);
    this.#passwordChecks = new RateLimit(deps.clock, 10, 60_000);
  }

  async signedIn(headers: Headers): Promise<Account | undefined> {
    return (await this.#session(headers, true))?.account;
  }

  async visit(headers: Headers): Promise<Visit | undefined> {
    return await this.#session(headers, false);
  }

  async isDisabled(headers: Headers): Promise<boolean> {
    return (await this.#read(headers, true))?.response?.user.disabled === true;
  }

  async #read(headers: Headers, disableRefresh: boolean) {
    const cookie = headers.get('cookie');
    if (cookie === null) return undefined;
    return await this.#deps.auth.api.getSession({
      headers: new Headers({ cookie }),
      query: { disableRefresh },
      returnHeaders: true,
    });
  }

  async #session(headers: Headers, disableRefresh: boolean): Promise<Visit | undefined> {
    const { response, headers: answer } = (await this.#read(headers, disableRefresh)) ?? {};
    if (!response || !answer || response.user.disabled) return undefined;
    const { id, email, name, role } = response.user;
    return {
      account: accountOf({ id, email, name, role }),
      signIn: response.session.id,
      setCookies: answer.getSetCookie(),
    };
  }

  async find(id: string): Promise<Account | undefined> {
    const row = await this.#accounts().where('id', '=', id).executeTakeFirst();
    return row && accountOf(row);
  }

  async findByEmail(email: string): Promise<Account | undefined> {
    const row = await this.#accounts().where('email', '=', email.trim().toLowerCase()).executeTakeFirst();
    return row && accountOf(row);
  }

  #accounts() {
    return this.#deps.db.selectFrom('user').select(['id', 'email', 'name', 'role', 'disabled']);
  }

  async count(): Promise<number> {
    const query = this.#deps.db.selectFrom('user').select(({ fn }) => fn.countAll<number>().as('people'));
    return (await query.executeTakeFirstOrThrow()).people;
  }

  async people(): Promise<readonly Person[]> {
    const rows = await this.#deps.db.selectFrom('user').selectAll().orderBy('email').execute();
    return rows.map((row) => ({
      ...accountOf(row),
      disabled: row.disabled === 1,
      createdAt: new Date(row.createdAt),
    }));
  }

  async create(address: string, password: string, name: string): Promise<Account> {
    assertPassword(password);
    const email = emailOf(address);
    if ((await this.findByEmail(email)) !== undefined) {
      throw new ReveilleError('input-invalid', 'There is an account with this e-mail address: sign in.', {
        location: 'email',
      });
    }
    const user = await this.#deps.internal.createUser(
      { email, name, emailVerified: false },
      { method: 'email-password' },
    );
    await this.#passwords.set(user.id, password);
    return await this.#require(user.id);
  }

  async signIn(email: string, password: string, from: From = inProcess): Promise<SignedIn> {
    const response = await callAuth(
      this.#deps.auth,
      '/sign-in/email',
      { email: email.trim(), password },
      from,
    );
    const setCookie = response.headers.getSetCookie();
    const { user } = (await response.json()) as { user: { id: string } };
    return { account: await this.#require(user.id), cookie: cookieOf(setCookie), setCookie };
  }

  async signOut(headers: Headers): Promise<readonly string[]> {
    const response = await callAuth(this.#deps.auth, '/sign-out', {}, inProcess, headers.get('cookie'));
    return response.headers.getSetCookie();
  }

  async checkPassword(account: string, password: string): Promise<boolean> {
    this.#passwordChecks.assert(account, 'Too many tries.');
    return await this.#passwords.matches(account, password);
  }

  async changePassword(
    headers: Headers,
    current: string,
    next: string,
    from: From,
  ): Promise<readonly string[]> {
    const visit = await this.#session(headers, true);
    if (visit === undefined) throw new ReveilleError('forbidden');
    const body = { currentPassword: current, newPassword: next, revokeOtherSessions: true };
    const response = await callAuth(this.#deps.auth, '/change-password', body, from, headers.get('cookie'));
    await this.#passwordIsAnother(visit.account, visit.account.id, 'account.password-changed');
    return response.headers.getSetCookie();
  }

  async resetPassword(email: string, password: string): Promise<Account> {
    assertPassword(password);
    const account = await this.findByEmail(email);
    if (account === undefined)
      throw new ReveilleError('not-found', 'No account has this e-mail address.', { location: 'email' });
    await this.#passwords.set(account.id, password);
    await this.#deps.internal.deleteUserSessions(account.id);
    await this.passwordWasReset(account.id, null);
    return account;
  }

  /** After the password was set anew and the sign-ins have ended. @param by null = the operator */
  async passwordWasReset(id: string, by: string | null): Promise<void> {
    await this.#passwordIsAnother(await this.#require(id), by, 'account.password-reset');
  }

  async #passwordIsAnother({ id, email }: Account, by: string | null, event: string): Promise<void> {
    this.#endRights(id);
    await this.resets?.voidLinks(id);
    await this.#record(by, id, event);
    this.resets?.tell(email);
  }

  async signIns(account: string): Promise<readonly SignIn[]> {
    const sessions = await this.#deps.internal.listSessions(account, { onlyActiveSessions: true });
    const list = sessions.map((session) => ({
      id: session.id,
      createdAt: session.createdAt,
      lastSeenAt: session.updatedAt,
      address: session.ipAddress ?? '',
      userAgent: session.userAgent ?? '',
    }));
    return list.sort((left, right) => right.lastSeenAt.getTime() - left.lastSeenAt.getTime());
  }

  async endSignIn(account: string, signIn: string): Promise<boolean> {
    const ended = await this.#endSessions(account, (id) => id === signIn);
    return ended === 1;
  }

  async endOtherSignIns(account: string, keep: string): Promise<number> {
    return await this.#endSessions(account, (id) => id !== keep);
  }

  async #endSessions(account: string, which: (id: string) => boolean): Promise<number> {
    const sessions = (await this.#deps.internal.listSessions(account)).filter(({ id }) => which(id));
    for (const { token } of sessions) await this.#deps.internal.deleteSession(token);
    return sessions.length;
  }

  async disable(id: string, by: string): Promise<void> {
    await this.#require(id);
    await this.#assertNotLastAdministrator(id);
    await this.#close(id);
    for (const { id: signIn } of await this.#deps.internal.listSessions(id)) {
      for (const listener of this.#deps.signInEnded) await listener(signIn);
    }
    await this.#record(by, id, 'account.disabled');
  }

  async enable(id: string, by: string): Promise<void> {
    await this.#require(id);
    // They were kept so that a disabled person can be told why; none of them comes to life again.
    await this.#deps.internal.deleteUserSessions(id);
    await this.#deps.db.updateTable('user').set({ disabled: 0 }).where('id', '=', id).execute();
    await this.#record(by, id, 'account.enabled');
  }

  async setRole(id: string, role: Account['role'], by: string): Promise<void> {
    await this.#require(id);
    if (role !== 'administrator') await this.#assertNotLastAdministrator(id);
    await this.#deps.db.updateTable('user').set({ role }).where('id', '=', id).execute();
    await this.#record(by, id, role === 'administrator' ? 'account.made-administrator' : 'account.made-user');
  }

  /** Nothing works for the account from here on. */
  async #close(id: string): Promise<void> {
    await this.#deps.db.updateTable('user').set({ disabled: 1 }).where('id', '=', id).execute();
    this.#endRights(id);
    await this.resets?.voidLinks(id);
  }

  async export(account: string): Promise<Record<string, unknown>> {
    const row = await this.#deps.db
      .selectFrom('user')
      .selectAll()
      .where('id', '=', account)
      .executeTakeFirst();
    if (row === undefined) throw new ReveilleError('not-found');
    const { id, email, name, role, createdAt, updatedAt } = row;
    const parts: Record<string, unknown> = {
      account: { id, email, name, role, createdAt, updatedAt },
      signIns: await this.signIns(account),
      audit: await this.#audit.recent({ account, limit: 10_000 }),
    };
    for (const [part, exporter] of this.#exporters) parts[part] = await exporter(account);
    return parts;
  }

  async delete(account: string): Promise<void> {
    if ((await this.count()) > 1) await this.#assertNotLastAdministrator(account);
    await this.#require(account);
    // Closed first: should a room fail to end its part, nothing works for the account while the rest is mended.
    await this.#close(account);
    for (const end of this.#beforeDelete) await end(account);
    await this.#deps.internal.deleteUserSessions(account);
    await this.#deps.internal.deleteUser(account);
    await this.#record(account, account, 'account.deleted');
  }

  viewer(account: Account): Viewer {
    return {
      name: account.name,
      email: account.email,
      administrator: account.role === 'administrator',
      signOutToken: formToken(this.#deps.secrets, account.id, 'sign-out', this.#deps.clock),
    };
  }

  onRightEnded(listener: (account: string) => void): void {
    this.#rightEnded.push(listener);
  }

  onSignInEnded(listener: SignInListener): void {
    this.#deps.signInEnded.push(listener);
  }

  onDelete(listener: (account: string) => Promise<void>): void {
    this.#beforeDelete.push(listener);
  }

  onExport(name: string, exporter: Exporter): void {
    this.#exporters.set(name, exporter);
  }

  #endRights(account: string): void {
    for (const listener of this.#rightEnded) listener(account);
  }

  /** A server must keep someone who can let others in. */
  async #assertNotLastAdministrator(id: string): Promise<void> {
    const rows = await this.#accounts()
      .where('role', '=', 'administrator')
      .where('disabled', '=', 0)
      .execute();
    if (rows.length === 1 && rows[0]?.id === id) {
      throw new ReveilleError(
        'input-invalid',
        'This is the last administrator, and other people have accounts here.',
      );
    }
  }

  async #require(id: string): Promise<Account> {
    const account = await this.find(id);
    if (account === undefined) throw new ReveilleError('not-found', 'No such account.');
    return account;
  }

  async #record(by: string | null, subject: string, event: string): Promise<void> {
    await this.#audit.record({ account: by, subject, event, detail: '' });
  }
}

function accountOf(row: { id: string; email: string; name: string; role: string }): Account {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role === 'administrator' ? 'administrator' : 'user',
  };
}
