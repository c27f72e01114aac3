import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock } from '../../core/clock.ts';
import { withCors } from '../../doors/cors.ts';
import { googleError } from '../../doors/google-answer.ts';
import { HalfOpen } from '../../doors/half-open.ts';
import type { Peer } from '../../doors/peer.ts';
import { decode } from './codec.ts';
import { type House, Session, SWEEP_MS } from './session.ts';

export interface WebSocketGatewayDeps extends Pick<House, 'devices' | 'deliveries' | 'owners' | 'events'> {
  readonly clock: Clock;
  /** For benches that open thousands of connections from one address. */
  readonly halfOpenPerAddress?: number;
}

/** How long `drain` waits for the other sides to answer the close. */
const DRAIN_MS = 5_000;
const FRAME_SPARE_BYTES = 1_024;

/**
 * Our WebSocket on `Bun.serve`: mount `websocket` there and call `upgrade` for CONNECT_PATH. A connection costs its socket and one
 * Session: no timer, no closure (WW15).
 */
export class WebSocketGateway {
  readonly websocket: Bun.WebSocketHandler<Session>;
  readonly #house: House;
  readonly #clock: Clock;
  readonly #sessions = new Set<Session>();
  #stopSweep: (() => void) | undefined;
  #draining = false;
  #whenEmpty: (() => void) | undefined;

  constructor(deps: WebSocketGatewayDeps) {
    const { devices, deliveries, owners, events, clock } = deps;
    const halfOpen = new HalfOpen(deps.halfOpenPerAddress ?? limits.halfOpenPerAddress);
    this.#house = { devices, deliveries, owners, events, halfOpen, sweeps: 1 };
    this.#clock = clock;
    this.websocket = this.#handler();
  }

  /** Connections now, with and without a hello. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Turns a request into a connection. Answers undefined when it became one, else the refusal. */
  upgrade(request: Request, server: Bun.Server<Session>, peer: Peer): Response | undefined {
    if (this.#draining) return refusal(new ReveilleError('unavailable', undefined, { retryAfterSeconds: 5 }));
    if (!this.#house.halfOpen.admits(peer.address)) {
      return refusal(
        new ReveilleError('rate-limited', 'Too many connections of this address have not said hello.', {
          retryAfterSeconds: 10,
        }),
      );
    }
    const session = new Session(this.#house, peer.address, request.headers.get('origin'));
    if (server.upgrade(request, { data: session })) return undefined;
    return refusal(new ReveilleError('upgrade-required'));
  }

  /** Closes every connection as `going-away` and takes no more. Settles when all are closed, or after 5 s. */
  async drain(): Promise<void> {
    this.#draining = true;
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      this.#clock.after(DRAIN_MS, resolve);
    });
    for (const session of [...this.#sessions]) session.close('going-away');
    if (this.#sessions.size > 0) await empty;
    this.#stopSweep?.();
  }

  #handler(): Bun.WebSocketHandler<Session> {
    return {
      // Larger frames end the connection in the socket already; the codec says why for those just above the limit.
      maxPayloadLength: limits.frameBytes + FRAME_SPARE_BYTES,
      backpressureLimit: limits.unreadBytes,
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      open: (socket) => {
        socket.data.opened(socket);
        this.#sessions.add(socket.data);
        if (this.#sessions.size === 1) this.#scheduleSweep();
      },
      message: (socket, message) => socket.data.receive(decode(message)),
      ping: (socket) => socket.data.heard(),
      pong: (socket) => socket.data.heard(),
      drain: (socket) => socket.data.drained(),
      close: (socket, code) => {
        socket.data.closed(code);
        this.#sessions.delete(socket.data);
        if (this.#sessions.size === 0) this.#whenEmpty?.();
      },
    };
  }

  /** One timer for all connections, and none while there are none. */
  #scheduleSweep(): void {
    this.#stopSweep?.();
    this.#stopSweep = this.#clock.after(SWEEP_MS, () => {
      this.#stopSweep = undefined;
      this.#house.sweeps++;
      for (const session of this.#sessions) session.sweep();
      if (this.#sessions.size > 0) this.#scheduleSweep();
    });
  }
}

function refusal(error: ReveilleError): Response {
  const answer = withCors(googleError(error));
  // RFC 9110 section 15.5.22: a 426 names the protocol.
  if (error.code === 'upgrade-required') answer.headers.set('Upgrade', 'websocket');
  return answer;
}
