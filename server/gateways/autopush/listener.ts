import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock, Random } from '../../core/clock.ts';
import { googleError } from '../../doors/google-answer.ts';
import { HalfOpen } from '../../doors/half-open.ts';
import type { Peer } from '../../doors/peer.ts';
import { RateLimit } from '../../doors/rate-limit.ts';
import { decode } from './codec.ts';
import { AutopushSession, type House, SWEEP_MS } from './session.ts';
import { type UaidKeys, Uaids } from './uaid.ts';

const SUBPROTOCOL = 'push-notification';

export interface AutopushGatewayDeps extends Pick<House, 'pushes' | 'holdings' | 'events' | 'origin'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly secrets: UaidKeys;
}

/**
 * The autopush gateway on `Bun.serve`: call `upgrade` for AUTOPUSH_PATH, and hand the events of sockets whose data is an
 * AutopushSession to `websocket`. One sweep serves all connections; an idle one holds no timer.
 */
export class AutopushGateway {
  readonly websocket: Required<
    Pick<Bun.WebSocketHandler<AutopushSession>, 'open' | 'message' | 'ping' | 'pong' | 'drain' | 'close'>
  >;
  readonly #house: House;
  readonly #clock: Clock;
  readonly #sessions = new Set<AutopushSession>();
  #stopSweep: (() => void) | undefined;
  #draining = false;

  constructor({ clock, random, secrets, ...shared }: AutopushGatewayDeps) {
    this.#clock = clock;
    this.#house = {
      pushes: shared.pushes,
      holdings: shared.holdings,
      events: shared.events,
      origin: shared.origin,
      uaids: new Uaids(secrets, random),
      halfOpen: new HalfOpen(limits.halfOpenPerAddress),
      registrations: new RateLimit(clock, limits.refusedPerAddress, limits.refusedMs),
      sweeps: 1,
    };
    this.websocket = this.#handler();
  }

  /** Connections now, with and without a hello. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Turns a request into a connection. Answers undefined when it became one, else the refusal. */
  upgrade(
    request: Request,
    server: Pick<Bun.Server<AutopushSession>, 'upgrade'>,
    peer: Peer,
  ): Response | undefined {
    if (this.#draining)
      return googleError(new ReveilleError('unavailable', undefined, { retryAfterSeconds: 5 }));
    if (!this.#house.halfOpen.admits(peer.address)) {
      const detail = 'Too many connections of this address have not said hello.';
      return googleError(new ReveilleError('rate-limited', detail, { retryAfterSeconds: 10 }));
    }
    const offered = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/) ?? [];
    const upgraded = server.upgrade(request, {
      data: new AutopushSession(this.#house, peer.address),
      ...(offered.includes(SUBPROTOCOL) && { headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } }),
    });
    return upgraded ? undefined : refuseUpgrade();
  }

  /** Closes every connection as `going-away` and takes no more. The sockets end by themselves. */
  drain(): void {
    this.#draining = true;
    for (const session of [...this.#sessions]) session.close('going-away');
    this.#stopSweep?.();
  }

  #handler(): AutopushGateway['websocket'] {
    return {
      open: (socket) => {
        socket.data.opened(socket);
        this.#sessions.add(socket.data);
        if (this.#sessions.size === 1) this.#scheduleSweep();
      },
      message: (socket, message) => socket.data.receive(decode(message)),
      ping: (socket) => socket.data.pinged(),
      pong: (socket) => socket.data.pinged(),
      drain: (socket) => socket.data.drained(),
      close: (socket, code) => {
        socket.data.closed(code);
        this.#sessions.delete(socket.data);
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

function refuseUpgrade(): Response {
  const answer = googleError(new ReveilleError('upgrade-required'));
  // RFC 9110 section 15.5.22: a 426 names the protocol.
  answer.headers.set('Upgrade', 'websocket');
  return answer;
}
