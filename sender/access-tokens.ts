import { readRetryAfter, SendError } from './send-error.ts';

/** What the token endpoint is asked with. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
}

/** How long before its end a token is no longer used: it must outlive the request that carries it. */
const SPARE_MS = 60_000;

/** Access tokens from one refresh token: kept until shortly before their end, and fetched once for all who wait (SE2). */
export class AccessTokens {
  readonly #request: (body: URLSearchParams) => Promise<Response>;
  readonly #credentials: Credentials;
  readonly #now: () => number;
  #kept: { readonly token: string; readonly until: number } | undefined;
  #underWay: Promise<string> | undefined;

  /** @param request posts a form to the token endpoint; rejects with a SendError when no answer comes. */
  constructor(
    request: (body: URLSearchParams) => Promise<Response>,
    credentials: Credentials,
    now: () => number,
  ) {
    this.#request = request;
    this.#credentials = credentials;
    this.#now = now;
  }

  /** A token that is good for another minute. @throws SendError. */
  get(): Promise<string> {
    if (this.#kept !== undefined && this.#now() < this.#kept.until) return Promise.resolve(this.#kept.token);
    this.#underWay ??= this.#refresh().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** Forgets `token`, unless a later one has taken its place. */
  drop(token: string): void {
    if (this.#kept?.token === token) this.#kept = undefined;
  }

  async #refresh(): Promise<string> {
    const { clientId, clientSecret, refreshToken } = this.#credentials;
    const answer = await this.#request(
      new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        client_secret: clientSecret,
        refresh_token: refreshToken,
      }),
    );
    if (answer.status !== 200) throw await tokenError(answer);
    const { token, seconds } = await readToken(answer);
    this.#kept = { token, until: this.#now() + seconds * 1_000 - SPARE_MS };
    return token;
  }
}

async function readToken(answer: Response): Promise<{ token: string; seconds: number }> {
  const body = (await answer.json().catch(() => ({}))) as { access_token?: unknown; expires_in?: unknown };
  if (typeof body.access_token === 'string' && typeof body.expires_in === 'number') {
    return { token: body.access_token, seconds: body.expires_in };
  }
  throw new SendError('unexpected', 'The token endpoint answered 200 without an access token.', {
    status: 200,
  });
}

/** RFC 6749 section 5.2: `{"error", "error_description"}`; of 429 and 503 the body is plain text. */
async function tokenError(answer: Response): Promise<SendError> {
  const { status } = answer;
  const facts = { status, retryAfter: readRetryAfter(answer) };
  if (status === 429 || (status === 403 && facts.retryAfter !== undefined)) {
    return new SendError(
      'rate-limited',
      'The token endpoint answers too many requests of this refresh token.',
      facts,
    );
  }
  if (status >= 500) return new SendError('unavailable', `The token endpoint answered ${status}.`, facts);
  const body = (await answer.json().catch(() => ({}))) as { error?: unknown; error_description?: unknown };
  if (typeof body.error !== 'string')
    return new SendError('unexpected', `The token endpoint answered ${status}.`, facts);
  const why =
    typeof body.error_description === 'string' ? `${body.error}: ${body.error_description}` : body.error;
  return new SendError(
    'token-refused',
    `The token endpoint refused the refresh token or the client: ${why}`,
    facts,
  );
}
