import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secrets } from './secrets.ts';

/** The key pair with which this server signs its pushes (VAPID, RFC 8292), in base64url. */
export interface PushKey {
  /** The uncompressed point: what browsers are given as `applicationServerKey`. */
  readonly publicKey: string;
  /** The scalar, 32 bytes. */
  readonly privateKey: string;
}

const FILE = 'push-key';
const PURPOSE = 'push key';

/**
 * The server's one key pair, made at first start. Every subscription is bound to it for life, so it is kept, sealed by the
 * ring, and not derived from the ring's first key: a rotated ring must not end them all.
 * @throws Error when the file does not open with the keys of this server.
 */
export async function openPushKey(folder: string, secrets: Pick<Secrets, 'seal' | 'open'>): Promise<PushKey> {
  const path = join(folder, FILE);
  if (existsSync(path)) return JSON.parse(secrets.open(PURPOSE, readFileSync(path, 'utf8'))) as PushKey;
  const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
  ]);
  const { x = '', y = '', d = '' } = await crypto.subtle.exportKey('jwk', privateKey);
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const key: PushKey = { publicKey: point.toString('base64url'), privateKey: d };
  writeFileSync(`${path}.part`, secrets.seal(PURPOSE, JSON.stringify(key)), { mode: 0o600 });
  renameSync(`${path}.part`, path);
  return key;
}
