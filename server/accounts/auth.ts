import { betterAuth } from 'better-auth';
import { APIError } from 'better-auth/api';
import { limits } from '../../protocol/limits.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Events } from '../observe/events.ts';
import { passwordLength } from './credentials.ts';
import type { ControlDatabase } from './database.ts';
import { userFields } from './user-fields.ts';

/** Where better-auth's own handler is mounted. */
export const apiPath = '/accounts/api';

/** The header in which we hand better-auth the address of the peer. Whatever a client sends under this name is dropped. */
export const addressHeader = 'x-reveille-address';

/** A sign-in is forgotten after 90 days without a visit; a visit after more than a day renews it. */
const signInSeconds = 90 * 86_400;
const renewAfterSeconds = 86_400;

/** OWASP's least setting for argon2id: 19 MiB, 2 passes. It costs a guesser more than it costs two cores. */
const argon2id = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const;

export interface AuthDeps {
  readonly db: ControlDatabase;
  readonly origin: string;
  /** Signs the sign-in cookie, so that a copy of the database alone signs nobody in. */
  readonly cookieSecret: string;
  readonly events: Events;
  readonly clock?: Clock | undefined;
  /** How many sign-ins an address may try in a minute, right or wrong. */
  readonly signInsPerMinute?: number | undefined;
  /** How a forgotten password is set anew; undefined = it is not. */
  readonly resets?: AuthResets | undefined;
  /** Called with the id of a sign-in that was ended, whichever way. */
  readonly signInEnded: (signIn: string) => Promise<void>;
}

export interface AuthResets {
  /** Sends an account the token of its link. */
  readonly asked: (account: string, token: string) => Promise<void>;
  /** A link was used: the password is another one, and the sign-ins have ended. */
  readonly done: (account: string) => Promise<void>;
}

/** better-auth as we use it: e-mail and password only, in our tables, on our origin, under our limits. */
export function createAuth(deps: AuthDeps) {
  const perMinute = (max: number) => ({ window: 60, max });
  return betterAuth({
    appName: 'Reveille',
    baseURL: deps.origin,
    basePath: apiPath,
    secret: deps.cookieSecret,
    database: { db: deps.db, type: 'sqlite' },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
      password: {
        hash: (password) => Bun.password.hash(password, argon2id),
        verify: ({ hash, password }) => Bun.password.verify(password, hash),
      },
      ...(deps.resets && resetRules(deps.resets)),
    },
    // A copy of the database holds no link that works.
    verification: { storeIdentifier: 'hashed' },
    user: { additionalFields: userFields },
    session: { expiresIn: signInSeconds, updateAge: renewAfterSeconds },
    databaseHooks: accountRules(deps.db, deps.signInEnded),
    rateLimit: {
      enabled: true,
      ...perMinute(120),
      customRules: {
        '/sign-in/email': perMinute(deps.signInsPerMinute ?? 10),
        '/sign-up/email': perMinute(10),
        '/change-password': perMinute(10),
        '/reset-password': perMinute(10),
      },
      customStorage: countedBy(deps.clock ?? systemClock),
    },
    advanced: {
      cookiePrefix: cookiePrefix(deps.origin),
      useSecureCookies: !isLoopbackHttp(deps.origin),
      ipAddress: { ipAddressHeaders: [addressHeader] },
    },
    telemetry: { enabled: false },
    // It would log e-mail addresses of failed sign-ins; we keep only what is ours to mend.
    logger: {
      level: 'error',
      log: (level, message, ...details) => {
        if (level === 'error')
          deps.events.failed('better-auth', details.find((detail) => detail instanceof Error) ?? message);
      },
    },
  });
}

export type Auth = ReturnType<typeof createAuth>;

function resetRules({ asked, done }: AuthResets) {
  return {
    sendResetPassword: async ({ user, token }: { user: { id: string }; token: string }) =>
      await asked(user.id, token),
    resetPasswordTokenExpiresIn: limits.resetLinkMs / 1_000,
    revokeSessionsOnPasswordReset: true,
    onPasswordReset: async ({ user }: { user: { id: string } }) => await done(user.id),
  };
}

/** The rules of the house inside better-auth's own steps, so that no way around them exists. */
function accountRules(db: ControlDatabase, signInEnded: AuthDeps['signInEnded']) {
  return {
    user: {
      create: {
        // One statement: of two first accounts at the same moment, one becomes the administrator.
        after: async (user: { id: string }) => {
          await db
            .updateTable('user')
            .set({ role: 'administrator' })
            .where('id', '=', user.id)
            .where(({ not, exists, selectFrom }) =>
              not(exists(selectFrom('user').select('id').where('role', '=', 'administrator'))),
            )
            .execute();
        },
      },
    },
    session: {
      delete: { after: async (session: { id: string }) => await signInEnded(session.id) },
      create: {
        // Only who knew the password comes this far, so the answer tells a stranger nothing.
        before: async (session: { userId: string }) => {
          const user = await db
            .selectFrom('user')
            .select('disabled')
            .where('id', '=', session.userId)
            .executeTakeFirst();
          if (user?.disabled)
            throw new APIError('FORBIDDEN', {
              code: 'ACCOUNT_DISABLED',
              message: 'This account is disabled.',
            });
        },
      },
    },
  };
}

/** better-auth asks, our buckets count: bounded in memory, on our clock, and of this server only. */
function countedBy(clock: Clock) {
  const limits = new Map<string, RateLimit>();
  return {
    async consume(key: string, { window, max }: { window: number; max: number }) {
      const name = `${max}/${window}`;
      const limit = limits.get(name) ?? new RateLimit(clock, max, window * 1_000);
      limits.set(name, limit);
      const waitMs = limit.take(key);
      return { allowed: waitMs === 0, retryAfter: waitMs === 0 ? null : Math.ceil(waitMs / 1_000) };
    },
  };
}

/** Is the origin plain http on this machine? Only there may a cookie go without `Secure`. */
export function isLoopbackHttp(origin: string): boolean {
  return new URL(origin).protocol === 'http:' && isLoopback(origin);
}

/** Does the origin name this machine itself, so that nobody else can reach it? */
export function isLoopback(origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Cookies know no ports: two servers on one machine would sign each other's people out. */
export function cookiePrefix(origin: string): string {
  return isLoopbackHttp(origin) ? `reveille-${new URL(origin).port || '80'}` : 'reveille';
}
