import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock } from '../../core/clock.ts';
import type { Endpoints } from '../../core/endpoint.ts';
import type { Pushes } from '../../core/push.ts';
import type { Kept } from '../../core/store.ts';
import type { PushRest, Waker, Woken } from '../../core/waker.ts';
import { type PushTransport, readPushTransport } from '../../doors/push-transport.ts';
import type { Events } from '../../observe/events.ts';
import type { Post } from '../../outgoing/https-post.ts';
import { encodeWake, headersOf, type Signer, type WakePush } from './codec.ts';
import { HostRests, readRetryAfter } from './host-rest.ts';
import { isAllowed, type PushHosts } from './push-hosts.ts';

/** RFC 8030 section 7.3: the subscription is no more. A 401 or 403 is about our key or clock, and would end them all. */
const GONE = new Set([404, 410]);

/**
 * Wakes apps by standard Web Push. A subscription that a browser holds at this very server is recognised by its token,
 * whatever host stands in front of it, and never leaves the house; any other goes out to the push service that made it.
 */
export class PushWaker implements Waker {
  readonly #endpoints: Pick<Endpoints, 'open'>;
  readonly #pushes: Pick<Pushes, 'open' | 'accept'>;
  readonly #signer: Signer;
  readonly #hosts: PushHosts;
  readonly #post: Post;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #rests = new HostRests();

  constructor(deps: {
    readonly endpoints: Pick<Endpoints, 'open'>;
    readonly pushes: Pick<Pushes, 'open' | 'accept'>;
    readonly signer: Signer;
    readonly hosts: PushHosts;
    readonly post: Post;
    readonly clock: Clock;
    readonly events: Events;
  }) {
    this.#endpoints = deps.endpoints;
    this.#pushes = deps.pushes;
    this.#signer = deps.signer;
    this.#hosts = deps.hosts;
    this.#post = deps.post;
    this.#clock = deps.clock;
    this.#events = deps.events;
  }

  /**
   * For the door that takes transports.
   * @throws `input-invalid` with what to do, when a push of this transport could never leave.
   */
  assertUsable(json: string): void {
    const transport = readPushTransport(json);
    if (transport === undefined) return;
    const url = new URL(transport.endpoint);
    if (this.#ownToken(url) !== undefined || isAllowed(url, this.#hosts)) return;
    throw new ReveilleError(
      'input-invalid',
      `This server does not push to ${url.host}; its operator can allow it with --push-hosts, or the subscription was made with another key than that of /v2/push-key.`,
      { location: 'transport.endpoint' },
    );
  }

  /** The push service of a transport and until when it rests; undefined when it does not. */
  restOf(json: string): PushRest | undefined {
    const transport = readPushTransport(json);
    if (transport === undefined) return undefined;
    const { host } = new URL(transport.endpoint);
    const until = this.#rests.restsUntil(host, this.#clock.now());
    return until === undefined ? undefined : { host, until };
  }

  async wake(json: string, kept: Kept): Promise<Woken> {
    const transport = readPushTransport(json);
    if (transport === undefined) return 'gone';
    const url = new URL(transport.endpoint);
    const token = this.#ownToken(url);
    if (token !== undefined) return this.#wakeHere(token, transport, kept);
    if (isAllowed(url, this.#hosts)) return this.#wakeThere(url, transport, kept);
    // Its operator may have left it out by mistake, and no client tells its subscription again on that account.
    const why = `This server does not push to ${url.host}: its operator can allow it with --push-hosts.`;
    return this.#refuse(url, why);
  }

  /**
   * The token of a subscription that is ours and was made for us to push to. A browser pastes it behind a host of its vendor,
   * so only the last part of the path counts.
   */
  #ownToken(url: URL): string | undefined {
    const token = url.pathname.split('/').at(-1) ?? '';
    return this.#endpoints.open(token)?.senderKey === this.#signer.publicKey ? token : undefined;
  }

  async #wakeHere(token: string, transport: PushTransport, kept: Kept): Promise<Woken> {
    const push = await this.#encode(transport, kept, false);
    if (push === undefined) return 'gone';
    const { body, ttl, topic } = push;
    try {
      const target = await this.#pushes.open(token);
      const headers = body.length === 0 ? null : ({ encoding: 'aes128gcm' } as const);
      await this.#pushes.accept(target, { body, headers, ttl, topic, urgency: 'high', receipts: null });
      return 'sent';
    } catch (error) {
      if (!(error instanceof ReveilleError)) throw error;
      if (error.code === 'endpoint-gone') return 'gone';
      const { retryAfterSeconds } = error.facts;
      const laterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1_000;
      return { laterMs, why: error.sentence };
    }
  }

  async #wakeThere(url: URL, transport: PushTransport, kept: Kept): Promise<Woken> {
    const push = await this.#encode(transport, kept, true);
    if (push === undefined) return 'gone';
    const wait = this.#rests.enter(url.host, this.#clock.now());
    if (wait > 0) return { laterMs: wait, why: this.#rests.whyOf(url.host) };
    try {
      const headers = await headersOf(transport, push, this.#signer);
      const { status, retryAfter } = await this.#post(url, headers, push.body);
      if (status !== 429 && status < 500) {
        this.#rests.left(url.host);
        return this.#outcomeOf(status, url);
      }
      const now = this.#clock.now();
      const why = `${url.host} answered ${status}.`;
      return { laterMs: this.#rests.failed(url.host, readRetryAfter(retryAfter, now), now, why), why };
    } catch (error) {
      this.#events.failed(`push to ${url.host}`, error);
      const why = `${url.host} could not be reached (${codeOf(error)}).`;
      return { laterMs: this.#rests.failed(url.host, undefined, this.#clock.now(), why), why };
    }
  }

  /** undefined: nobody can have such keys. */
  async #encode(transport: PushTransport, kept: Kept, pad: boolean): Promise<WakePush | undefined> {
    try {
      return await encodeWake(transport, kept, this.#clock.now(), pad);
    } catch (error) {
      this.#events.failed('encrypt a push', error);
      return undefined;
    }
  }

  /** What an answer below 500 says of the subscription. A refusal of another kind is ours to mend, not its end. */
  #outcomeOf(status: number, url: URL): Woken {
    if (status >= 200 && status < 300) return 'sent';
    if (GONE.has(status)) return 'gone';
    return this.#refuse(url, `${url.host} answered ${status}.`);
  }

  /** What somebody has to mend. */
  #refuse({ host }: URL, why: string): Woken {
    this.#events.failed(`push to ${host}`, new Error(why));
    return { laterMs: limits.reofferMsMax, why };
  }
}

/** What the system calls a failure. Its text may name addresses within our network, and is for the log alone. */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  if (code === 'ABORT_ERR') return 'no answer in time';
  return typeof code === 'string' ? code : 'unknown';
}
