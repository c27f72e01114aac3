import type { HolderId } from './subscription.ts';

/** What an endpoint's token says: whose subscription it is, and which key its sender must show (RFC 8292 section 4). */
export interface Endpoint {
  readonly holder: HolderId;
  readonly name: string;
  /** The application server key as the browser sent it at subscribe time, base64url; null = any sender. */
  readonly senderKey: string | null;
}

/** What the house seals and opens (config/secrets.ts). */
export interface EndpointKeys {
  sealAlike(purpose: string, text: string, since: number): string;
  tryOpen(purpose: string, sealed: string): string | undefined;
}

const PURPOSE = 'endpoint';
/** Longer ones are not ours. */
const TOKEN_CHARACTERS_MAX = 1_200;

/**
 * Endpoint tokens are sealed and say everything themselves, so that a server which lost its database still knows every
 * subscription that a browser holds. They show nothing: two sites cannot tell that they have the same browser (decision 0150).
 * base64url only: Chromium pastes a token into a path.
 */
export class Endpoints {
  readonly #keys: EndpointKeys;

  constructor(keys: EndpointKeys) {
    this.#keys = keys;
  }

  /**
   * The token of an endpoint, the same each time. Holder and name must be short: together at most some 600 characters.
   * @param since when the subscription was made, milliseconds since 1970.
   * @throws RangeError when they are not.
   */
  seal({ holder, name, senderKey }: Endpoint, since: number): string {
    const body = JSON.stringify(senderKey === null ? [holder, name] : [holder, name, senderKey]);
    const token = this.#keys.sealAlike(PURPOSE, body, since);
    if (token.length > TOKEN_CHARACTERS_MAX)
      throw new RangeError('the names of this subscription are too long');
    return token;
  }

  /** What a token says; undefined when this server did not make it. */
  open(token: string): Endpoint | undefined {
    if (token.length > TOKEN_CHARACTERS_MAX || !isCanonical(token)) return undefined;
    const body = this.#keys.tryOpen(PURPOSE, token);
    if (body === undefined) return undefined;
    const [holder, name, senderKey = null] = JSON.parse(body) as [string, string, string?];
    return { holder, name, senderKey };
  }
}

/** base64url has several texts for the same bytes; a token is one of them. */
function isCanonical(token: string): boolean {
  return Buffer.from(token, 'base64url').toString('base64url') === token;
}
