import type OAuth2Server from '@node-oauth/oauth2-server';
import { isAppId } from '../../protocol/app-id.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { AppOwners } from '../core/app-owners.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { RateLimit } from '../doors/rate-limit.ts';
import type { TokenAnswer } from './answers.ts';
import type { Clients } from './clients.ts';
import { type Code, findCode, spendCode, wants } from './codes.ts';
import type { Grants, StandingRefresh } from './grants.ts';
import { TokenRefusal } from './refusal.ts';
import { scopesOf } from './scopes.ts';
import { makeId } from './token-shapes.ts';

type Model = OAuth2Server.AuthorizationCodeModel & OAuth2Server.RefreshTokenModel;

export interface TokenDeps {
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly owners: AppOwners;
  /** Of answers that repeat a fresh token, and of tokens really issued; each by refresh token. */
  readonly repeats: RateLimit;
  readonly issues: RateLimit;
}

/**
 * What the library asks of us during one token request. The library walks the steps of RFC 6749 sections 4.1.3 and 6 and
 * of RFC 7636; here is what they rest on. One object per request: it remembers who the client proved to be, because a
 * code and a refresh token are judged with their client.
 */
export class TokenModel implements Model {
  readonly #deps: TokenDeps;
  readonly #redirectUri: string | undefined;
  #client: string | undefined;
  #code: Code | undefined;
  #grant: string | undefined;
  #refresh: StandingRefresh | undefined;
  /** What goes out, once the library has walked all its steps. */
  answer: TokenAnswer | undefined;

  constructor(deps: TokenDeps, redirectUri: string | undefined) {
    this.#deps = deps;
    this.#redirectUri = redirectUri;
  }

  /** A project's client proves itself with its secret, always; an installed app is public and has none (RFC 6749 2.1). */
  async getClient(id: string, secret?: string): Promise<OAuth2Server.Client | false> {
    const isPublic = isAppId(id) && (await this.#deps.owners.find(id)) !== undefined;
    // The library lets a verifier stand in for the secret; for a confidential client that would be a way around it.
    const found = isPublic ? { id } : secret ? await this.#deps.clients.authenticate(id, secret) : undefined;
    if (found === undefined) return false;
    this.#client = id;
    return { id, grants: isPublic ? ['authorization_code'] : ['authorization_code', 'refresh_token'] };
  }

  async getAuthorizationCode(text: string): Promise<OAuth2Server.AuthorizationCode | false> {
    const code = await findCode(this.#deps.db, text);
    if (code === undefined || code.client !== this.#client) return false;
    if (code.usedGrant !== null) return await this.#replayed(code);
    if (code.expiresAt <= this.#deps.clock.now())
      throw new TokenRefusal('invalid_grant', 'The code is older than 60 seconds.');
    if (code.challenge === null && isAppId(code.client))
      throw new TokenRefusal('invalid_grant', 'An app needs PKCE.');
    this.#code = code;
    return {
      authorizationCode: text,
      // The clock of the server was asked above; the library asks the host's.
      expiresAt: new Date(Date.now() + 60_000),
      redirectUri: code.redirectUri,
      scope: [...scopesOf(code.scope)],
      client: { id: code.client, grants: ['authorization_code'] },
      user: { id: code.account },
      ...(code.challenge === null ? {} : { codeChallenge: code.challenge, codeChallengeMethod: 'S256' }),
    };
  }

  /** Spends the code before the verifier and the redirect are looked at: a wrong guess costs the code. */
  async revokeAuthorizationCode(): Promise<boolean> {
    const code = this.#code;
    if (code === undefined) return false;
    this.#grant = makeId(this.#deps.random);
    if (!(await spendCode(this.#deps.db, code.hash, this.#grant))) return await this.#replayed(code);
    if (code.redirectUri !== this.#redirectUri) {
      throw new TokenRefusal('redirect_uri_mismatch', 'Send the redirect_uri of the authorization request.');
    }
    return true;
  }

  async getRefreshToken(refreshToken: string): Promise<OAuth2Server.RefreshToken | false> {
    if (this.#client === undefined) return false;
    const refresh = await this.#deps.grants.findRefresh(refreshToken, this.#client);
    this.#refresh = refresh;
    return {
      refreshToken,
      scope: [...scopesOf(refresh.scope)],
      client: { id: refresh.client, grants: ['refresh_token'] },
      user: { id: refresh.account },
    };
  }

  /** Tokens do not rotate, so the library never asks. */
  async revokeToken(): Promise<boolean> {
    return false;
  }

  /** Tokens are made in `saveToken`, in one transaction with what they rest on. */
  async generateAccessToken(): Promise<string> {
    return '';
  }

  async generateRefreshToken(): Promise<string> {
    return '';
  }

  async getAccessToken(): Promise<false> {
    return false;
  }

  async saveAuthorizationCode(): Promise<false> {
    return false;
  }

  /** All steps are walked: the exchange, or the answer to a refresh. */
  async saveToken(
    token: OAuth2Server.Token,
    client: OAuth2Server.Client,
    user: OAuth2Server.User,
  ): Promise<OAuth2Server.Token> {
    this.answer = this.#refresh === undefined ? await this.#exchange() : await this.#refreshed(this.#refresh);
    return { ...token, accessToken: this.answer.accessToken, client, user };
  }

  async #replayed({ hash, client }: Code): Promise<never> {
    await this.#deps.grants.codeReplayed(hash, isAppId(client));
    throw new TokenRefusal('invalid_grant', 'The code was used before; what was made from it has ended.');
  }

  async #exchange(): Promise<TokenAnswer> {
    if (this.#code === undefined || this.#grant === undefined)
      throw new Error('an exchange without a spent code');
    const { accessToken, expiresAt, refreshToken } = await this.#deps.grants.exchange(
      this.#code,
      this.#grant,
    );
    return { accessToken, expiresIn: this.#secondsTo(expiresAt), refreshToken, hint: hintOf(this.#code) };
  }

  /** The two limits are apart, so that a sender that refreshes at every refusal is not locked out of its own token. */
  async #refreshed(refresh: StandingRefresh): Promise<TokenAnswer> {
    const fresh = await this.#deps.grants.repeat(refresh);
    if (fresh !== undefined) {
      this.#deps.repeats.assert(refresh.hash, 'Keep the access token for the time that "expires_in" says.');
      return { accessToken: fresh.accessToken, expiresIn: this.#secondsTo(fresh.expiresAt) };
    }
    this.#deps.issues.assert(
      refresh.hash,
      'This refresh token was given too many access tokens within the hour.',
    );
    const { accessToken, expiresAt } = await this.#deps.grants.issue(refresh);
    return { accessToken, expiresIn: this.#secondsTo(expiresAt) };
  }

  #secondsTo(expiresAt: number): number {
    return Math.floor((expiresAt - this.#deps.clock.now()) / 1_000);
  }
}

/** Why an exchange brings no refresh token, for the developer who wonders. */
function hintOf(code: Code): string | undefined {
  if (code.wants === wants.refreshToken) return undefined;
  if (isAppId(code.client)) return 'An installed app gets no refresh token: its device token carries on.';
  return code.wants === wants.remembered
    ? 'No refresh token: this account had consented before. Ask for the code with approval_prompt=force to get another.'
    : 'No refresh token: ask for the code with access_type=offline, and with approval_prompt=force if consent was given before.';
}
