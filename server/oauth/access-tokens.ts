import type { ControlDatabase } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock, Random } from '../core/clock.ts';
import { bounds } from './bounds.ts';
import { accessTokenOf, hashOf, makeIssue } from './token-shapes.ts';

/** An access token as it goes out. */
export interface IssuedToken {
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface IssueDeps {
  readonly secrets: Pick<Secrets, 'mac'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** A token for a grant, good for 3600 s; the database gets its hash and its end. Expired ones of the grant are swept. */
export async function issueAccessToken(
  trx: ControlDatabase,
  deps: IssueDeps,
  rests: { readonly grant: string; readonly refreshHash: string | null; readonly signIn: string | null },
): Promise<IssuedToken> {
  const { grant } = rests;
  const now = deps.clock.now();
  const issue = makeIssue(deps.random);
  const accessToken = accessTokenOf(deps.secrets, grant, issue);
  const expiresAt = now + bounds.accessTokenSeconds * 1_000;
  await trx.deleteFrom('access_tokens').where('grant', '=', grant).where('expires_at', '<=', now).execute();
  await trx
    .insertInto('access_tokens')
    .values({
      hash: hashOf(accessToken),
      grant,
      issue,
      refresh_hash: rests.refreshHash,
      sign_in: rests.signIn,
      issued_at: now,
      expires_at: expiresAt,
    })
    .execute();
  return { accessToken, expiresAt };
}

/** The token of this refresh token that has more than five minutes left, if there is one. */
export async function repeatAccessToken(
  db: ControlDatabase,
  deps: IssueDeps,
  refreshHash: string,
): Promise<IssuedToken | undefined> {
  const row = await db
    .selectFrom('access_tokens')
    .select(['hash', 'grant', 'issue', 'expires_at'])
    .where('refresh_hash', '=', refreshHash)
    .where('expires_at', '>', deps.clock.now() + bounds.repeatMarginMs)
    .orderBy('expires_at', 'desc')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const accessToken = accessTokenOf(deps.secrets, row.grant, row.issue);
  // After a change of keys the same issue makes other text: then a fresh token is issued.
  return hashOf(accessToken) === row.hash ? { accessToken, expiresAt: row.expires_at } : undefined;
}
