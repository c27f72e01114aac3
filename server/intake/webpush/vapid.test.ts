import { describe, expect, test } from 'bun:test';
import { SenderKeys } from '../../../dev-env/push-crypto.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { assertSender, readVapid } from './vapid.ts';

const ORIGIN = 'https://push.example.net';
const NOW = Date.parse('2026-11-24T08:00:00Z');
const origins = new Set([ORIGIN, 'https://fcm.googleapis.com']);
const keys = new SenderKeys();
const claims = { aud: ORIGIN, exp: NOW / 1_000 + 3_600, sub: 'mailto:a@example.com' };

const read = (headers: Record<string, string>, now = NOW) => readVapid(new Headers(headers), origins, now);
const vapid = (token: string, k = keys.publicText) => ({ Authorization: `vapid t=${token}, k=${k}` });

/** What is said of a push that is refused. */
function fault(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ReveilleError) return `${error.code}: ${error.detail ?? ''}`;
  }
  return 'taken';
}

describe('signatures that are taken', () => {
  const { publicText: k } = keys;
  const token = keys.token(claims);
  const padded = Buffer.from(k, 'base64url').toString('base64');
  const styles: Record<string, Record<string, string>> = {
    'vapid t, k': { Authorization: `vapid t=${token}, k=${k}` },
    'without a space': { Authorization: `vapid t=${token},k=${k}` },
    'k first, upper case, quoted': { Authorization: `VAPID k="${k}", t="${token}"` },
    'with a semicolon': { Authorization: `vapid t=${token};k=${k}` },
    'base64 with padding': { Authorization: `vapid t=${token}, k=${padded}` },
    WebPush: { Authorization: `WebPush ${token}`, 'Crypto-Key': `p256ecdsa=${k}` },
    Bearer: { Authorization: `Bearer ${token}`, 'Crypto-Key': `dh=abc;p256ecdsa=${padded}` },
    'with a comma': { Authorization: `Bearer ${token}`, 'Crypto-Key': `p256ecdsa=${k}, dh=abc` },
  };
  for (const [name, headers] of Object.entries(styles)) {
    test(`WP8 style: ${name}`, () => expect(read(headers)).toEqual(keys.point));
  }

  const lenient: Record<string, string> = {
    'without sub': keys.token({ aud: ORIGIN, exp: claims.exp }),
    'without typ': keys.token(claims, { alg: 'ES256' }),
    'aud with a path': keys.token({ ...claims, aud: `${ORIGIN}/wpush/x` }),
    'aud with the usual port': keys.token({ ...claims, aud: `${ORIGIN}:443` }),
    'a list in aud': keys.token({ ...claims, aud: ['https://elsewhere.example', ORIGIN] }),
    'a full day ahead by a clock a minute fast': keys.token({ ...claims, exp: NOW / 1_000 + 86_460 }),
    'expired by a clock a minute slow': keys.token({ ...claims, exp: NOW / 1_000 - 60 }),
  };
  for (const [name, lenientToken] of Object.entries(lenient)) {
    test(`WP8 leniency: ${name}`, () => expect(read(vapid(lenientToken))).toEqual(keys.point));
  }

  test('WP10 aud may be a host that Chromium pastes', () => {
    const chromium = keys.token({ ...claims, aud: 'https://fcm.googleapis.com' });
    expect(read(vapid(chromium))).toEqual(keys.point);
  });

  test('WP8 a push without Authorization is not signed, whatever other headers say', () => {
    expect(read({})).toBeUndefined();
    expect(read({ 'Crypto-Key': `p256ecdsa=${k}` })).toBeUndefined();
  });
});

