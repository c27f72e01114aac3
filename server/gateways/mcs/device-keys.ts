import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../../core/clock.ts';

/** The MACs that the house makes (config/secrets.ts). */
export interface MacRing {
  /** HMAC-SHA-256 by every key of the ring; the first key makes. */
  macs(purpose: string, data: string): readonly Uint8Array[];
}

/** Who a browser profile is to us, as check-in gave it. */
export interface DeviceCredentials {
  /** Not 0 and below 2^63: Chromium repeats it as a signed number. */
  readonly id: bigint;
  readonly token: bigint;
}

const PURPOSE = 'mcs device';
const LARGEST_ID = (1n << 63n) - 1n;

/**
 * Ids and security tokens of Chromium's push client. A token is a MAC of its id, so nothing is stored, and a server that
 * lost its database knows every device again.
 */
export class DeviceKeys {
  readonly #ring: MacRing;
  readonly #random: Random;

  constructor(ring: MacRing, random: Random) {
    this.#ring = ring;
    this.#random = random;
  }

  create(): DeviceCredentials {
    let id = 0n;
    while (id === 0n) id = read64(this.#random(8)) & LARGEST_ID;
    return { id, token: this.#tokens(id)[0] as bigint };
  }

  proves({ id, token }: DeviceCredentials): boolean {
    if (id <= 0n || id > LARGEST_ID) return false;
    let good = false;
    for (const expected of this.#tokens(id))
      if (timingSafeEqual(bytesOf(expected), bytesOf(token))) good = true;
    return good;
  }

  /** The device that two decimal numbers prove; undefined when they do not. */
  readDecimal(id: string, token: string): bigint | undefined {
    if (!DECIMAL.test(id) || !DECIMAL.test(token)) return undefined;
    const credentials = { id: BigInt(id), token: BigInt.asUintN(64, BigInt(token)) };
    return this.proves(credentials) ? credentials.id : undefined;
  }

  /** 64 bits of the MAC: what the protocol has room for. 0 would mean "none". */
  #tokens(id: bigint): bigint[] {
    return this.#ring.macs(PURPOSE, String(id)).map((mac) => read64(mac) || 1n);
  }
}

const DECIMAL = /^[1-9][0-9]{0,19}$/;

function read64(bytes: Uint8Array): bigint {
  return Buffer.from(bytes).readBigUInt64BE();
}

function bytesOf(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
