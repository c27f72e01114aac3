import { describe, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { ReveilleError } from '../../protocol/errors.ts';
import { appIdOf, makeKeyPair, readDerKey, readKeyFile, readPublicKey } from './app-key.ts';

/** The public key of the Cordova test app, as its manifest shows it; its id is known from Chromium (reference 4.1). */
const cordova = {
  id: 'kjekknklmiaigfaaibdfhpojpjggolfm',
  key:
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAh6XIwsoka6hUjQ+YvR+4URrYVjsSAVuPCmqIi1LQhBWiwInV2nviFVS5mbok4GMr3GXQNSaC' +
    'N2u9e1lQXgz9/+6strxVfwHfPM1oRn0lJmwYozqGYBrRLkFrdIV3+/ECW3fMYDVJXOohsbs/m+DEkKaEXZXM1AkSKRsgtTKls9qBjOK8lZF7rKPN8Rx0' +
    'ikqUS8i42Llxc3OfgXWi99WH/VByrxZbc/EvR/HKM9MzzGvAy1510vVB2MbveX5YAxgvTIJUAC8ZUv5RnfYK4GWGQoF+n83o6YIIONfC3pnM0gRfLIaz' +
    '4+gZaY3KuYocpNHp6b/bRhr49kT/oER8TkOW7QIDAQAB',
};

const openssl = (args: string[], input: string | Buffer): Buffer =>
  execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] });

const pair = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ReveilleError && error.code === 'input-invalid') return error.sentence;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('app keys', () => {
  test('AP1 the id of a known app comes out of its key', () => {
    expect(readPublicKey(cordova.key).id).toBe(cordova.id as never);
  });

  test('AP1 the id is what openssl and the alphabet make of the same key', () => {
    const der = openssl(['pkey', '-pubin', '-outform', 'DER'], pair.publicKey);
    const hex = openssl(['dgst', '-sha256', '-r'], der).toString().slice(0, 32);
    const letters = hex.replace(
      /[0-9a-f]/g,
      (digit) => 'abcdefghijklmnop'['0123456789abcdef'.indexOf(digit)] ?? '',
    );
    expect(appIdOf(der)).toBe(letters as never);
    expect(readPublicKey(pair.publicKey).id).toBe(letters as never);
  });

  test('AP2 base64 with line breaks, in quotes, and PEM are one key', () => {
    const plain = readPublicKey(cordova.key);
    expect(readPublicKey(`"${cordova.key}"`).id).toBe(plain.id);
    expect(readPublicKey(` ${cordova.key.replace(/.{64}/g, '$&\n')}\n`).key).toBe(cordova.key);
    expect(readPublicKey(pair.publicKey).key).toBe(pair.publicKey.replace(/-----.*-----|\n/g, ''));
  });

  test('AP2 what is no key of an extension is refused with what is wrong', () => {
    expect(refusal(() => readPublicKey(''))).toContain('base64');
    expect(refusal(() => readPublicKey('hello world!'))).toContain('base64');
    expect(refusal(() => readPublicKey('AAAA'))).toContain('not a public key');
    expect(refusal(() => readPublicKey(pair.privateKey))).toContain('private key');
    const elliptic = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    expect(refusal(() => readPublicKey(elliptic.publicKey))).toContain('RSA');
    const short = generateKeyPairSync('rsa', {
      modulusLength: 512,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    expect(refusal(() => readPublicKey(short.publicKey))).toContain('1024');
  });

  test('AP2 a key with bytes behind it is not a second id for the same key', () => {
    const der = Buffer.from(cordova.key, 'base64');
    expect(refusal(() => readDerKey(Buffer.concat([der, Buffer.from([0])])))).toMatch(
      /canonical|not a public key/,
    );
  });

  test('AP4 a key file answers its public half, in both PEM forms', () => {
    const expected = readPublicKey(pair.publicKey).id;
    expect(readKeyFile(pair.privateKey).id).toBe(expected);
    const old = openssl(['rsa', '-traditional'], pair.privateKey).toString();
    expect(old).toContain('BEGIN RSA PRIVATE KEY');
    expect(readKeyFile(old).id).toBe(expected);
  });

  test('AP4 an encrypted, foreign or broken key file is refused with what to do', () => {
    const encrypted = openssl(['pkcs8', '-topk8', '-passout', 'pass:secret'], pair.privateKey).toString();
    expect(refusal(() => readKeyFile(encrypted))).toContain('encrypted');
    expect(refusal(() => readKeyFile(pair.publicKey))).toContain('no private key');
    expect(
      refusal(() => readKeyFile('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----')),
    ).toContain('cannot be read');
  });

  test('AP3 a made pair is RSA 2048 and its halves belong together', async () => {
    const made = await makeKeyPair();
    expect(made.appKey.object.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(readKeyFile(made.privatePem).id).toBe(made.appKey.id);
  });
});
