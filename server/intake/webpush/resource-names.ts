import type { Version } from '../../../protocol/version.ts';
import type { Random } from '../../core/clock.ts';

/** The MACs that the house makes and checks (config/secrets.ts). */
export interface NameKeys {
  mac(purpose: string, data: string): Uint8Array;
  verifyMac(purpose: string, data: string, mac: Uint8Array): boolean;
}

const MAC_BYTES = 32;
const RECEIPTS_BYTES = 16;

/**
 * Names of message and receipt resources. Whoever has one may read and take back, so it is signed: versions can be
 * counted up, names cannot.
 */
export class ResourceNames {
  readonly #keys: NameKeys;
  readonly #random: Random;

  constructor(keys: NameKeys, random: Random) {
    this.#keys = keys;
    this.#random = random;
  }

  ofMessage(version: Version): string {
    return this.#seal('push message', String(version));
  }

  /** The version that a name was made for; undefined when it is not ours. */
  message(name: string): Version | undefined {
    const version = this.#open('push message', name);
    return version === undefined ? undefined : (Number(version) as Version);
  }

  /** The id of a receipt subscription that did not exist before. Nothing is kept of it until a push names it. */
  makeReceipts(): string {
    return Buffer.from(this.#random(RECEIPTS_BYTES)).toString('base64url');
  }

  ofReceipts(id: string): string {
    return this.#seal('push receipts', id);
  }

  /** The id that a name was made for; undefined when it is not ours. */
  receipts(name: string): string | undefined {
    return this.#open('push receipts', name);
  }

  #seal(purpose: string, text: string): string {
    return Buffer.concat([this.#keys.mac(purpose, text), Buffer.from(text)]).toString('base64url');
  }

  #open(purpose: string, name: string): string | undefined {
    if (!/^[\w-]{44,120}$/.test(name)) return undefined;
    const bytes = Buffer.from(name, 'base64url');
    // base64url has several texts for the same bytes; a name is one of them.
    if (bytes.toString('base64url') !== name) return undefined;
    const text = bytes.subarray(MAC_BYTES).toString();
    return this.#keys.verifyMac(purpose, text, bytes.subarray(0, MAC_BYTES)) ? text : undefined;
  }
}