describe('signatures that are not', () => {
  const other = new SenderKeys();
  const token = keys.token(claims);
  const [head = '', body = '', signature = ''] = token.split('.');
  const offCurve = Buffer.from(keys.point);
  offCurve[64] = (offCurve[64] ?? 0) ^ 1;
  const seconds = (ahead: number) => keys.token({ ...claims, exp: NOW / 1_000 + ahead });
  const faults: [string, Record<string, string>, RegExp][] = [
    ['an unknown scheme', { Authorization: 'key=AIza' }, /scheme vapid, WebPush or Bearer/],
    ['no token', { Authorization: `vapid k=${keys.publicText}` }, /no token.*vapid t=/],
    ['no key', { Authorization: `vapid t=${token}` }, /no public key/],
    ['no Crypto-Key', { Authorization: `WebPush ${token}` }, /Crypto-Key: p256ecdsa=/],
    ['a short key', vapid(token, 'BA1H'), /65 bytes/],
    ['a key with other letters', vapid(token, `${keys.publicText}!`), /65 bytes/],
    ['a key off the curve', vapid(token, offCurve.toString('base64url')), /point of P-256/],
    ['two parts', vapid(`${head}.${body}`), /three parts/],
    ['four parts', vapid(`${token}.x`), /three parts/],
    ['no JSON', vapid(`${head}.e30x.${signature}`), /claims of the token cannot be read/],
    ['claims that are no object', vapid(`${head}.NQ.${signature}`), /claims of the token cannot be read/],
    ['alg none', vapid(keys.token(claims, { alg: 'none' })), /ES256/],
    ['alg HS256', vapid(keys.token(claims, { alg: 'HS256' })), /ES256/],
    ['a short signature', vapid(`${head}.${body}.AAAA`), /64 bytes/],
    ['another key', vapid(token, other.publicText), /private key that belongs/],
    ['changed claims', vapid(`${head}.${body.slice(0, -4)}fQ.${signature}`), /claims|private key/],
    ['expired', vapid(seconds(-61)), /expired 61 seconds ago.*clock/],
    ['over a day ahead', vapid(seconds(86_461)), /more than 24 hours ahead/],
    ['exp in milliseconds', vapid(keys.token({ ...claims, exp: NOW })), /more than 24 hours ahead.*seconds/],
    ['exp as text', vapid(keys.token({ ...claims, exp: String(claims.exp) })), /"exp" must be a number/],
    ['no exp', vapid(keys.token({ aud: ORIGIN })), /"exp" must be a number/],
    ['no aud', vapid(keys.token({ exp: claims.exp })), /"aud" is missing/],
    ['a number in aud', vapid(keys.token({ ...claims, aud: 7 })), /"aud" is missing/],
    ['another aud', vapid(keys.token({ ...claims, aud: 'https://x.example' })), /"aud" is "https:\/\/x.exam/],
    ['a host in aud', vapid(keys.token({ ...claims, aud: 'push.example.net' })), /must be the origin/],
  ];
  for (const [name, headers, told] of faults) {
    test(`WP8 fault: ${name}`, () => {
      const said = fault(() => read(headers));
      expect(said).toStartWith('vapid-invalid');
      expect(said).toMatch(told);
    });
  }
});

describe('the vector of RFC 8292', () => {
  // Section 2.4.
  const headers = {
    Authorization:
      'vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs',
  };

  test('WP8 it was good in its time and has expired since', () => {
    expect(read(headers, 1_453_500_000_000)).toHaveLength(65);
    expect(fault(() => read(headers))).toMatch(/expired/);
  });
});

describe('restricted subscriptions', () => {
  const other = new SenderKeys().point;
  const faults = (senderKey: string | null, shown: Buffer | undefined) =>
    fault(() => assertSender(senderKey, shown)).split(':')[0];

  test('WP9 only the key that the subscription was made for may push', () => {
    expect(faults(keys.publicText, keys.point)).toBe('taken');
    expect(faults(keys.point.toString('base64'), keys.point)).toBe('taken');
    expect(faults(keys.publicText, undefined)).toBe('vapid-missing');
    expect(faults(keys.publicText, other)).toBe('vapid-foreign');
    expect(faults('745476177629', other)).toBe('vapid-foreign');
  });

  test('WP9 one that was made for nobody in particular takes every push', () => {
    expect(faults(null, undefined)).toBe('taken');
    expect(faults(null, other)).toBe('taken');
  });
});
