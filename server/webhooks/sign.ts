import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/** A fresh secret, as Standard Webhooks writes them. @param bytes 24 to 64 of them, that nobody can guess */
export function makeSecret(bytes: Uint8Array): string {
  return PREFIX + Buffer.from(bytes).toString('base64');
}

/**
 * The headers that prove a call (https://www.standardwebhooks.com, "Signature scheme"): HMAC-SHA-256 over id, time and body.
 * @param seconds since 1970, of this try: receivers refuse calls that are too old
 */
export function signedHeaders(
  secret: string,
  id: string,
  seconds: number,
  body: string,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const mac = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${mac}` };
}
