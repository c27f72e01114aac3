import { createRequire } from 'node:module';
import type { PageSubscription } from './push-site.ts';

/** What is used of npm's `web-push`, which brings no types. */
interface WebPush {
  generateVAPIDKeys(): { readonly publicKey: string; readonly privateKey: string };
  generateRequestDetails(
    subscription: PageSubscription,
    payload: string | null,
    options: Readonly<Record<string, unknown>>,
  ): {
    readonly endpoint: string;
    readonly headers: Record<string, string>;
    readonly body: Uint8Array | null;
  };
}

interface SendOptions {
  readonly TTL?: number;
  readonly topic?: string;
  readonly contentEncoding?: string;
}

const webPush = createRequire(import.meta.url)('web-push') as WebPush;

/** An application server that sends standard web push by npm's `web-push`, unmodified. */
export class WebPushSender {
  readonly #keys = webPush.generateVAPIDKeys();

  get publicKey(): string {
    return this.#keys.publicKey;
  }

  /**
   * The request of one push. `web-push` itself posts to https only, so its callers post this.
   * @param options `TTL`, `topic`, `contentEncoding` as `web-push` knows them.
   */
  request(subscription: PageSubscription, text: string, options: SendOptions = {}): Request {
    const { endpoint, headers, body } = webPush.generateRequestDetails(subscription, text, {
      TTL: 300,
      vapidDetails: { subject: 'mailto:sender@example.com', ...this.#keys },
      ...options,
    });
    return new Request(endpoint, {
      method: 'POST',
      headers,
      body: body === null ? null : new Uint8Array(body),
    });
  }

  /** Sends one push. */
  async send(subscription: PageSubscription, text: string, options?: SendOptions): Promise<Response> {
    return await fetch(this.request(subscription, text, options));
  }
}
