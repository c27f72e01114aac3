import OAuth2Server from '@node-oauth/oauth2-server';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { bounds } from './bounds.ts';
import { issueCode, type Wants } from './codes.ts';
import { scopesOf } from './scopes.ts';
import { makeCode } from './token-shapes.ts';

type Model = OAuth2Server.AuthorizationCodeModel;

interface CodeDeps {
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly random: Random;
}

/** Whose code it is, in which sign-in, and what its exchange will give. */
export interface CodeFor {
  readonly account: string;
  readonly signIn: string;
  readonly wants: Wants;
}

/**
 * Issues the code of a request that was found good and that its person agrees to. The library walks RFC 6749 section 4.1.1
 * and RFC 7636 section 4.3 once more on the way; the redirect is ours, because `state` must go back byte by byte.
 */
export async function issueThroughLibrary(
  request: AuthorizationRequest,
  codeFor: CodeFor,
  deps: CodeDeps,
): Promise<string> {
  const server = new OAuth2Server({ model: new AuthorizationModel(request, codeFor, deps) });
  const query: Record<string, string> = {
    client_id: request.asker.id,
    redirect_uri: request.redirectUri,
    response_type: 'code',
    scope: request.scope,
  };
  if (request.challenge !== null) {
    query.code_challenge = request.challenge;
    query.code_challenge_method = 'S256';
  }
  const { authorizationCode } = await server.authorize(
    new OAuth2Server.Request({ method: 'GET', headers: {}, query }),
    new OAuth2Server.Response(),
    {
      authenticateHandler: { handle: () => ({ id: codeFor.account }) },
      allowEmptyState: true,
      authorizationCodeLifetime: bounds.codeMs / 1_000,
    },
  );
  return authorizationCode;
}

class AuthorizationModel implements Model {
  readonly #request: AuthorizationRequest;
  readonly #codeFor: CodeFor;
  readonly #deps: CodeDeps;

  constructor(request: AuthorizationRequest, codeFor: CodeFor, deps: CodeDeps) {
    this.#request = request;
    this.#codeFor = codeFor;
    this.#deps = deps;
  }

  async getClient(id: string): Promise<OAuth2Server.Client | false> {
    const { asker, redirectUri } = this.#request;
    return id === asker.id && { id, grants: ['authorization_code'], redirectUris: [redirectUri] };
  }

  async generateAuthorizationCode(): Promise<string> {
    return makeCode(this.#deps.random);
  }

  async saveAuthorizationCode(
    code: Pick<
      OAuth2Server.AuthorizationCode,
      'authorizationCode' | 'expiresAt' | 'redirectUri' | 'codeChallenge'
    >,
    client: OAuth2Server.Client,
    user: OAuth2Server.User,
  ): Promise<OAuth2Server.AuthorizationCode> {
    const { account, signIn, wants } = this.#codeFor;
    await issueCode(this.#deps.db, this.#deps.clock, code.authorizationCode, {
      account,
      client: this.#request.asker.id,
      scope: this.#request.scope,
      redirectUri: code.redirectUri,
      wants,
      challenge: code.codeChallenge ?? null,
      signIn,
    });
    return { ...code, scope: [...scopesOf(this.#request.scope)], client, user };
  }

  async getAuthorizationCode(): Promise<false> {
    return false;
  }

  async revokeAuthorizationCode(): Promise<boolean> {
    return false;
  }

  async getAccessToken(): Promise<false> {
    return false;
  }

  async saveToken(): Promise<false> {
    return false;
  }
}
