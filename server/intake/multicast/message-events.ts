import type { ChannelId } from '../../../protocol/channel-id.ts';
import { asReveilleError, ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock } from '../../core/clock.ts';
import type { Moves } from '../../core/moves.ts';
import type { MulticastState } from '../../core/multicasts.ts';
import { hasEnded, receiptsOf } from '../../core/receipts.ts';
import type { MessageTrace } from '../../core/store.ts';
import { openCors } from '../../doors/cors.ts';
import { problemOf } from '../../doors/problem.ts';
import { eventText, receiptEventOf } from './answers.ts';

export interface MessageEventsDeps {
  readonly moves: Pick<Moves, 'onMoved'>;
  readonly clock: Clock;
  failed(error: unknown): void;
}

/** Milliseconds since 1970; of the last event of all, with a word behind. */
const EVENT_ID = /^([0-9]{1,15})(-end)?$/;

/** Reads how a message stands, of these channels or of all, each time with the rights of that moment. */
type Look = (only?: ReadonlySet<ChannelId>) => Promise<MulticastState>;

/**
 * What becomes of a message, as server-sent events: first what has happened so far, then each step as it happens, until the
 * message has ended on every device. A look reads the store; what moves on its channels asks for the next one, so does the
 * time at which it expires, and a whole look at each heartbeat finds what nobody announced.
 *
 * The id of an event is the time of the look that found it. Whoever comes back with it is told what is not older, with some
 * overlap: a receipt may come twice, none is left out.
 */
export class MessageEvents {
  readonly #deps: MessageEventsDeps;
  /** Streams that are open, by project. */
  readonly #streams = new Map<string, number>();

  constructor(deps: MessageEventsDeps) {
    this.#deps = deps;
  }

  /**
   * @param lastEventId of the last event that the client has seen; what is no id of ours counts as none
   * @throws whatever the first look throws; `rate-limited` when the project has too many streams open
   */
  async open(project: string, look: Look, lastEventId: string | null): Promise<Response> {
    const open = this.#streams.get(project) ?? 0;
    if (open >= limits.eventStreamsPerProject)
      throw new ReveilleError('rate-limited', 'Too many event streams of this project are open.', {
        retryAfterSeconds: limits.unavailableRetrySeconds,
      });
    const [, since, end] = EVENT_ID.exec(lastEventId ?? '') ?? [];
    const events = new EventsOf(this.#deps, look, since === undefined ? 0 : Number(since));
    const first = await events.next();
    // This status keeps an EventSource that was told the end from coming back.
    if (end !== undefined) {
      events.stop();
      return new Response(null, { status: 204, headers: openCors });
    }
    this.#streams.set(project, (this.#streams.get(project) ?? 0) + 1);
    return this.#answer(project, events, first ?? '');
  }

  #answer(project: string, events: EventsOf, first: string): Response {
    const encoder = new TextEncoder();
    const close = () => {
      events.stop();
      const left = (this.#streams.get(project) ?? 1) - 1;
      if (left === 0) this.#streams.delete(project);
      else this.#streams.set(project, left);
    };
    const body = new ReadableStream<Uint8Array>({
      start: (to) => {
        to.enqueue(encoder.encode(`retry: ${limits.eventRetryMs}\n\n${first}`));
      },
      // Asked only when the client has read: a slow one is told later, and holds no more than one look here.
      pull: async (to) => {
        const text = await events.next();
        if (events.stopped) return;
        if (text !== undefined) return to.enqueue(encoder.encode(text));
        close();
        to.close();
      },
      cancel: close,
    });
    const headers = { ...openCors, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' };
    return new Response(body, { headers });
  }
}

/** One stream without its socket. */
class EventsOf {
  readonly #deps: MessageEventsDeps;
  readonly #look: Look;
  readonly #from: number;
  readonly #until: number;
  readonly #told = new Set<string>();
  /** Channels on which the message has not ended, and when it expires there. */
  readonly #open = new Map<ChannelId, number>();
  readonly #moved = new Set<ChannelId>();
  readonly #stopListening: () => void;
  #wake: () => void = () => {};
  #wholeLookAt = 0;
  #said = false;
  stopped = false;

  /** @param since milliseconds since 1970 */
  constructor(deps: MessageEventsDeps, look: Look, since: number) {
    this.#deps = deps;
    this.#look = look;
    this.#from = since - limits.eventOverlapMs;
    this.#until = deps.clock.now() + limits.receiptStreamMs;
    // Listened first, then looked: what moves between the two is not missed.
    this.#stopListening = deps.moves.onMoved((channels) => this.#hear(channels));
  }

  /** The next text to send, at the latest after a heartbeat; undefined when all is said. The first call rejects as a look does. */
  async next(): Promise<string | undefined> {
    if (this.#said) return undefined;
    const first = this.#wholeLookAt === 0;
    try {
      if (!first) await this.#something();
      if (this.stopped) return undefined;
      const text = await this.#tell();
      if (first) return text;
      return text === '' ? ': still here\n\n' : text;
    } catch (error) {
      this.#stopListening();
      if (first) throw error;
      this.#said = true;
      const problem = asReveilleError(error);
      if (problem.code === 'internal') this.#deps.failed(error);
      return eventText('problem', problemOf(problem), String(this.#deps.clock.now()));
    }
  }

  stop(): void {
    this.stopped = true;
    this.#stopListening();
    this.#wake();
  }

  #hear(channels: readonly ChannelId[]): void {
    for (const channel of channels) if (this.#open.has(channel)) this.#moved.add(channel);
    if (this.#moved.size > 0) this.#wake();
  }

  /** Settles when there is reason to look: something moved, expires, or a heartbeat is due. */
  async #something(): Promise<void> {
    const { clock } = this.#deps;
    if (this.#moved.size > 0) return;
    const due = Math.min(this.#wholeLookAt, ...this.#open.values());
    if (due <= clock.now()) return;
    await new Promise<void>((resolve) => {
      const callOff = clock.after(due - clock.now(), resolve);
      this.#wake = () => {
        callOff();
        resolve();
      };
    });
  }

  async #tell(): Promise<string> {
    const now = this.#deps.clock.now();
    const whole = now >= this.#wholeLookAt;
    const due = [...this.#open].flatMap(([channel, at]) => (at <= now ? [channel] : []));
    const only = whole ? undefined : new Set([...this.#moved, ...due]);
    this.#moved.clear();
    if (whole) this.#wholeLookAt = now + limits.eventHeartbeatMs;
    const { traces } = await this.#look(only);
    for (const channel of only ?? [...this.#open.keys()]) this.#open.delete(channel);
    const texts = [...traces.values()].flatMap((trace) => this.#news(trace, now));
    const ended = this.#open.size === 0;
    this.#said = ended || now >= this.#until;
    return texts.join('') + (ended ? eventText('end', {}, `${now}-end`) : '');
  }

  #news(trace: MessageTrace, now: number): readonly string[] {
    if (!hasEnded(trace) && trace.channelId !== '') this.#open.set(trace.channelId, trace.expiresAt);
    return receiptsOf(trace).flatMap((receipt) => {
      const name = `${receipt.version} ${receipt.device} ${receipt.state}`;
      if (receipt.at < this.#from || this.#told.has(name)) return [];
      this.#told.add(name);
      return [eventText('receipt', receiptEventOf(receipt), String(now))];
    });
  }
}
