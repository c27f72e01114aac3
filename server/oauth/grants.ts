import { ReveilleError } from '../../protocol/errors.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock, Random } from '../core/clock.ts';
import { type IssuedToken, issueAccessToken, repeatAccessToken } from './access-tokens.ts';
import { type Code, wants } from './codes.ts';
import { type EndedGrant, endAccessTokens, endGrants, endPendingCodes, type WhichGrants } from './ended.ts';
import { assertAccountStands, countRefreshTokens, exchangeCode, makeOfflineGrant } from './exchange.ts';
import { TokenRefusal } from './refusal.ts';
import { canonicalScope } from './scopes.ts';
import { hashOf, makeId } from './token-shapes.ts';

/** A consent that stands: one account, one client, one set of scopes, and at most one refresh token. */
export interface Grant {
  readonly id: string;
  readonly account: string;
  /** A client id, or the app id of an installed app. */
  readonly client: string;
  readonly scope: string;
  readonly createdAt: number;
  /** Has it a refresh token? */
  readonly offline: boolean;
  /** When a token was last asked for under it; null when never. */
  readonly lastUsedAt: number | null;
}

/** A refresh token that was found good, and the grant that it stands for. */
export interface StandingRefresh {
  readonly hash: string;
  readonly grant: string;
  readonly account: string;
  readonly client: string;
  readonly scope: string;
}

export type GrantEnded = (account: string, client: string) => void;

/**
 * Grants. One with a refresh token belongs to that token alone, so that ending one sender leaves the others; one without
 * is shared by all exchanges of the same account, client and scopes.
 */
export class Grants {
  readonly #db: ControlDatabase;
  readonly #deps: { readonly secrets: Pick<Secrets, 'mac'>; readonly clock: Clock; readonly random: Random };
  readonly #rightsEnded: () => void;
  readonly #listeners = new Set<GrantEnded>();

  constructor(deps: {
    readonly db: ControlDatabase;
    readonly secrets: Pick<Secrets, 'mac'>;
    readonly clock: Clock;
    readonly random: Random;
    readonly rightsEnded: () => void;
  }) {
    this.#db = deps.db;
    this.#deps = deps;
    this.#rightsEnded = deps.rightsEnded;
  }

  /** Hears of each (account, client) that has no grant left: the devices of an app leave then. */
  onEnded(listener: GrantEnded): void {
    this.#listeners.add(listener);
  }

  /** Was this set of scopes consented to before? With `offline`: including a refresh token that still stands. */
  async isRemembered(account: string, client: string, scope: string, offline: boolean): Promise<boolean> {
    const grants = (await this.list(account)).filter(
      (grant) => grant.client === client && grant.scope === scope,
    );
    return grants.some((grant) => !offline || grant.offline);
  }

