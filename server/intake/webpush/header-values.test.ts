import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { asReveilleError } from '../../../protocol/errors.ts';
import { readEncryption } from './encryption.ts';
import { readBase64, readParameters, readPoint } from './header-values.ts';
import { readPushPath } from './paths.ts';
import { readDeliveryWish } from './push-headers.ts';
import { readVapid } from './vapid.ts';

const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

test('WP8 parameters are read in every way that senders write them', () => {
  const read = (value: string) => Object.fromEntries(readParameters(value));
  expect(read('t=a.b.c, k=BA==')).toEqual({ t: 'a.b.c', k: 'BA==' });
  expect(read(' Keyid = "x" ;DH="y"; dh=z , junk')).toEqual({ keyid: 'x', dh: 'y' });
  expect(read('')).toEqual({});
  expect(read(`a=1,${' '.repeat(5_000)},b=2`)).toEqual({ a: '1' });
});

test('WP8 base64 is read in both alphabets, padded or not', () => {
  for (const text of ['_-8', '/+8', '_-8=', '/+8='])
    expect(readBase64(text)).toEqual(Buffer.from([255, 239]));
  for (const text of ['', '=', 'a b', 'ä', 'a=b']) expect(readBase64(text)).toBeUndefined();
  expect(readPoint(Buffer.alloc(65, 4).toString('base64url'))).toHaveLength(65);
  expect(readPoint(Buffer.alloc(65, 2).toString('base64url'))).toBeUndefined();
  expect(readPoint(Buffer.alloc(64, 4).toString('base64url'))).toBeUndefined();
});

/** Text that can stand in a header: wild, or nearly right. */
const value = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'vapid t=k,;"\\. -_+/0123456789WebPushBearer\tÿ'), maxLength: 80 }),
  fc.constantFrom('vapid t=a.b.c, k=BA', 'WebPush e30.e30.AA', '-1', '1e9', '９', 'aes128gcm', 'aesgcm'),
  fc
    .uint8Array({ maxLength: 90 })
    .map((bytes) => `vapid t=e30.e30.${Buffer.from(bytes).toString('base64url')}`),
  fc.uint8Array({ minLength: 65, maxLength: 65 }).map((bytes) => {
    bytes[0] = 4;
    const key = Buffer.from(bytes).toString('base64url');
    return `dh=${key};salt=${key.slice(0, 22)};t=e30.e30.AA, k=${key}`;
  }),
);
const names = [
  'ttl',
  'topic',
  'urgency',
  'prefer',
  'authorization',
  'crypto-key',
  'encryption',
  'content-encoding',
] as const;

/** Headers, or none when the text is one that no request can carry. */
function headersOf(values: Partial<Record<string, string>>): Headers | undefined {
  try {
    return new Headers(values as Record<string, string>);
  } catch {
    return undefined;
  }
}

test(`WP18 headers and bodies of any form are read or refused (seed ${SEED})`, () => {
  const fields = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
  void fc.assert(
    fc.property(fields, fc.uint8Array({ maxLength: 160 }), (values, body) => {
      const headers = headersOf(values);
      if (headers === undefined) return;
      for (const read of [
        () => readDeliveryWish(headers),
        () => readEncryption(headers, body),
        () => readVapid(headers, new Set(['https://a.example']), 0),
      ]) {
        try {
          read();
        } catch (error) {
          expect(asReveilleError(error).code).not.toBe('internal');
        }
      }
    }),
    { seed: SEED, numRuns: 3_000 },
  );
});

test('WP2 paths name endpoints, messages and receipts, and nothing else', () => {
  for (const path of ['/wpush/t', '/wpush/v1/t', '/wpush/v2/t', '/fcm/send/t', '/wp/t', '/preprod/wp/t'])
    expect(readPushPath(path)).toEqual({ kind: 'push', token: 't' });
  expect(readPushPath('/m/n')).toEqual({ kind: 'message', name: 'n' });
  expect(readPushPath('/receipts/n')).toEqual({ kind: 'receipts', name: 'n' });
  for (const path of ['/wpush/', '/wpush/v3/t', '/wpush/v1/t/u', '/fcm/t', '/m/', '/mm/n'])
    expect(readPushPath(path)).toBeUndefined();
});
