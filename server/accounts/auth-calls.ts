import { ReveilleError } from '../../protocol/errors.ts';
import type { From } from './account.ts';
import { type Auth, addressHeader, apiPath } from './auth.ts';
import { passwordLength } from './credentials.ts';

/**
 * Calls better-auth through its own door, so that its rate limits and checks hold for pages and programs alike.
 * Only what we name here reaches it: no header of the client goes through by itself.
 * @param path such as `/sign-in/email`
 * @throws ReveilleError what better-auth refused, in our words
 */
export async function callAuth(
  auth: Auth,
  path: string,
  body: object,
  from: From,
  cookie?: string | null,
): Promise<Response> {
  const origin = new URL(auth.options.baseURL).origin;
  const headers = new Headers({ 'content-type': 'application/json', origin, [addressHeader]: from.address });
  headers.set('user-agent', from.userAgent.slice(0, 400));
  if (cookie) headers.set('cookie', cookie);
  const request = new Request(`${origin}${apiPath}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const response = await auth.handler(request);
  if (response.ok) return response;
  throw await refusalOf(response);
}

const linkGone = () =>
  new ReveilleError('input-invalid', 'This link is too old, or was used. Ask for another one.', {
    location: 'token',
  });

/** better-auth's codes that a person can do something about, in our words. */
const refusals: Readonly<Record<string, () => ReveilleError>> = {
  ACCOUNT_DISABLED: () => new ReveilleError('account-disabled'),
  INVALID_EMAIL_OR_PASSWORD: () => new ReveilleError('credentials-wrong'),
  INVALID_PASSWORD: () => new ReveilleError('credentials-wrong'),
  INVALID_EMAIL: () =>
    new ReveilleError('input-invalid', 'That is not an e-mail address.', { location: 'email' }),
  PASSWORD_TOO_SHORT: () =>
    new ReveilleError('input-invalid', `A password has at least ${passwordLength.min} characters.`, {
      location: 'password',
    }),
  PASSWORD_TOO_LONG: () =>
    new ReveilleError('input-invalid', `A password has at most ${passwordLength.max} characters.`, {
      location: 'password',
    }),
  INVALID_TOKEN: linkGone,
  USER_NOT_FOUND: linkGone,
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: () =>
    new ReveilleError('input-invalid', 'There is an account with this e-mail address: sign in.', {
      location: 'email',
    }),
};

async function refusalOf(response: Response): Promise<ReveilleError> {
  if (response.status === 429) {
    const retryAfterSeconds = Number(response.headers.get('x-retry-after') ?? 60);
    return new ReveilleError('rate-limited', 'Too many tries from this address.', { retryAfterSeconds });
  }
  const body: unknown = await response.json().catch(() => ({}));
  const code = typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : '';
  const known = refusals[code];
  if (known !== undefined) return known();
  if (response.status >= 500)
    return new ReveilleError('internal', `better-auth answered ${response.status} ${code}`);
  return new ReveilleError(response.status === 401 ? 'forbidden' : 'input-invalid');
}

/** What a browser sends back of `Set-Cookie` values: the value of a Cookie header. */
export const cookieOf = (setCookies: readonly string[]): string =>
  setCookies.map((cookie) => cookie.split(';', 1)[0] ?? '').join('; ');
