import { ReveilleError } from '../../protocol/errors.ts';

/** More than any app has; the list is read at each sign-in. */
const ADDRESSES = 10;
const ADDRESS_CHARACTERS = 512;

/** Where Firefox sends its own extensions back to: no web page can live there. */
const BROWSER_HELD = /^https:\/\/[0-9a-f]{40}\.extensions\.allizom\.org(?:\/|$)/;

/**
 * Origins of a hosted app, one a line: `https://host[:port]`, or http on loopback.
 * @throws `input-invalid` with the line that is wrong.
 */
export function readOrigins(text: string): readonly string[] {
  return linesOf(text).map((line) => {
    const url = readUrl(line);
    if (url.origin !== line.replace(/\/$/, ''))
      throw wrong(line, 'An origin is https://host or https://host:port, nothing behind it.');
    return url.origin;
  });
}

/**
 * Redirect URIs, one a line, kept exactly as given, because they are compared exactly (RFC 6749 section 3.1.2.3).
 * @throws `input-invalid` with the line that is wrong.
 */
export function readRedirectUris(text: string): readonly string[] {
  return linesOf(text).map((line) => {
    const url = readUrl(line);
    if (url.hash !== '' || line.includes('#')) throw wrong(line, 'A redirect URI has no fragment.');
    if (line.includes('*')) throw wrong(line, 'Wildcards are not supported: name each address.');
    return line;
  });
}

/** True when only a browser's own extension machinery can receive at this address. */
export function isHeldByBrowser(redirectUri: string): boolean {
  return BROWSER_HELD.test(redirectUri);
}

function linesOf(text: string): readonly string[] {
  const lines = [...new Set(text.split(/\s+/).filter((line) => line !== ''))];
  if (lines.length > ADDRESSES) throw new ReveilleError('input-invalid', `At most ${ADDRESSES} addresses.`);
  return lines;
}

function readUrl(line: string): URL {
  const url = line.length <= ADDRESS_CHARACTERS ? URL.parse(line) : null;
  if (url === null) throw wrong(line.slice(0, 80), 'This is not an absolute address.');
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))
    throw wrong(line, 'It must be https, or http on this machine.');
  if (url.username !== '' || url.password !== '') throw wrong(line, 'It must not carry a name or password.');
  return url;
}

function wrong(line: string, why: string): ReveilleError {
  return new ReveilleError('input-invalid', `"${line}": ${why}`);
}
