import { type ErrorCode, errorTable, type ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

/**
 * Cross-origin rules of these doors: any origin, because a page may push to itself and an endpoint is its own authority.
 * Authorization and the others have to be named: `*` does not cover them.
 */
const cors: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Location, Link, TTL, Retry-After, WWW-Authenticate, Preference-Applied',
};

const preflightHeaders: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Headers':
    'Authorization, Content-Encoding, Content-Type, Crypto-Key, Encryption, Last-Event-ID, Prefer, Push-Receipt, TTL, Topic, Urgency',
  'Access-Control-Max-Age': '7200',
  'Access-Control-Allow-Private-Network': 'true',
};

/** autopush's numbers, which its senders look at (reference, section 4). */
const errnos: Partial<Record<ErrorCode, number>> = {
  'endpoint-unknown': 102,
  'not-found': 102,
  'endpoint-gone': 106,
  'body-too-large': 104,
  'vapid-missing': 109,
  'vapid-invalid': 109,
  'vapid-foreign': 109,
  'encryption-invalid': 110,
  'ttl-invalid': 111,
  'topic-invalid': 113,
  'ttl-negative': 114,
  'store-full': 201,
  unavailable: 201,
  overloaded: 201,
  internal: 999,
};

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** An answer of these doors. */
export function pushAnswer(
  status: number,
  body: ReadableStream | string | null,
  headers: Record<string, string>,
): Response {
  return new Response(body, {
    status,
    headers: { ...cors, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', ...headers },
  });
}

export function pushJson(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  const type = { 'Content-Type': 'application/json; charset=utf-8' };
  return pushAnswer(status, `${JSON.stringify(value, null, 1)}\n`, { ...type, ...headers });
}

/** Answers a preflight for `methods`, such as "GET, DELETE". */
export function pushPreflight(methods: string): Response {
  return pushAnswer(204, null, { ...preflightHeaders, 'Access-Control-Allow-Methods': methods });
}

/** autopush's error envelope, with our sentence as the message. */
export function pushError(error: ReveilleError): Response {
  const { status } = error;
  const body = {
    code: status,
    errno: errnos[error.code] ?? null,
    error: titles[status] ?? errorTable[error.code].reason,
    message: error.sentence,
    more_info: 'docs/web-push.md',
  };
  return pushJson(status, body, headersOf(error));
}

function headersOf({ code, status, facts }: ReveilleError): Record<string, string> {
  const headers: Record<string, string> = {};
  const retry = facts.retryAfterSeconds ?? (status === 503 ? limits.unavailableRetrySeconds : undefined);
  if (retry !== undefined) headers['Retry-After'] = String(retry);
  if (facts.allow !== undefined) headers.Allow = facts.allow;
  if (status === 401) headers['WWW-Authenticate'] = 'vapid';
  // It does not come back under this address, so proxies may answer for a day.
  if (code === 'endpoint-gone') headers['Cache-Control'] = 'max-age=86400';
  return headers;
}
