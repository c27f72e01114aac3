import { createHash } from 'node:crypto';
import type { Random } from '../../core/clock.ts';
import type { HolderId } from '../../core/subscription.ts';

/** The MACs that the house makes and checks (config/secrets.ts). */
export interface UaidKeys {
  mac(purpose: string, data: string): Uint8Array;
  verifyMac(purpose: string, data: string, mac: Uint8Array): boolean;
}

const PURPOSE = 'uaid';
const ID_BYTES = 16;
const MAC_BYTES = 32;
const SHAPE = new RegExp(`^[0-9a-f]{${2 * (ID_BYTES + MAC_BYTES)}}$`);

/**
 * What a client calls itself by ("user agent id"). It is the client's only credential, so nothing that others see may show it:
 * endpoints, store and log know the holder, which is its hash (docs/decisions/0095).
 */
export class Uaids {
  readonly #keys: UaidKeys;
  readonly #random: Random;

  constructor(keys: UaidKeys, random: Random) {
    this.#keys = keys;
    this.#random = random;
  }

  /** A uaid that nobody has: 96 hexadecimal digits, an id and its MAC. Firefox takes up to 128 characters. */
  issue(): string {
    const id = Buffer.from(this.#random(ID_BYTES)).toString('hex');
    return id + Buffer.from(this.#keys.mac(PURPOSE, id)).toString('hex');
  }

  /** True for a uaid that these keys have issued, whether or not anything is kept of it. */
  issued(uaid: string): boolean {
    if (!SHAPE.test(uaid)) return false;
    const id = uaid.slice(0, 2 * ID_BYTES);
    return this.#keys.verifyMac(PURPOSE, id, Buffer.from(uaid.slice(2 * ID_BYTES), 'hex'));
  }
}

/** Who holds the subscriptions of a uaid. */
export function holderOf(uaid: string): HolderId {
  return `autopush:${createHash('sha256').update(uaid).digest('base64url').slice(0, 22)}`;
}
