import type { DeleteQueryBuilder, DeleteResult, SelectQueryBuilder } from 'kysely';
import type { ControlDatabase, ControlTables } from '../accounts/database.ts';
import type { Clock } from '../core/clock.ts';

type GrantQuery = SelectQueryBuilder<ControlTables, 'grants', EndedGrant>;
/** Narrows the grants down to those that are meant. */
export type WhichGrants = (grants: GrantQuery) => GrantQuery;

export interface EndedGrant {
  readonly id: string;
  readonly account: string;
  readonly client: string;
}

const columns = ['id', 'account', 'client'] as const;

type CodeQuery = DeleteQueryBuilder<ControlTables, 'codes', DeleteResult>;

/** SQLite takes a bounded number of values in one statement. */
const valuesPerStatement = 500;

/**
 * Ends grants: their refresh and access tokens are gone with them. Run it inside the transaction of the act that ends
 * them, and call `rightsEnded()` right after it.
 * @returns those that ended
 */
export async function endGrants(
  trx: ControlDatabase,
  clock: Clock,
  which: WhichGrants,
): Promise<readonly EndedGrant[]> {
  const rows = await which(trx.selectFrom('grants').select(columns).where('ended_at', 'is', null)).execute();
  const ids = rows.map(({ id }) => id);
  for (let from = 0; from < ids.length; from += valuesPerStatement) {
    const part = ids.slice(from, from + valuesPerStatement);
    await trx.updateTable('grants').set({ ended_at: clock.now() }).where('id', 'in', part).execute();
    await trx.deleteFrom('access_tokens').where('grant', 'in', part).execute();
    await trx.deleteFrom('refresh_tokens').where('grant', 'in', part).execute();
  }
  return rows;
}

/** Ends codes that nobody has exchanged yet: without it a consent that was just taken back could still become a grant. */
export async function endPendingCodes(
  trx: ControlDatabase,
  which: (codes: CodeQuery) => CodeQuery,
): Promise<void> {
  await which(trx.deleteFrom('codes').where('used_grant', 'is', null)).execute();
}

/** Ends access tokens and leaves the grants standing: a sender gets its next token with what it holds. */
export async function endAccessTokens(trx: ControlDatabase, which: WhichGrants): Promise<void> {
  await trx
    .deleteFrom('access_tokens')
    .where('grant', 'in', which(trx.selectFrom('grants').select(columns)).clearSelect().select('id'))
    .execute();
}
