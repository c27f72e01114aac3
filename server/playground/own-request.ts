import { ReveilleError } from '../../protocol/errors.ts';
import type { Sent } from './exchange.ts';
import type { Draft, TokenPlace } from './plays.ts';

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const;

/** Headers that belong to the connection, or that say who is asking: the playground sends none of them. */
const refusedNames: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'origin',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
]);
const refusedBeginnings = ['proxy-', 'sec-', 'x-forwarded-', 'x-real-'];

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Visible characters, blanks and tabs: a line end in a value would begin another header. */
const VALUE = /^[\t\x20-\x7e]{0,4096}$/;

/**
 * The request of step 3, with the access token where the gear wants it; a header Authorization that was typed stands.
 * @param origin of this server: a request to any other is refused, so that nobody reaches other hosts through this one
 * @throws `input-invalid` with what is wrong
 */
export function ownRequest(draft: Draft, origin: string, accessToken: string, place: TokenPlace): Sent {
  const url = urlOf(draft.url, origin);
  const { method } = draft;
  if (!methods.some((known) => known === method)) throw wrong(`The method is one of ${methods.join(', ')}.`);
  const bare = method === 'GET' || method === 'HEAD';
  if (bare && draft.body.trim() !== '')
    throw wrong(`A ${method} request has no body. Empty it, or take POST.`);
  const headers = headersOf(draft.headers);
  const typed = headers.some(([name]) => name.toLowerCase() === 'authorization');
  if (accessToken !== '' && !typed) {
    if (!/^[\x21-\x7e]{1,2048}$/.test(accessToken))
      throw wrong('The access token has characters that no token has.');
    if (place === 'query') url.searchParams.set('access_token', accessToken);
    else headers.unshift(['Authorization', `${place === 'oauth' ? 'OAuth' : 'Bearer'} ${accessToken}`]);
  }
  return { method, url, headers, body: bare ? '' : draft.body };
}

function urlOf(text: string, origin: string): URL {
  const home = new URL(origin);
  if (!URL.canParse(text.trim(), home)) throw wrong('The request URI is not an address.');
  const url = new URL(text.trim(), home);
  if (url.origin !== home.origin || url.username !== '' || url.password !== '')
    throw wrong(`The playground sends to this server only: the request URI begins with ${home.origin}/.`);
  url.hash = '';
  return url;
}

function headersOf(text: string): (readonly [string, string])[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length > 30) throw wrong('At most 30 headers.');
  return lines.map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    const value = line.slice(colon + 1).trim();
    if (!TOKEN.test(name))
      throw wrong(`"${line.slice(0, 80)}" is no header: write one "Name: value" a line.`);
    if (!VALUE.test(value)) throw wrong(`The value of ${name} has a character that no header has.`);
    const lower = name.toLowerCase();
    if (refusedNames.has(lower) || refusedBeginnings.some((beginning) => lower.startsWith(beginning)))
      throw wrong(
        `The playground does not send the header ${name}: it belongs to the connection or names the asker.`,
      );
    return [name, value];
  });
}

const wrong = (sentence: string): ReveilleError => new ReveilleError('input-invalid', sentence);
