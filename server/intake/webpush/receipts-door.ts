import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Clock } from '../../core/clock.ts';
import type { MessageStore } from '../../core/store.ts';
import { assertMethod } from '../../doors/door.ts';
import { pushAnswer, pushJson } from './answers.ts';
import type { Receipt, Resources } from './resources.ts';

export interface ReceiptsDoorDeps {
  readonly store: Pick<MessageStore, 'trace'>;
  readonly resources: Resources;
  readonly clock: Clock;
  failed(error: unknown): void;
}

/** A proxy or server cuts a connection that is silent for long: a comment goes out at every so many looks. */
const LOOKS_PER_COMMENT = 10;

/**
 * The receipt resource (RFC 8030 section 6.3): `GET` answers the receipts so far as JSON, or as server-sent events a stream of
 * those so far and those to come. RFC 8030 has HTTP/2 push for that, which no client offers any more (decision 0083).
 */
export class ReceiptsDoor {
  readonly #deps: ReceiptsDoorDeps;
  #streams = 0;

  constructor(deps: ReceiptsDoorDeps) {
    this.#deps = deps;
  }

  async take(request: Request, name: string): Promise<Response> {
    assertMethod(request, 'GET');
    const id = this.#deps.resources.names.receipts(name);
    if (id === undefined) throw new ReveilleError('not-found', 'This server gave no such receipts.');
    if (request.headers.get('accept')?.includes('text/event-stream')) return this.#stream(id);
    const { receipts, waiting } = await this.#look(id);
    return pushJson(200, { receipts: receipts.map(([, receipt]) => receipt), waiting });
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

  /** Looks and tells, again and again. Answers how to stop. */
  #tell(id: string, to: ReadableStreamDefaultController<Uint8Array>, close: () => void): () => void {
    const { clock, failed } = this.#deps;
    const until = clock.now() + limits.receiptStreamMs;
    const told = new Set<Version>();
    const encoder = new TextEncoder();
    let looks = 0;
    let stopTimer = (): void => {};
    let stopped = false;
    const look = async (): Promise<void> => {
      const { receipts } = await this.#look(id);
      if (stopped) return;
      for (const [version, receipt] of receipts) {
        if (told.has(version)) continue;
        told.add(version);
        to.enqueue(encoder.encode(`event: receipt\ndata: ${JSON.stringify(receipt)}\n\n`));
      }
      if (looks % LOOKS_PER_COMMENT === 0) to.enqueue(encoder.encode(': still here\n\n'));
      looks += 1;
      if (clock.now() < until) stopTimer = clock.after(limits.receiptLookMs, run);
      else end();
    };
    const end = () => {
      close();
      to.close();
    };
    const run = () => {
      look().catch((error: unknown) => {
        failed(error);
        if (!stopped) end();
      });
    };
    run();
    return () => {
      stopped = true;
      stopTimer();
    };
  }

  /** What has ended, oldest first, and how many still wait. */
  async #look(id: string): Promise<{ receipts: readonly (readonly [Version, Receipt])[]; waiting: number }> {
    const { store, resources } = this.#deps;
    const traces = await store.trace({ receipts: id }, limits.receiptsListed);
    const receipts = traces.toReversed().flatMap((trace) => {
      const receipt = resources.receipt(trace);
      return receipt === undefined ? [] : [[trace.version, receipt] as const];
    });
    return { receipts, waiting: traces.length - receipts.length };
  }
}
