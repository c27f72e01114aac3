import type { AppId } from '../../protocol/app-id.ts';
import { bounds } from './bounds.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Why a text cannot be registered as a redirect of a client; undefined when it can.
 * https anywhere, plain http on loopback only; no fragment (RFC 6749 section 3.1.2), no user or password in it.
 */
export function redirectFault(text: string): string | undefined {
  if (text.length > bounds.redirectUriCharacters)
    return `It has more than ${bounds.redirectUriCharacters} characters.`;
  // Wildcards, spaces and control characters have no place in an address that is compared character by character.
  if (!/^[\x21-\x7e]+$/.test(text) || text.includes('*') || text.includes('\\'))
    return 'It has a character that no address has.';
  if (!URL.canParse(text)) return 'It is not a whole address: it begins with https:// and names a host.';
  const url = new URL(text);
  if (text.includes('#')) return 'It has a fragment (#).';
  if (url.username !== '' || url.password !== '') return 'It has a user name in it.';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'It begins with neither https:// nor http://.';
  return LOOPBACK.test(url.hostname)
    ? undefined
    : 'Plain http is for this machine only (localhost, 127.0.0.1, [::1]).';
}

/**
 * Does an app's sign-in come back to the app? Its own host at chromiumapp.org, which the browser gives to that extension
 * alone, with any path; or one of the redirects registered with the app, character by character.
 */
export function isRedirectOfApp(app: AppId, registered: readonly string[], text: string): boolean {
  if (registered.includes(text)) return true;
  return text.startsWith(`https://${app}.chromiumapp.org/`) && redirectFault(text) === undefined;
}

/**
 * The way back to a client: its redirect as it was registered, our parameters, and `state` byte by byte as it came.
 * @param rawState the still encoded value of the request; undefined when there was none (an empty one goes back empty)
 */
export function redirectBack(
  redirectUri: string,
  parameters: Readonly<Record<string, string>>,
  rawState: string | undefined,
): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encodeValue(value)}`);
  if (rawState !== undefined) pairs.push(`state=${rawState}`);
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

/** A slash may stand in a query (RFC 3986 section 3.4), and codes were always seen as `4/…`. */
const encodeValue = (value: string): string => encodeURIComponent(value).replaceAll('%2F', '/');
