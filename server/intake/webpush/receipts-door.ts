import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Bus } from '../../core/bus.ts';
import type { Clock } from '../../core/clock.ts';
import type { NodeId } from '../../core/presence.ts';
import type { MessageStore, MessageTrace } from '../../core/store.ts';
import { assertMethod } from '../../doors/door.ts';
import { pushAnswer, pushJson } from './answers.ts';
import type { Resources } from './resources.ts';

export interface ReceiptsDoorDeps {
  readonly store: Pick<MessageStore, 'trace' | 'traced'>;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly bus: Pick<Bus, 'onAnnounce'>;
  readonly node: NodeId;
  failed(error: unknown): void;
}

/**
 * The receipt resource (RFC 8030 section 6.3): `GET` answers the receipts so far as JSON, or as server-sent events a stream of
 * those so far and those to come. RFC 8030 has HTTP/2 push for that, which no client offers any more (decision 0083).
 */
export class ReceiptsDoor {
  readonly #deps: ReceiptsDoorDeps;
  /** By receipts: the streams that are open. */
  readonly #listeners = new Map<string, Set<(version: Version) => void>>();
  #streams = 0;

  constructor(deps: ReceiptsDoorDeps) {
    this.#deps = deps;
    deps.bus.onAnnounce(deps.node, (said) => {
      if (said.kind !== 'receipt') return;
      for (const listener of this.#listeners.get(said.receipts) ?? []) listener(said.version);
    });
  }

  async take(request: Request, name: string): Promise<Response> {
    assertMethod(request, 'GET');
    const id = this.#deps.resources.names.receipts(name);
    if (id === undefined) throw new ReveilleError('not-found', 'This server gave no such receipts.');
    if (request.headers.get('accept')?.includes('text/event-stream')) return this.#stream(id);
    const traces = await this.#traces(id);
    const receipts = traces.flatMap((trace) => this.#deps.resources.receipt(trace) ?? []);
    return pushJson(200, { receipts, waiting: traces.length - receipts.length });
  }

  /** Streams that are open now. */
  get streams(): number {
    return this.#streams;
  }

  #stream(id: string): Response {
    if (this.#streams >= limits.receiptStreams)
      throw new ReveilleError('rate-limited', 'Too many streams of receipts are open.', {
        retryAfterSeconds: limits.unavailableRetrySeconds,
      });
    this.#streams += 1;
    let stop = (): void => {};
    const close = () => {
      stop();
      this.#streams -= 1;
    };
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stop = this.#tell(id, controller, close);
      },
      cancel: close,
    });
    return pushAnswer(200, body, { 'Content-Type': 'text/event-stream' });
  }

  /** Tells what has ended, then what is announced, and looks now and then for what nobody announced. Answers how to stop. */
  #tell(id: string, to: ReadableStreamDefaultController<Uint8Array>, close: () => void): () => void {
    const { store, clock, failed, resources } = this.#deps;
    const until = clock.now() + limits.receiptStreamMs;
    const told = new Set<Version>();
    const encoder = new TextEncoder();
    let stopTimer = (): void => {};
    let stopped = false;
    const tell = (trace: MessageTrace): void => {
      const receipt = resources.receipt(trace);
      if (stopped || receipt === undefined || told.has(trace.version)) return;
      told.add(trace.version);
      to.enqueue(encoder.encode(`event: receipt\ndata: ${JSON.stringify(receipt)}\n\n`));
    };
    const end = () => {
      close();
      to.close();
    };
    const trying = (run: () => Promise<void>) => {
      run().catch((error: unknown) => {
        failed(error);
        if (!stopped) end();
      });
    };
    const look = async (): Promise<void> => {
      for (const trace of await this.#traces(id)) tell(trace);
      if (stopped) return;
      // A proxy or server cuts a connection that is silent for long.
      to.enqueue(encoder.encode(': still here\n\n'));
      if (clock.now() < until) stopTimer = clock.after(limits.receiptLookMs, () => trying(look));
      else end();
    };
    const stopListening = this.#listen(id, (version) =>
      trying(async () => {
        const trace = await store.traced(version);
        if (trace !== undefined) tell(trace);
      }),
    );
    trying(look);
    return () => {
      stopped = true;
      stopTimer();
      stopListening();
    };
  }

  /** Hears of each confirmed message of the receipts. Answers how to stop. */
  #listen(id: string, listener: (version: Version) => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  /** Oldest first. */
  async #traces(id: string): Promise<readonly MessageTrace[]> {
    return (await this.#deps.store.trace({ receipts: id }, limits.receiptsListed)).toReversed();
  }
}
