import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { readBase64, readParameters, readPoint } from './header-values.ts';

const HOUR_MS = 3_600_000;

/** A signed token and the key it is said to be signed with, as they stand in the headers. */
interface Claimed {
  readonly token: string;
  readonly key: string;
}

/**
 * Checks who sent a push (RFC 8292). Lenient where real senders need it: both header styles, keys in either alphabet of
 * base64 with or without padding, `typ` and `sub` may be missing, `aud` may be a list or have a path.
 * @param origins every origin that this server answers for.
 * @returns the sender's public key, or undefined when the push is not signed.
 * @throws `vapid-invalid`.
 */
export function readVapid(headers: Headers, origins: ReadonlySet<string>, now: number): Buffer | undefined {
  const claimed = readClaimed(headers);
  if (claimed === undefined) return undefined;
  const point = readPoint(claimed.key);
  const key = point && publicKeyOf(point);
  if (point === undefined || key === undefined)
    throw fault('The public key (k) must be a point of P-256: 65 bytes in base64url.');
  const claims = readSigned(claimed.token, key);
  checkExpiry(claims.exp, now);
  checkAudience(claims.aud, origins);
  return point;
}

/**
 * May this sender push to a subscription that was made for `senderKey`?
 * @throws `vapid-missing` when the push is not signed, `vapid-foreign` when it is signed with another key.
 */
export function assertSender(senderKey: string | null, shown: Buffer | undefined): void {
  if (senderKey === null) return;
  if (shown === undefined) throw new ReveilleError('vapid-missing');
  if (readPoint(senderKey)?.equals(shown) !== true) throw new ReveilleError('vapid-foreign');
}

function readClaimed(headers: Headers): Claimed | undefined {
  const authorization = headers.get('authorization')?.trim();
  if (authorization === undefined || authorization === '') return undefined;
  const [scheme = '', ...rest] = authorization.split(/\s+/);
  switch (scheme.toLowerCase()) {
    case 'vapid': {
      const parameters = readParameters(rest.join(' '));
      return claimedOf(parameters.get('t'), parameters.get('k'), 'Write "vapid t=<token>, k=<public key>".');
    }
    // The draft of 2016: the key is in a header of its own.
    case 'webpush':
    case 'bearer': {
      const key = readParameters(headers.get('crypto-key') ?? '').get('p256ecdsa');
      return claimedOf(rest[0], key, 'With this scheme the key is in "Crypto-Key: p256ecdsa=<public key>".');
    }
    default:
      throw fault('The Authorization must be of the scheme vapid, WebPush or Bearer.');
  }
}

function claimedOf(token: string | undefined, key: string | undefined, remedy: string): Claimed {
  if (token === undefined || token === '') throw fault(`There is no token. ${remedy}`);
  if (key === undefined || key === '') throw fault(`There is no public key. ${remedy}`);
  return { token, key };
}

/** The key of a point; undefined when it does not lie on the curve. */
function publicKeyOf(point: Buffer): KeyObject | undefined {
  const x = point.subarray(1, 33).toString('base64url');
  const y = point.subarray(33).toString('base64url');
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** The claims of a token (RFC 7515, ES256 only) whose signature holds. */
function readSigned(token: string, key: KeyObject): { readonly exp?: unknown; readonly aud?: unknown } {
  const [head = '', body = '', signature = '', ...more] = token.split('.');
  const { alg } = readJson(head, 'head') as { alg?: unknown };
  const claims = readJson(body, 'claims');
  if (more.length > 0 || signature === '') throw fault('The token must have three parts.');
  if (alg !== 'ES256') throw fault('The token must be signed with ES256.');
  const bytes = readBase64(signature);
  if (bytes?.length !== 64) throw fault('The signature must have 64 bytes.');
  const signed = Buffer.from(`${head}.${body}`);
  if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes))
    throw fault('The signature was not made with the private key that belongs to the public key (k).');
  return claims;
}

function readJson(part: string, what: string): object {
  try {
    const value: unknown = JSON.parse(readBase64(part)?.toString() ?? '');
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, like any other value that is no object.
  }
  throw fault(`The ${what} of the token cannot be read.`);
}

function checkExpiry(exp: unknown, now: number): void {
  if (typeof exp !== 'number' || !Number.isFinite(exp))
    throw fault('"exp" must be a number: seconds since 1970.');
  const leftMs = exp * 1_000 - now;
  if (leftMs < -limits.vapidSkewMs)
    throw fault(`It expired ${Math.ceil(-leftMs / 1_000)} seconds ago; is the clock of the sender right?`);
  if (leftMs > limits.vapidHours * HOUR_MS + limits.vapidSkewMs)
    throw fault(
      `"exp" is more than ${limits.vapidHours} hours ahead; is it in seconds, and is the clock right?`,
    );
}

function checkAudience(aud: unknown, origins: ReadonlySet<string>): void {
  const named = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string');
  if (named.some((one) => origins.has(originOf(one)))) return;
  const told = named.length === 0 ? 'missing' : `"${String(named[0]).slice(0, 80)}"`;
  throw fault(`"aud" is ${told}; it must be the origin of the endpoint: ${[...origins][0]}.`);
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : text;
}

function fault(detail: string): ReveilleError {
  return new ReveilleError('vapid-invalid', detail, { location: 'Authorization' });
}
