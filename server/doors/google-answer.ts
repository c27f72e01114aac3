import { errorTable, type ReveilleError } from '../../protocol/errors.ts';

/** Headers of every answer of the API doors (reference 1.2: the captured answer carried these). */
const apiHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json; charset=UTF-8',
  'Cache-Control': 'private, max-age=0',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'SAMEORIGIN',
};

/** A JSON answer laid out as googleapis.com did: one space per level and a final newline, or one line when not `pretty`. */
export function googleJson(
  status: number,
  value: unknown,
  pretty = true,
  headers: Record<string, string> = {},
): Response {
  const text = pretty ? `${JSON.stringify(value, null, 1)}\n` : JSON.stringify(value);
  return new Response(text, { status, headers: { ...apiHeaders, ...headers } });
}

/** Google's error envelope of the time, `errors` first, with our sentence as the message (reference 1.2). */
export function googleError(error: ReveilleError, pretty = true): Response {
  const entry = errorTable[error.code];
  const place = error.facts.location === undefined ? {} : { location: error.facts.location };
  const body = {
    error: {
      errors: [{ domain: entry.domain, reason: entry.reason, message: error.sentence, ...place }],
      code: error.status,
      message: error.sentence,
    },
  };
  return googleJson(error.status, body, pretty, factHeaders(error));
}

/** The headers that belong to an error: Retry-After, Allow, WWW-Authenticate (RFC 9110, RFC 6750 section 3). */
export function factHeaders(error: ReveilleError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (error.facts.retryAfterSeconds !== undefined)
    headers['Retry-After'] = String(error.facts.retryAfterSeconds);
  if (error.facts.allow !== undefined) headers.Allow = error.facts.allow;
  if (error.code === 'token-missing') headers['WWW-Authenticate'] = 'Bearer realm="reveille"';
  if (error.code === 'token-invalid')
    headers['WWW-Authenticate'] = 'Bearer realm="reveille", error="invalid_token"';
  if (error.code === 'scope-insufficient')
    headers['WWW-Authenticate'] = 'Bearer realm="reveille", error="insufficient_scope"';
  return headers;
}
