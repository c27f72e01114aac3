import { type Context, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Events } from './events.ts';

/** Messages whose way is followed at a time; the oldest is let go first. */
const FOLLOWED = 10_000;

/** The way of one message so far. */
interface Way {
  /** Of its root span. */
  readonly context: Context;
  readonly acceptedAt: number;
  /** When it first went out to each device. */
  readonly sentAt: Map<string, number>;
}

/**
 * The way of each message as spans of OpenTelemetry, made from the events: accept with keep in it, then deliver and confirm for
 * each device. They name message, project and device; no payload, token, account or address is ever in them.
 */
export class Spans {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #now: () => number;
  readonly #ways = new Map<number, Way>();
  readonly events: Partial<Events> = {
    accepted: (version, project) => this.#accepted(version, project),
    offered: (version, devices) => {
      if (this.#ways.has(version)) for (const device of devices) this.#sent(version, device, 'connection');
    },
    woken: (version, device, outcome) => outcome === 'sent' && this.#sent(version, device, 'wake-up'),
    confirmed: (version, device) => this.#ended(version, device)?.end(this.#now()),
    runFailed: (version, device, failedRuns) =>
      this.#ended(version, device)
        ?.setAttribute('reveille.failed_runs', failedRuns)
        .setStatus({ code: SpanStatusCode.ERROR, message: 'the handler ended badly' })
        .end(this.#now()),
  };

  /**
   * @param url where spans are sent to, as OTLP over HTTP
   * @param now milliseconds since 1970, of the clock that gives the versions
   */
  constructor(url: string, now: () => number) {
    this.#now = now;
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME || 'reveille' }),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
    });
    this.#tracer = this.#provider.getTracer('reveille');
  }

  /** Sends what is left. A receiver that cannot be reached holds up nothing but this. */
  async stop(): Promise<void> {
    await this.#provider.shutdown().catch(() => undefined);
  }

  #accepted(version: number, project: string): void {
    // OR2: a version is the microsecond of the clock at which its keeping began, or a little more.
    const startTime = version / 1_000;
    const attributes = { 'reveille.message': String(version), 'reveille.project': project };
    const root = this.#tracer.startSpan('accept', { root: true, startTime, attributes });
    const way = {
      context: trace.setSpan(context.active(), root),
      acceptedAt: this.#now(),
      sentAt: new Map(),
    };
    const end = Math.max(way.acceptedAt, startTime);
    this.#tracer.startSpan('keep', { startTime, attributes }, way.context).end(end);
    root.end(end);
    this.#ways.set(version, way);
    const [oldest] = this.#ways.keys();
    if (this.#ways.size > FOLLOWED && oldest !== undefined) this.#ways.delete(oldest);
  }

  #sent(version: number, device: string, by: string): void {
    const way = this.#ways.get(version);
    if (way === undefined || way.sentAt.has(device)) return;
    const now = this.#now();
    way.sentAt.set(device, now);
    this.#child('deliver', version, device, way, way.acceptedAt).setAttribute('reveille.by', by).end(now);
  }

  #ended(version: number, device: string): Span | undefined {
    const way = this.#ways.get(version);
    return way && this.#child('confirm', version, device, way, way.sentAt.get(device) ?? way.acceptedAt);
  }

  #child(name: string, version: number, device: string, way: Way, startTime: number): Span {
    const attributes = { 'reveille.message': String(version), 'reveille.device': device };
    return this.#tracer.startSpan(name, { startTime, attributes }, way.context);
  }
}