  /** Live refresh tokens of an account for a client, those of codes that are still to be exchanged included. */
  async refreshTokensOf(account: string, client: string): Promise<number> {
    return (
      (await countRefreshTokens(this.#db, account, client)) + (await this.#countPending(account, client))
    );
  }

  /**
   * The exchange of a code that was spent for the grant with this id. The grant comes into being here.
   * @throws TokenRefusal `invalid_grant` when the code was used again meanwhile, its account has ended, or 25 are reached
   */
  async exchange(code: Code, grant: string): Promise<IssuedToken & { readonly refreshToken?: string }> {
    return await this.#db.transaction().execute((trx) => exchangeCode(trx, this.#deps, code, grant));
  }

  /**
   * A grant with a refresh token, given without a page to someone who has shown by other means who they are.
   * @throws `input-invalid` for an unknown scope, and when there are 25 already
   */
  async issueFor(of: {
    readonly account: string;
    readonly client: string;
    readonly scope: string;
  }): Promise<{ readonly refreshToken: string }> {
    const scope = canonicalScope(of.scope);
    if (scope === undefined)
      throw new ReveilleError('input-invalid', 'There is no such scope.', { location: 'scope' });
    const grant = makeId(this.#deps.random);
    try {
      return await this.#db
        .transaction()
        .execute((trx) =>
          makeOfflineGrant(trx, this.#deps, grant, { account: of.account, client: of.client, scope }),
        );
    } catch (thrown) {
      if (!(thrown instanceof TokenRefusal)) throw thrown;
      throw new ReveilleError('input-invalid', thrown.message, {}, thrown);
    }
  }

  /** The refresh token, when it stands and was given to this client. @throws TokenRefusal `invalid_grant` */
  async findRefresh(refreshToken: string, client: string): Promise<StandingRefresh> {
    const row = await this.#db
      .selectFrom('refresh_tokens')
      .innerJoin('grants', 'grants.id', 'refresh_tokens.grant')
      .where('refresh_tokens.hash', '=', hashOf(refreshToken))
      .where('grants.ended_at', 'is', null)
      .select([
        'refresh_tokens.hash',
        'refresh_tokens.grant',
        'grants.account',
        'grants.client',
        'grants.scope',
      ])
      .executeTakeFirst();
    if (row === undefined)
      throw new TokenRefusal('invalid_grant', 'The refresh token is unknown or was revoked.');
    if (row.client !== client) {
      throw new TokenRefusal('invalid_grant', 'The refresh token was issued to another client.');
    }
    await assertAccountStands(this.#db, row.account);
    return row;
  }

  /** The access token that this refresh token has already and that is worth handing out again. */
  async repeat(refresh: StandingRefresh): Promise<IssuedToken | undefined> {
    return await repeatAccessToken(this.#db, this.#deps, refresh.hash);
  }

  /** A fresh access token for a refresh token. @throws TokenRefusal when it was revoked meanwhile */
  async issue(refresh: StandingRefresh): Promise<IssuedToken> {
    return await this.#db.transaction().execute(async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('refresh_tokens')
        .set({ last_used_at: this.#deps.clock.now() })
        .where('hash', '=', refresh.hash)
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) throw new TokenRefusal('invalid_grant', 'The refresh token was revoked.');
      return await issueAccessToken(trx, this.#deps, {
        grant: refresh.grant,
        refreshHash: refresh.hash,
        signIn: null,
      });
    });
  }

  /** Live grants of an account, newest first. */
  async list(account: string): Promise<readonly Grant[]> {
    const rows = await this.#db
      .selectFrom('grants')
      .leftJoin('refresh_tokens', 'refresh_tokens.grant', 'grants.id')
      .leftJoin('access_tokens', 'access_tokens.grant', 'grants.id')
      .where('grants.account', '=', account)
      .where('grants.ended_at', 'is', null)
      .select(['grants.id', 'grants.account', 'grants.client', 'grants.scope', 'grants.created_at'])
      .select(({ fn }) => [
        fn.max('refresh_tokens.hash').as('refresh'),
        fn.max('refresh_tokens.last_used_at').as('refreshed_at'),
        fn.max('access_tokens.issued_at').as('issued_at'),
      ])
      .groupBy('grants.id')
      .orderBy('grants.created_at', 'desc')
      .orderBy('grants.id')
      .execute();
    return rows.map((row) => {
      const used = Math.max(row.refreshed_at ?? 0, row.issued_at ?? 0);
      return {
        id: row.id,
        account: row.account,
        client: row.client,
        scope: row.scope,
        createdAt: row.created_at,
        offline: row.refresh !== null,
        lastUsedAt: used === 0 ? null : used,
      };
    });
  }

  /** The account takes one grant back. @returns false when it has no such grant */
  async end(account: string, grant: string): Promise<boolean> {
    return await this.#end(account, 'grant.revoked', (grants) =>
      grants.where('account', '=', account).where('id', '=', grant),
    );
  }

  /** The account takes back all that it granted to a client or app. @returns false when there was nothing */
  async endClient(account: string, client: string): Promise<boolean> {
    return await this.#end(account, 'grant.revoked', (grants) =>
      grants.where('account', '=', account).where('client', '=', client),
    );
  }

  /**
   * What revoke does: the grant behind a refresh or access token ends, and with it every token of the pair.
   * @returns false when the token is unknown or has ended already
   */
  async endToken(token: string): Promise<boolean> {
    const hash = hashOf(token);
    const row =
      (await this.#db
        .selectFrom('refresh_tokens')
        .select('grant')
        .where('hash', '=', hash)
        .executeTakeFirst()) ??
      (await this.#db
        .selectFrom('access_tokens')
        .select('grant')
        .where('hash', '=', hash)
        .where('expires_at', '>', this.#deps.clock.now())
        .executeTakeFirst());
    return (
      row !== undefined &&
      (await this.#end(null, 'grant.revoked-by-token', (grants) => grants.where('id', '=', row.grant)))
    );
  }

  /**
   * A code came a second time (RFC 6749 section 4.1.2): what was made from it ends. The grant of an app is shared by all
   * its profiles, so of that only the access tokens end.
   */
  async codeReplayed(hash: string, sharedByProfiles: boolean): Promise<void> {
    // With the row gone, an exchange that is under way in this moment comes to nothing too.
    const row = await this.#db
      .deleteFrom('codes')
      .where('hash', '=', hash)
      .returning('used_grant')
      .executeTakeFirst();
    const grant = row?.used_grant ?? null;
    if (grant === null) return;
    if (!sharedByProfiles) {
      await this.#end(null, 'grant.code-replayed', (grants) => grants.where('id', '=', grant));
      return;
    }
    await endAccessTokens(this.#db, (grants) => grants.where('id', '=', grant));
    this.#rightsEnded();
  }

  /**
   * The password of an account was changed, or it was disabled. Its access tokens end, and codes under way. Its refresh
   * tokens stand, because servers that nobody watches live by them; while it is disabled they are refused.
   */
  async accountChanged(account: string): Promise<void> {
    await endAccessTokens(this.#db, (grants) => grants.where('account', '=', account));
    await endPendingCodes(this.#db, (codes) => codes.where('account', '=', account));
    this.#rightsEnded();
  }

  /** The account is about to be deleted: all that it granted ends. */
  async accountGone(account: string): Promise<void> {
    await this.#end(null, 'grant.account-gone', (grants) => grants.where('account', '=', account));
    await this.#db.deleteFrom('codes').where('account', '=', account).execute();
    await this.#db.deleteFrom('grants').where('account', '=', account).execute();
  }

  async #end(by: string | null, event: string, which: WhichGrants): Promise<boolean> {
    const ended = await this.#db.transaction().execute(async (trx) => {
      const rows = await endGrants(trx, this.#deps.clock, which);
      for (const { account, client } of rows) {
        // A consent page that is still open may not undo what its account has just taken back.
        if (by !== null)
          await endPendingCodes(trx, (codes) =>
            codes.where('account', '=', account).where('client', '=', client),
          );
        await audit(trx, this.#deps.clock).record({ account: by, subject: account, event, detail: client });
      }
      return rows;
    });
    this.#rightsEnded();
    await this.#announce(ended);
    return ended.length > 0;
  }

  async #announce(ended: readonly EndedGrant[]): Promise<void> {
    for (const { account, client } of ended) {
      const left = await this.#db
        .selectFrom('grants')
        .select('id')
        .where('account', '=', account)
        .where('client', '=', client)
        .where('ended_at', 'is', null)
        .executeTakeFirst();
      if (left === undefined) for (const listener of this.#listeners) listener(account, client);
    }
  }

  async #countPending(account: string, client: string): Promise<number> {
    const { count } = await this.#db
      .selectFrom('codes')
      .where('account', '=', account)
      .where('client', '=', client)
      .where('offline', '=', wants.refreshToken)
      .where('used_grant', 'is', null)
      .where('expires_at', '>', this.#deps.clock.now())
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return count;
  }
}
