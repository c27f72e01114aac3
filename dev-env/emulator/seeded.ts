import { checkPrimeSync, createECDH, createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { PushKey } from '../../server/config/push-key.ts';
import type { Random } from '../../server/core/clock.ts';
import { type makeKeyPair, readDerKey } from '../../server/webstore/app-key.ts';

/**
 * What an emulator has in the place of chance: the same seed makes the same ids, tokens and keys in the same order. Who
 * knows the seed knows them all, which is what a test wants and nobody else may have.
 */

/** Bytes that follow from a seed: SHA-512 over it and a counter. */
export function seededBytes(seed: string): Random {
  let block = 0;
  return (bytes) => {
    const out = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 64) {
      const digest = createHash('sha512').update(`${block++} ${seed}`).digest();
      out.set(digest.subarray(0, Math.min(64, bytes - at)), at);
    }
    return out;
  };
}

/** The key pair of the server's own pushes. */
export function seededPushKey(random: Random): PushKey {
  const privateKey = Buffer.from(random(32));
  // Below the order of the curve, whatever the seed.
  privateKey[0] = (privateKey[0] ?? 0) & 0x7f;
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(privateKey);
  return { publicKey: pair.getPublicKey('base64url'), privateKey: privateKey.toString('base64url') };
}

/** Half of an RSA key of 1024 bits: the least that an app may have, and made twenty times faster than 2048. */
const PRIME_BYTES = 64;
const EXPONENT = 65_537n;

/** As `makeKeyPair` of the extension store. */
export function seededKeyPairs(random: Random): typeof makeKeyPair {
  return async () => {
    const p = primeOf(random);
    const q = primeOf(random);
    const d = inverse(EXPONENT, (p - 1n) * (q - 1n));
    const parts = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
    const entries = Object.entries(parts).map(([name, value]) => [name, base64url(value)] as const);
    const key = createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(entries) }, format: 'jwk' });
    return {
      appKey: readDerKey(createPublicKey(key).export({ format: 'der', type: 'spki' })),
      privatePem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    };
  };
}

function primeOf(random: Random): bigint {
  for (;;) {
    const bytes = Buffer.from(random(PRIME_BYTES));
    // The two highest bits make the product as long as it should be.
    bytes[0] = (bytes[0] ?? 0) | 0xc0;
    bytes[PRIME_BYTES - 1] = (bytes[PRIME_BYTES - 1] ?? 0) | 1;
    const candidate = BigInt(`0x${bytes.toString('hex')}`);
    if (candidate % EXPONENT !== 1n && checkPrimeSync(candidate)) return candidate;
  }
}

/** The number that `value` times it leaves 1 of `modulus`, by Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, next] = [modulus, value % modulus];
  let [factor, nextFactor] = [0n, 1n];
  while (next !== 0n) {
    const times = rest / next;
    [rest, next] = [next, rest - times * next];
    [factor, nextFactor] = [nextFactor, factor - times * nextFactor];
  }
  return factor < 0n ? factor + modulus : factor;
}

function base64url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}
