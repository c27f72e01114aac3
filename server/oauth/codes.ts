import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock } from '../core/clock.ts';
import { bounds } from './bounds.ts';
import { hashOf } from './token-shapes.ts';

/** What its exchange gives: an access token alone, a refresh token too, or none because consent was remembered. */
export const wants = { online: 0, refreshToken: 1, remembered: 2 } as const;
export type Wants = (typeof wants)[keyof typeof wants];

export interface CodeGrounds {
  readonly account: string;
  /** A client id or an app id. */
  readonly client: string;
  readonly scope: string;
  readonly redirectUri: string;
  readonly wants: Wants;
  readonly challenge: string | null;
  /** The sign-in in which it was asked for. */
  readonly signIn: string | null;
}

/** An authorization code that is still known: unused, or used a short while ago. */
export interface Code extends CodeGrounds {
  readonly hash: string;
  readonly expiresAt: number;
  /** The grant made from it; null while nobody has exchanged it. */
  readonly usedGrant: string | null;
}

/** Keeps the hash of a code for 60 s, and what its exchange will rest on. Codes that can be of no more use are swept. */
export async function issueCode(
  db: ControlDatabase,
  clock: Clock,
  code: string,
  grounds: CodeGrounds,
): Promise<void> {
  const now = clock.now();
  await db
    .deleteFrom('codes')
    .where('expires_at', '<', now)
    .where(({ or, eb }) => or([eb('used_grant', 'is', null), eb('expires_at', '<', now - bounds.usedCodeMs)]))
    .execute();
  await db
    .insertInto('codes')
    .values({
      hash: hashOf(code),
      account: grounds.account,
      client: grounds.client,
      scope: grounds.scope,
      redirect_uri: grounds.redirectUri,
      offline: grounds.wants,
      code_challenge: grounds.challenge,
      code_challenge_method: grounds.challenge === null ? null : 'S256',
      sign_in: grounds.signIn,
      expires_at: now + bounds.codeMs,
      used_grant: null,
    })
    .execute();
}

export async function findCode(db: ControlDatabase, code: string): Promise<Code | undefined> {
  const row = await db.selectFrom('codes').selectAll().where('hash', '=', hashOf(code)).executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    hash: row.hash,
    account: row.account,
    client: row.client,
    scope: row.scope,
    redirectUri: row.redirect_uri,
    wants: row.offline as Wants,
    challenge: row.code_challenge,
    signIn: row.sign_in,
    expiresAt: row.expires_at,
    usedGrant: row.used_grant,
  };
}

/**
 * Takes the code for one exchange. It is spent from here on, whatever becomes of the exchange, so that a verifier cannot
 * be guessed. @returns false when another exchange was quicker
 */
export async function spendCode(db: ControlDatabase, hash: string, grant: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('codes')
    .set({ used_grant: grant })
    .where('hash', '=', hash)
    .where('used_grant', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
