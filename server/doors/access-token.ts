import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/** As nearly everyone writes it (RFC 6750, 2.1); to test costs less than to take apart. */
const PLAIN = /^Bearer [\w.~+/=-]+$/;
const AUTHORIZATION = /^(?:Bearer|OAuth)(?: +(\S+))? *$/i;

/**
 * IN5: the access token of a request in the forms that senders of the time used (reference 1.1): the header with `Bearer` or
 * `OAuth`, else `?access_token=` or `?oauth_token=`. The header wins. Answers undefined when there is none.
 * @throws `token-invalid` for one that is too long to be ours, `token-missing` for another scheme, such as Basic.
 */
export function readAccessToken(request: Request, url: URL): string | undefined {
  const header = request.headers.get('authorization');
  const token = header === null ? fromQuery(url) : fromHeader(header);
  if (token !== undefined && token.length > limits.tokenCharacters) {
    throw new ReveilleError('token-invalid', 'It is too long to be a token of this service.');
  }
  return token;
}

function fromHeader(header: string): string | undefined {
  if (PLAIN.test(header)) return header.slice('Bearer '.length);
  const match = AUTHORIZATION.exec(header);
  if (match === null)
    throw new ReveilleError('token-missing', 'The Authorization header holds no bearer token.');
  return match[1];
}

function fromQuery(url: URL): string | undefined {
  if (url.search === '') return undefined;
  return url.searchParams.get('access_token') ?? url.searchParams.get('oauth_token') ?? undefined;
}
