import { isAppId } from '../../protocol/app-id.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import { type IssueDeps, type IssuedToken, issueAccessToken } from './access-tokens.ts';
import { bounds } from './bounds.ts';
import { type Code, wants } from './codes.ts';
import { TokenRefusal } from './refusal.ts';
import { hashOf, makeRefreshToken } from './token-shapes.ts';

interface GrantGrounds {
  readonly account: string;
  readonly client: string;
  readonly scope: string;
}

/**
 * Turns a spent code into tokens, inside one transaction.
 * @param grant the id with which the code was spent
 * @throws TokenRefusal `invalid_grant` when the code was used again meanwhile, its account has ended, or 25 are reached
 */
export async function exchangeCode(
  trx: ControlDatabase,
  deps: IssueDeps,
  code: Code,
  grant: string,
): Promise<IssuedToken & { readonly refreshToken?: string }> {
  const kept = await trx
    .selectFrom('codes')
    .select('used_grant')
    .where('hash', '=', code.hash)
    .executeTakeFirst();
  if (kept?.used_grant !== grant) throw new TokenRefusal('invalid_grant', 'The code was used twice.');
  await assertAccountStands(trx, code.account);
  if (code.wants === wants.refreshToken) return await makeOfflineGrant(trx, deps, grant, code);
  const shared = await findShared(trx, code);
  if (shared === undefined) await insertGrant(trx, deps, grant, code);
  else await trx.updateTable('codes').set({ used_grant: shared }).where('hash', '=', code.hash).execute();
  // Of an app it is the sign-in that must end the device; a sender has nothing to do with it.
  const signIn = isAppId(code.client) ? code.signIn : null;
  return await issueAccessToken(trx, deps, { grant: shared ?? grant, refreshHash: null, signIn });
}

/** A grant with its refresh token and a first access token. @throws TokenRefusal when there are 25 already */
export async function makeOfflineGrant(
  trx: ControlDatabase,
  deps: IssueDeps,
  grant: string,
  of: GrantGrounds,
): Promise<IssuedToken & { readonly refreshToken: string }> {
  const most = bounds.refreshTokensPerAccountAndClient;
  if ((await countRefreshTokens(trx, of.account, of.client)) >= most) {
    throw new TokenRefusal(
      'invalid_grant',
      `The account has ${most} live refresh tokens for this client: revoke one at /connections.`,
    );
  }
  await insertGrant(trx, deps, grant, of);
  const refreshToken = makeRefreshToken(deps.random);
  const hash = hashOf(refreshToken);
  await trx
    .insertInto('refresh_tokens')
    .values({ hash, grant, created_at: deps.clock.now(), last_used_at: null })
    .execute();
  return { refreshToken, ...(await issueAccessToken(trx, deps, { grant, refreshHash: hash, signIn: null })) };
}

/** Live refresh tokens of an account for a client. */
export async function countRefreshTokens(
  db: ControlDatabase,
  account: string,
  client: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('refresh_tokens')
    .innerJoin('grants', 'grants.id', 'refresh_tokens.grant')
    .where('grants.account', '=', account)
    .where('grants.client', '=', client)
    .where('grants.ended_at', 'is', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** @throws TokenRefusal `invalid_grant` */
export async function assertAccountStands(db: ControlDatabase, account: string): Promise<void> {
  const user = await db.selectFrom('user').select('disabled').where('id', '=', account).executeTakeFirst();
  if (user === undefined || user.disabled !== 0) {
    throw new TokenRefusal('invalid_grant', 'The account is disabled or was deleted.');
  }
}

async function insertGrant(
  trx: ControlDatabase,
  deps: IssueDeps,
  id: string,
  of: GrantGrounds,
): Promise<void> {
  const { account, client, scope } = of;
  await trx
    .insertInto('grants')
    .values({ id, account, client, scope, created_at: deps.clock.now(), ended_at: null })
    .execute();
  await audit(trx, deps.clock).record({ account, subject: account, event: 'grant.given', detail: client });
}

/** The live grant without a refresh token that all exchanges of the same account, client and scopes share. */
async function findShared(trx: ControlDatabase, of: GrantGrounds): Promise<string | undefined> {
  const row = await trx
    .selectFrom('grants')
    .leftJoin('refresh_tokens', 'refresh_tokens.grant', 'grants.id')
    .where('grants.account', '=', of.account)
    .where('grants.client', '=', of.client)
    .where('grants.scope', '=', of.scope)
    .where('grants.ended_at', 'is', null)
    .where('refresh_tokens.hash', 'is', null)
    .select('grants.id')
    .executeTakeFirst();
  return row?.id;
}
