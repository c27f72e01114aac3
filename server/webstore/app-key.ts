import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';

/** The public key of an app: what its id is made of, and what the manifest's `key` holds. */
export interface AppKey {
  readonly id: AppId;
  /** Base64 of the DER SubjectPublicKeyInfo, as the manifest's `key` holds it. */
  readonly key: string;
  readonly object: KeyObject;
}

/** RSA bits that we take: the oldest extensions have 1024, Chromium makes 2048. */
const MODULUS_BITS = { least: 1024, most: 8192 } as const;
const MADE_BITS = 2048;

/**
 * The id of an app (reference 4.1): SHA-256 of its DER SubjectPublicKeyInfo, the first 16 bytes in hex digits, each
 * digit 0-f written as a letter a-p.
 */
export function appIdOf(der: Uint8Array): AppId {
  const hex = createHash('sha256').update(der).digest('hex').slice(0, 32);
  return appIdOfHex(hex);
}

/** 32 hex digits in the letters a-p. */
export function appIdOfHex(hex: string): AppId {
  return Array.from(hex, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join('') as AppId;
}

/**
 * Reads the public key of an app: the manifest's `key` (base64, line breaks allowed) or PEM.
 * @throws `input-invalid` with a sentence that says what is wrong with it.
 */
export function readPublicKey(text: string): AppKey {
  const trimmed = text.trim().replace(/^"(.*)"$/s, '$1');
  if (trimmed.includes('PRIVATE KEY'))
    throw new ReveilleError(
      'input-invalid',
      'This is a private key. Paste the public key here, or upload the file as key.pem.',
    );
  const base64 = trimmed.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
    throw new ReveilleError(
      'input-invalid',
      'The key must be base64 as in "key" of manifest.json, or a PEM public key.',
    );
  return readDerKey(Buffer.from(base64, 'base64'));
}

/**
 * Reads a DER SubjectPublicKeyInfo. Only the one canonical encoding of a key counts, so that one key has one id.
 * @throws `input-invalid` when it is no RSA key or of a size that no extension has.
 */
export function readDerKey(der: Uint8Array): AppKey {
  const object = parseKey(der);
  const bits = object.asymmetricKeyDetails?.modulusLength ?? 0;
  if (object.asymmetricKeyType !== 'rsa' || bits < MODULUS_BITS.least || bits > MODULUS_BITS.most)
    throw new ReveilleError('input-invalid', 'The key of an extension is an RSA key of 1024 to 8192 bits.');
  return appKeyOf(object, der);
}

function parseKey(der: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new ReveilleError(
      'input-invalid',
      'This is not a public key (DER SubjectPublicKeyInfo).',
      {},
      cause,
    );
  }
}

function appKeyOf(object: KeyObject, given?: Uint8Array): AppKey {
  const der = object.export({ format: 'der', type: 'spki' });
  if (given !== undefined && !der.equals(given))
    throw new ReveilleError(
      'input-invalid',
      'The key is not in its canonical encoding: it has bytes too many.',
    );
  return { id: appIdOf(der), key: der.toString('base64'), object };
}

/**
 * Reads an unencrypted private key file (key.pem: PKCS#8 or PKCS#1) and answers the public half.
 * The private half is dropped here: it proves, it is not kept.
 * @throws `input-invalid` when it is no such key.
 */
export function readKeyFile(pem: string): AppKey {
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem))
    throw new ReveilleError(
      'input-invalid',
      'The key file is encrypted. Sign the challenge instead: the key then stays with you.',
    );
  if (!pem.includes('PRIVATE KEY'))
    throw new ReveilleError('input-invalid', 'The file holds no private key in PEM form.');
  try {
    return readDerKey(createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    if (cause instanceof ReveilleError) throw cause;
    throw new ReveilleError('input-invalid', 'The private key in the file cannot be read.', {}, cause);
  }
}

const generate = promisify(generateKeyPair);

/** Makes a key pair for an app; the private key as PKCS#8 PEM, which is what Chromium packs extensions with. */
export async function makeKeyPair(): Promise<{ readonly appKey: AppKey; readonly privatePem: string }> {
  // Off the event loop: finding two primes takes longer than a push may wait.
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: MADE_BITS });
  return {
    appKey: appKeyOf(publicKey),
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}
