import { AccessTokens, type Credentials } from './access-tokens.ts';
import { messageError, SendError } from './send-error.ts';

export { SendError, type SendErrorCode } from './send-error.ts';

export interface SenderOptions extends Credentials {
  /** Where the service is, such as `https://push.example.com`. */
  readonly origin: string;
  /** Another fetch, for tests or proxies. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** How long one request may take, in milliseconds; 30 s by default. */
  readonly timeoutMs?: number;
  /** Milliseconds since 1970, for tests. */
  readonly now?: () => number;
}

/** What became of an accepted message. */
export interface Sent {
  /** The message's version, which is its id; undefined when a proxy took the header away. */
  readonly version: number | undefined;
}

/**
 * Sends messages, with web standards only: the same file runs on Node, Bun, Deno and in workers.
 *
 *     const sender = new Sender({ origin, clientId, clientSecret, refreshToken });
 *     await sender.send(channelId, 0, 'You have mail');
 */
export class Sender {
  readonly #tokens: AccessTokens;
  readonly #messages: string;
  readonly #fetch: NonNullable<SenderOptions['fetch']>;
  readonly #timeoutMs: number;

  constructor(options: SenderOptions) {
    const { origin } = new URL(options.origin);
    this.#messages = `${origin}/gcm_for_chrome/v1/messages`;
    this.#fetch = options.fetch ?? fetch;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    const refresh = (body: URLSearchParams) =>
      this.#request(`${origin}/o/oauth2/token`, { method: 'POST', body });
    this.#tokens = new AccessTokens(refresh, options, options.now ?? Date.now);
  }

  /**
   * Sends one message. Settles when the service has kept it: from then on it is not lost.
   * @param channelId as `getChannelId` gave it to the app.
   * @param subchannel 0 to 3; for a device that is away the newest message of each is kept.
   * @param payload at most 256 bytes of UTF-8, unless the limit of the project was raised.
   * @throws SendError.
   */
  async send(channelId: string, subchannel: number, payload = ''): Promise<Sent> {
    const body = JSON.stringify({ channelId, subchannelId: subchannel, payload });
    const first = await this.#tokens.get();
    let answer = await this.#post(body, first);
    if (answer.status === 401) {
      // The token has ended before its time: a right was taken back and given again, or the service has other keys.
      this.#tokens.drop(first);
      await answer.body?.cancel();
      answer = await this.#post(body, await this.#tokens.get());
    }
    if (answer.status !== 204) throw await messageError(answer);
    const version = Number(answer.headers.get('reveille-message') ?? Number.NaN);
    return { version: Number.isSafeInteger(version) ? version : undefined };
  }

  #post(body: string, token: string): Promise<Response> {
    return this.#request(this.#messages, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body,
    });
  }

  async #request(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, {
        ...init,
        credentials: 'omit',
        // A token is never carried to where a redirect points.
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
    } catch (cause) {
      throw new SendError('unreachable', `No answer from ${new URL(url).origin}.`, { cause });
    }
  }
}
