import { ReveilleError } from '../../../protocol/errors.ts';
import type { PushHeaders } from '../../core/store.ts';
import { readBase64, readParameters, readPoint } from './header-values.ts';

const SALT_BYTES = 16;
/** Salt, record size, length of the key id (RFC 8188 section 2.1). */
const PREFIX_BYTES = 21;
const KEY_ID_BYTES = 65;
/** The tag of AES-GCM and the byte that ends the padding: an empty text encrypted. */
const RECORD_BYTES_MIN = 17;
/** RFC 8188 section 2.1: a record of fewer bytes could hold nothing. */
const RECORD_SIZE_MIN = 18;

/**
 * How a push is encrypted, from its headers and the head of its body. A browser drops what it cannot decrypt without a word,
 * so a sender learns here what is wrong.
 * @returns null for a push without a body, whatever its headers say.
 * @throws `encryption-invalid`.
 */
export function readEncryption(headers: Headers, body: Uint8Array): PushHeaders | null {
  if (body.length === 0) return null;
  const encoding = headers.get('content-encoding')?.trim().toLowerCase();
  if (encoding === 'aes128gcm') return readAes128gcm(headers, body);
  if (encoding === 'aesgcm') return readAesgcm(headers, body);
  if (encoding === undefined || encoding === '')
    throw fault('Content-Encoding', 'A push with a body needs "Content-Encoding: aes128gcm".');
  throw fault(
    'Content-Encoding',
    `The Content-Encoding must be aes128gcm or aesgcm, not "${encoding.slice(0, 40)}".`,
  );
}

/** RFC 8291 section 4: everything is in the body. Salt and key in headers are a sign of two ways mixed up. */
function readAes128gcm(headers: Headers, body: Uint8Array): PushHeaders {
  if (parametersOf(headers, 'encryption').has('salt'))
    throw fault('Encryption', 'With aes128gcm the salt is in the body, not in an Encryption header.');
  if (parametersOf(headers, 'crypto-key').has('dh'))
    throw fault('Crypto-Key', 'With aes128gcm the key is in the body, not in a Crypto-Key header.');
  const view = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (view.length < PREFIX_BYTES) throw fault('body', 'The body is shorter than the head of aes128gcm.');
  if (view.readUInt32BE(SALT_BYTES) < RECORD_SIZE_MIN)
    throw fault('body', `The record size in the body is below ${RECORD_SIZE_MIN}.`);
  if (view[PREFIX_BYTES - 1] !== KEY_ID_BYTES || view[PREFIX_BYTES] !== 4)
    throw fault(
      'body',
      "The key id in the body must be the sender's public key, 65 bytes that begin with 4.",
    );
  if (view.length < PREFIX_BYTES + KEY_ID_BYTES + RECORD_BYTES_MIN)
    throw fault('body', 'The body has no whole record behind its head.');
  return { encoding: 'aes128gcm' };
}

/** The draft of 2016 that libraries still send: salt and key are in headers. */
function readAesgcm(headers: Headers, body: Uint8Array): PushHeaders {
  const salt = parametersOf(headers, 'encryption').get('salt');
  if (salt === undefined || readBase64(salt)?.length !== SALT_BYTES)
    throw fault('Encryption', 'aesgcm needs "Encryption: salt=<16 bytes in base64url>".');
  const key = parametersOf(headers, 'crypto-key').get('dh');
  if (key === undefined || readPoint(key) === undefined)
    throw fault('Crypto-Key', 'aesgcm needs "Crypto-Key: dh=<public key of 65 bytes in base64url>".');
  if (body.length < RECORD_BYTES_MIN) throw fault('body', 'The body is shorter than one record.');
  return { encoding: 'aesgcm', encryption: `salt=${plain(salt)}`, cryptoKey: `dh=${plain(key)}` };
}

/** base64url without padding, which is what browsers expect. */
function plain(text: string): string {
  return Buffer.from(text, 'base64url').toString('base64url');
}

function parametersOf(headers: Headers, name: string): ReadonlyMap<string, string> {
  return readParameters(headers.get(name) ?? '');
}

function fault(location: string, detail: string): ReveilleError {
  return new ReveilleError('encryption-invalid', detail, { location });
}
