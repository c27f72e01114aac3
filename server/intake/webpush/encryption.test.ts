import { describe, expect, test } from 'bun:test';
import { PushKeys } from '../../../dev-env/push-crypto.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { readEncryption } from './encryption.ts';

/** RFC 8291 section 5. */
const vector = {
  receiver: new PushKeys(
    Buffer.from('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'base64url'),
    Buffer.from('BTBZMqHH6r4Tts7J_aSIgg', 'base64url'),
  ),
  point: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  body: Buffer.from(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
    'base64url',
  ),
  text: 'When I grow up, I want to be a watermelon',
};
const salt = 'DGv6ra1nlYgDCS1FRnbzlw';
const dh = 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8';
const aesgcm = {
  'Content-Encoding': 'aesgcm',
  Encryption: `keyid=p256dh;salt=${salt}==`,
  'Crypto-Key': `keyid=p256dh;dh="${Buffer.from(dh, 'base64url').toString('base64')}",p256ecdsa=x`,
};

const read = (headers: Record<string, string>, body: Uint8Array = vector.body) =>
  readEncryption(new Headers(headers), body);

function fault(headers: Record<string, string>, body?: Uint8Array): string {
  try {
    read(headers, body);
  } catch (error) {
    if (error instanceof ReveilleError && error.code === 'encryption-invalid')
      return `${error.facts.location}: ${error.detail}`;
  }
  return 'taken';
}

/** The vector with one byte of another value. */
const changed = (at: number, byte: number) => {
  const body = Buffer.from(vector.body);
  body[at] = byte;
  return body;
};

describe('encodings that are taken', () => {
  test('WP7 the vector of RFC 8291, which its receiver can read', () => {
    const headers = read({ 'Content-Encoding': 'aes128gcm' });
    expect(headers).toEqual({ encoding: 'aes128gcm' });
    expect(vector.receiver.json.p256dh).toBe(vector.point);
    expect(vector.receiver.decrypt(vector.body, { encoding: 'aes128gcm' })).toBe(vector.text);
  });

  test('WP7 aes128gcm beside headers that hold neither salt nor key', () => {
    const beside = { 'Crypto-Key': 'p256ecdsa=BA1H', Encryption: 'keyid=x' };
    expect(read({ 'Content-Encoding': ' AES128GCM ', ...beside })).toEqual({ encoding: 'aes128gcm' });
  });

  test('WP7 aesgcm, with salt and key handed on without quotes, padding and company', () => {
    expect(read(aesgcm)).toEqual({ encoding: 'aesgcm', encryption: `salt=${salt}`, cryptoKey: `dh=${dh}` });
  });

  test('WP7 no body is a push without data, whatever its headers say', () => {
    for (const headers of [{}, aesgcm, { 'Content-Encoding': 'gzip' }])
      expect(read(headers, new Uint8Array())).toBeNull();
  });
});

describe('encodings that are not', () => {
  const one = { 'Content-Encoding': 'aes128gcm' };
  const faults: [string, string, RegExp][] = [
    ['no encoding', fault({}), /^Content-Encoding: .*aes128gcm/],
    ['an unknown one', fault({ 'Content-Encoding': 'gzip' }), /^Content-Encoding: .*not "gzip"/],
    ['salt in a header', fault({ ...one, Encryption: `salt=${salt}` }), /^Encryption: .*in the body/],
    ['key in a header', fault({ ...one, 'Crypto-Key': `dh=${dh}` }), /^Crypto-Key: .*in the body/],
    ['a plain text', fault(one, Buffer.from('hello')), /^body: .*shorter than the head/],
    ['a longer plain text', fault(one, Buffer.alloc(200, 'hello ')), /^body: .*public key/],
    ['a record size of 17', fault(one, changed(18, 0).fill(17, 19, 20)), /^body: The record size/],
    ['no key id', fault(one, changed(20, 0)), /^body: .*public key, 65 bytes/],
    ['a compressed key', fault(one, changed(21, 2)), /^body: .*begin with 4/],
    ['nothing behind the head', fault(one, vector.body.subarray(0, 102)), /^body: .*no whole record/],
    ['aesgcm without salt', fault({ ...aesgcm, Encryption: 'keyid=x' }), /^Encryption: /],
    ['aesgcm with a short salt', fault({ ...aesgcm, Encryption: 'salt=AAAA' }), /^Encryption: .*16 bytes/],
    ['aesgcm without key', fault({ ...aesgcm, 'Crypto-Key': 'p256ecdsa=x' }), /^Crypto-Key: /],
    ['aesgcm with a short key', fault({ ...aesgcm, 'Crypto-Key': 'dh=BP4z' }), /^Crypto-Key: .*65 bytes/],
    ['aesgcm with a short body', fault(aesgcm, Buffer.alloc(16)), /^body: .*shorter than one record/],
  ];
  for (const [name, said, told] of faults) test(`WP7 fault: ${name}`, () => expect(said).toMatch(told));
});
