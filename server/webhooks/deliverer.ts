import { limits } from '../../protocol/limits.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Post } from '../outgoing/https-post.ts';
import type { DeliveryQueue, DueDelivery, Outcome } from './queue.ts';
import { signedHeaders } from './sign.ts';

export const SECRET_PURPOSE = 'webhook-secret';

export interface DelivererDeps {
  readonly queue: DeliveryQueue;
  readonly post: Post;
  readonly secrets: Pick<Secrets, 'open'>;
  readonly clock: Clock;
  readonly events: Pick<Events, 'failed' | 'webhookCalled'>;
}

/** Tells what is due, a few calls at a time, and no webhook takes the places of all the others. */
export class Deliverer {
  readonly #deps: DelivererDeps;
  /** Under way: delivery → webhook. */
  readonly #calls = new Map<string, string>();
  readonly #settling = new Set<Promise<void>>();
  #looking = false;
  #again = false;
  #stopTimer: () => void = () => {};
  #stopped = false;

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  /** Something may be due now. */
  kick(): void {
    this.#again = true;
    if (this.#looking || this.#stopped) return;
    this.#looking = true;
    void this.#look();
  }

  /** Calls nobody any more. What is under way counts as not tried. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimer();
    await Promise.all(this.#settling);
  }

  async #look(): Promise<void> {
    const { queue, clock, events } = this.#deps;
    this.#stopTimer();
    let wait: number | undefined;
    let now = clock.now();
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        now = clock.now();
        await this.#start(now);
      }
      // Of the same moment as the look before it: what falls due between the two is not passed over.
      const next = await queue.nextAt(now);
      wait = next === undefined ? undefined : next - clock.now();
    } catch (error) {
      if (!this.#stopped) events.failed('webhooks', error);
      wait = limits.webhookLookMs;
    }
    this.#looking = false;
    if (this.#stopped) return;
    if (this.#again || (wait !== undefined && wait <= 0)) return this.kick();
    if (wait !== undefined) this.#stopTimer = clock.after(wait, () => this.kick());
  }

  async #start(now: number): Promise<void> {
    const room = limits.webhookCalls - this.#calls.size;
    if (room <= 0) return;
    const under = [...this.#calls.values()];
    const busy = [...new Set(under)].filter((id) => this.#callsTo(id) >= limits.webhookCallsEach);
    const due = await this.#deps.queue.due(now, room, [...this.#calls.keys()], busy);
    for (const delivery of due) {
      if (this.#callsTo(delivery.webhook) >= limits.webhookCallsEach) continue;
      this.#calls.set(delivery.id, delivery.webhook);
      const settling = this.#call(delivery).then((kept) => {
        this.#settling.delete(settling);
        const free = () => {
          this.#calls.delete(delivery.id);
          this.kick();
        };
        // What could not be recorded is still due: not at once, or it would be told without end.
        if (kept) free();
        else this.#deps.clock.after(limits.webhookLookMs, free);
      });
      this.#settling.add(settling);
    }
    // Others may be due behind the ones of a webhook that has enough under way.
    if (due.length === room && this.#calls.size < limits.webhookCalls) this.#again = true;
  }

  #callsTo(webhook: string): number {
    return [...this.#calls.values()].filter((one) => one === webhook).length;
  }

  /** False when the outcome could not be recorded. */
  async #call(delivery: DueDelivery): Promise<boolean> {
    const outcome = await this.#outcomeOf(delivery);
    if (this.#stopped) return true;
    this.#deps.events.webhookCalled(delivery.webhook, outcome.state, outcome.answer);
    try {
      await this.#deps.queue.settle(delivery, outcome);
      return true;
    } catch (error) {
      this.#deps.events.failed('webhooks', error);
      return false;
    }
  }

  async #outcomeOf({ id, body, url, secretSealed }: DueDelivery): Promise<Outcome> {
    const { post, secrets, clock } = this.#deps;
    try {
      const bytes = Buffer.from(body);
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': String(bytes.length),
        'User-Agent': 'Reveille',
        ...signedHeaders(
          secrets.open(SECRET_PURPOSE, secretSealed),
          id,
          Math.floor(clock.now() / 1_000),
          body,
        ),
      };
      const { status, retryAfter } = await post(new URL(url), headers, bytes);
      const state = status >= 200 && status < 300 ? 'delivered' : status === 410 ? 'gone' : 'failed';
      return { state, answer: String(status), retryAfterMs: secondsOf(retryAfter) };
    } catch (error) {
      return { state: 'failed', answer: whyNone(error), retryAfterMs: undefined };
    }
  }
}

function secondsOf(retryAfter: string | undefined): number | undefined {
  return retryAfter !== undefined && /^[0-9]{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : undefined;
}

const reasons: Readonly<Record<string, string>> = {
  EPRIVATE: 'its address is not public',
  ENOTFOUND: 'no such host',
  ECONNREFUSED: 'nobody listens there',
  TimeoutError: 'no answer in time',
  AbortError: 'no answer in time',
};

/** Why a call got no answer, for its owner: a word that we know, or the code of the failure. */
function whyNone(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const word = typeof code === 'string' ? code : String(name ?? 'no answer');
  return reasons[word] ?? reasons[String(name)] ?? word.slice(0, 80);
}
