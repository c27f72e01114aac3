import { createDecipheriv, createECDH, createPrivateKey, hkdfSync, sign } from 'node:crypto';
import type { PushHeaders } from '../server/core/store.ts';

const TAG_BYTES = 16;
const utf8 = (text: string) => Buffer.from(text);

/** What a browser makes when it subscribes: its keys for encrypted pushes, and how it reads them (RFC 8291). */
export class PushKeys {
  readonly #private: Buffer;
  /** `p256dh`. */
  readonly point: Buffer;
  readonly auth: Buffer;

  constructor(privateKey: Buffer, auth: Buffer) {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(privateKey);
    this.#private = privateKey;
    this.point = ecdh.getPublicKey();
    this.auth = auth;
  }

  /** Keys that nobody else has. */
  static make(): PushKeys {
    const ecdh = createECDH('prime256v1');
    ecdh.generateKeys();
    const key = Buffer.concat([Buffer.alloc(32), ecdh.getPrivateKey()]).subarray(-32);
    return new PushKeys(key, Buffer.from(crypto.getRandomValues(new Uint8Array(16))));
  }

  /** As `PushSubscription.toJSON()` gives them. */
  get json(): { readonly p256dh: string; readonly auth: string } {
    return { p256dh: this.point.toString('base64url'), auth: this.auth.toString('base64url') };
  }

  /** The text of a push of one record. @throws Error when it was not encrypted for these keys. */
  decrypt(body: Buffer, headers: PushHeaders): string {
    if (headers.encoding === 'aes128gcm') return this.#decryptAes128gcm(body);
    const salt = Buffer.from(parameter(headers.encryption, 'salt'), 'base64url');
    return this.#decryptAesgcm(body, salt, Buffer.from(parameter(headers.cryptoKey, 'dh'), 'base64url'));
  }

  #decryptAes128gcm(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 21 + (body[20] ?? 0));
    const info = Buffer.concat([utf8('WebPush: info\0'), this.point, sender]);
    const ikm = Buffer.from(hkdfSync('sha256', this.#secret(sender), this.auth, info, 32));
    const key = hkdfSync('sha256', ikm, salt, utf8('Content-Encoding: aes128gcm\0'), 16);
    const nonce = hkdfSync('sha256', ikm, salt, utf8('Content-Encoding: nonce\0'), 12);
    const padded = open(body.subarray(21 + sender.length), key, nonce);
    // RFC 8188 section 2: a byte of 2 ends the text of the last record, zeros follow.
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }

  /** The draft of 2016: draft-ietf-webpush-encryption-04. */
  #decryptAesgcm(body: Buffer, salt: Buffer, sender: Buffer): string {
    const ikm = Buffer.from(
      hkdfSync('sha256', this.#secret(sender), this.auth, utf8('Content-Encoding: auth\0'), 32),
    );
    const length = Buffer.from([0, 65]);
    const context = Buffer.concat([utf8('P-256\0'), length, this.point, length, sender]);
    const info = (name: string) => Buffer.concat([utf8(`Content-Encoding: ${name}\0`), context]);
    const key = hkdfSync('sha256', ikm, salt, info('aesgcm'), 16);
    const nonce = hkdfSync('sha256', ikm, salt, info('nonce'), 12);
    const padded = open(body, key, nonce);
    return padded.subarray(2 + padded.readUInt16BE(0)).toString();
  }

  #secret(sender: Buffer): Buffer {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(this.#private);
    return ecdh.computeSecret(sender);
  }
}

function open(record: Buffer, key: ArrayBuffer, nonce: ArrayBuffer): Buffer {
  const decipher = createDecipheriv('aes-128-gcm', Buffer.from(key), Buffer.from(nonce));
  decipher.setAuthTag(record.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(record.subarray(0, -TAG_BYTES)), decipher.final()]);
}

function parameter(value: string | undefined, name: string): string {
  return new RegExp(`${name}=([\\w-]+)`).exec(value ?? '')?.[1] ?? '';
}

/** An application server's key pair, and how it signs (RFC 8292). */
export class SenderKeys {
  readonly point: Buffer;
  /** JWK. */
  readonly #jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string };

  constructor() {
    const ecdh = createECDH('prime256v1');
    this.point = ecdh.generateKeys();
    const d = Buffer.concat([Buffer.alloc(32), ecdh.getPrivateKey()])
      .subarray(-32)
      .toString('base64url');
    const [x, y] = [this.point.subarray(1, 33), this.point.subarray(33)];
    this.#jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url'), d };
  }

  /** The public key as the browser and the header `k` name it. */
  get publicText(): string {
    return this.point.toString('base64url');
  }

  /** The private key as libraries of senders take it. */
  get privateText(): string {
    return this.#jwk.d;
  }

  get jwk(): Readonly<Record<string, string>> {
    return { ...this.#jwk, alg: 'ES256' };
  }

  /** A signed token with these claims; `head` replaces the usual one. */
  token(claims: object, head: object = { typ: 'JWT', alg: 'ES256' }): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part(head)}.${part(claims)}`;
    const key = createPrivateKey({ key: this.#jwk, format: 'jwk' });
    return `${text}.${sign('sha256', utf8(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
}
