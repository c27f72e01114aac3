import { withCors } from '../doors/cors.ts';

/** OAuth's error codes that Google's endpoints gave (reference 3.2). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'redirect_uri_mismatch';

export interface TokenAnswer {
  readonly accessToken: string;
  /** Whole seconds that are left of it. */
  readonly expiresIn: number;
  readonly refreshToken?: string | undefined;
  /** Why something that may have been expected is not there. */
  readonly hint?: string | undefined;
}

/** Neither a browser nor a proxy may keep an answer with a token in it (RFC 6749 section 5.1). */
const tokenHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-cache, no-store, max-age=0, must-revalidate',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Flat JSON as the token endpoint laid it out: two spaces, and a space before the colon. Shell scripts cut the token out of
 * it line by line, so `access_token` has the first line to itself (reference 3.2).
 */
export function layOut(members: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(members).map(([name, value]) => `  "${name}" : ${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

/** 200 with a token. */
export function tokenAnswer(answer: TokenAnswer): Response {
  const members: Record<string, string | number> = {
    access_token: answer.accessToken,
    token_type: 'Bearer',
    expires_in: answer.expiresIn,
  };
  if (answer.refreshToken !== undefined) members.refresh_token = answer.refreshToken;
  const headers: Record<string, string> = { ...tokenHeaders };
  if (answer.hint !== undefined) headers['Reveille-Hint'] = answer.hint;
  return withCors(new Response(layOut(members), { headers }));
}

/**
 * A refusal: the code alone in the body, as it was; what exactly was wrong stands in the header `Reveille-Hint`.
 * @param status 401 when the client could not be told (RFC 6749 section 5.2), else 400
 */
export function errorAnswer(
  code: OAuthErrorCode,
  hint: string | undefined,
  {
    status = 400,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const hinted = hint === undefined ? {} : { 'Reveille-Hint': hint };
  return withCors(
    new Response(layOut({ error: code }), { status, headers: { ...tokenHeaders, ...hinted, ...headers } }),
  );
}

/**
 * An answer that says nothing of the credentials: 429, 503 and the like, in plain words. Never JSON: Google's old Python
 * client throws its credentials away for good when it reads a member `error` here.
 */
export function plainAnswer(status: number, sentence: string, retryAfterSeconds?: number): Response {
  const headers: Record<string, string> = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  return withCors(new Response(`${sentence}\n`, { status, headers }));
}

/** The lock-out as it was in 2013: a page for people, 403, and not a word on when to come back (reference 3.2). */
export function lockOutPage(): Response {
  const html = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>403 Forbidden</title></head>
<body><h1>403 Forbidden</h1><p>Too many tokens were asked for. Try again in a while.</p></body></html>
`;
  return withCors(
    new Response(html, {
      status: 403,
      headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' },
    }),
  );
}
