import type { HolderId } from './subscription.ts';

/** What an endpoint's token says: whose subscription it is, and which key its sender must show (RFC 8292 section 4). */
export interface Endpoint {
  readonly holder: HolderId;
  readonly name: string;
  /** The application server key as the browser sent it at subscribe time, base64url; null = any sender. */
  readonly senderKey: string | null;
}

/** The MACs that the house makes and checks (config/secrets.ts). */
export interface EndpointKeys {
  mac(purpose: string, data: string): Uint8Array;
  verifyMac(purpose: string, data: string, mac: Uint8Array): boolean;
}

const PURPOSE = 'endpoint';
const MAC_BYTES = 32;
/** Longer ones are not ours. */
const TOKEN_CHARACTERS_MAX = 1_200;

/**
 * Endpoint tokens are signed and say everything themselves, so that a server which lost its database still knows every
 * subscription that a browser holds. base64url only: Chromium pastes a token into a path.
 */
export class Endpoints {
  readonly #keys: EndpointKeys;

  constructor(keys: EndpointKeys) {
    this.#keys = keys;
  }

  /** The token of an endpoint. Holder and name must be short: together at most some 600 characters. */
  seal({ holder, name, senderKey }: Endpoint): string {
    const body = JSON.stringify(senderKey === null ? [holder, name] : [holder, name, senderKey]);
    const token = Buffer.concat([this.#keys.mac(PURPOSE, body), Buffer.from(body)]).toString('base64url');
    if (token.length > TOKEN_CHARACTERS_MAX)
      throw new RangeError('the names of this subscription are too long');
    return token;
  }

  /** What a token says; undefined when this server did not make it. */
  open(token: string): Endpoint | undefined {
    if (token.length > TOKEN_CHARACTERS_MAX || !/^[\w-]+$/.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    const body = bytes.subarray(MAC_BYTES).toString();
    if (bytes.length <= MAC_BYTES || !this.#keys.verifyMac(PURPOSE, body, bytes.subarray(0, MAC_BYTES)))
      return undefined;
    const [holder, name, senderKey = null] = JSON.parse(body) as [string, string, string?];
    return { holder, name, senderKey };
  }
}
