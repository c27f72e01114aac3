import { limits } from '../../../protocol/limits.ts';
import type { Load } from '../../core/load.ts';
import { HalfOpen } from '../../doors/half-open.ts';
import { type ClientFrame, decodeClientFrame } from './codec.ts';
import { FrameReader } from './frame-reader.ts';
import { type House, type Line, Session, SWEEP_MS } from './session.ts';

export interface McsGatewayDeps extends Omit<House, 'halfOpen' | 'sweeps'> {
  /** None = there is always room. */
  readonly load?: Pick<Load, 'tight'>;
}

export interface McsAddress {
  readonly hostname: string;
  /** 0 = a free one. */
  readonly port: number;
  /** Certificate chain and key, in PEM. */
  readonly cert: string;
  readonly key: string;
}

/** How long `drain` waits for the other sides to go. */
const DRAIN_MS = 5_000;
/** A connection that we ended and that still stands after so many sweeps is cut. */
const LINGER_SWEEPS = 2;

/** A socket with its session, and what could not be sent yet. */
class Connection implements Line {
  readonly session: Session;
  readonly reader = new FrameReader<ClientFrame>(decodeClientFrame);
  readonly #socket: Bun.Socket<Connection | undefined>;
  #waiting: Uint8Array[] = [];
  #ending = false;
  unsent = 0;
  /** Sweeps since its session ended. */
  lingered = 0;

  constructor(socket: Bun.Socket<Connection | undefined>, session: Session) {
    this.#socket = socket;
    this.session = session;
  }

  write(bytes: Uint8Array): void {
    const taken = this.unsent === 0 ? Math.max(0, this.#socket.write(bytes)) : 0;
    if (taken === bytes.length) return;
    // A copy of the rest: the bytes may be part of a buffer that is written to again.
    this.#waiting.push(bytes.slice(taken));
    this.unsent += bytes.length - taken;
  }

  end(): void {
    this.#ending = true;
    if (this.unsent === 0) this.#socket.end();
  }

  /** The socket can take more. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting[0] as Uint8Array;
      const taken = Math.max(0, this.#socket.write(bytes));
      this.unsent -= taken;
      if (taken < bytes.length) {
        this.#waiting[0] = bytes.subarray(taken);
        return;
      }
      this.#waiting.shift();
    }
    if (this.#ending) this.#socket.end();
    else this.session.drained();
  }

  get isEnding(): boolean {
    return this.#ending;
  }

  cut(): void {
    this.#socket.terminate();
  }
}

/**
 * The door of Chromium's push client: TLS on a port of its own, always (the client speaks nothing else). One sweep serves
 * all connections; an idle one holds no timer.
 */
export class McsGateway {
  readonly #house: House;
  readonly #load: McsGatewayDeps['load'];
  readonly #connections = new Set<Connection>();
  #server: Bun.TCPSocketListener<Connection | undefined> | undefined;
  #stopSweep: (() => void) | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(deps: McsGatewayDeps, halfOpenPerAddress: number = limits.halfOpenPerAddress) {
    this.#load = deps.load;
    this.#house = { ...deps, halfOpen: new HalfOpen(halfOpenPerAddress), sweeps: 1 };
  }

  /** Opens the port. Answers its number. @throws Error when it is taken, or certificate and key do not fit. */
  listen(address: McsAddress): number {
    try {
      this.#server = this.#listen(address);
    } catch (cause) {
      const { hostname, port } = address;
      throw new Error(
        `Chromium's push client cannot be let in at port ${port} of ${hostname} (${(cause as Error).message}). ` +
          'Give --mcs-port another number, or mend certificate and key.',
        { cause },
      );
    }
    return this.#server.port;
  }

  #listen({ hostname, port, cert, key }: McsAddress): Bun.TCPSocketListener<Connection | undefined> {
    return Bun.listen<Connection | undefined>({
      hostname,
      port,
      tls: { cert, key },
      data: undefined,
      socket: {
        open: (socket) => this.#open(socket),
        // With this handler Bun calls `open` before the handshake: who never finishes one is counted and timed too.
        handshake: () => {},
        data: ({ data: connection }, chunk) => {
          // Of one that is being ended nothing is read any more.
          if (connection === undefined || connection.isEnding) return;
          for (const frame of connection.reader.push(chunk)) void connection.session.receive(frame);
        },
        drain: ({ data: connection }) => connection?.flush(),
        close: ({ data: connection }) => this.#closed(connection),
        // The close that follows says it all: a client that does not trust the certificate, a network that broke.
        error: () => {},
      },
    });
  }

  /** Connections now, with and without a login. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes no more connections and ends all of them. Settles when they are gone, or after 5 s. */
  async drain(): Promise<void> {
    this.#server?.stop(false);
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      this.#house.clock.after(DRAIN_MS, resolve);
    });
    for (const { session } of [...this.#connections]) session.close('going-away');
    if (this.#connections.size > 0) await empty;
    for (const connection of this.#connections) connection.cut();
    this.#stopSweep?.();
  }

  #open(socket: Bun.Socket<Connection | undefined>): void {
    const address = socket.remoteAddress;
    if (!this.#house.halfOpen.admits(address)) {
      this.#house.events.refused('mcs', 'rate-limited', 'too many connections without a login', address);
      socket.terminate();
      return;
    }
    if (this.#load?.tight === true) {
      // It speaks no HTTP; a client that is cut off comes back later and later.
      this.#house.events.refused('mcs', 'overloaded', 'memory is near its limit', address);
      socket.terminate();
      return;
    }
    const connection = new Connection(socket, new Session(this.#house, address));
    socket.data = connection;
    this.#connections.add(connection);
    connection.session.opened(connection);
    if (this.#connections.size === 1) this.#scheduleSweep();
  }

  #closed(connection: Connection | undefined): void {
    if (connection === undefined) return;
    connection.session.closed();
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  /** One timer for all connections, and none while there are none. */
  #scheduleSweep(): void {
    this.#stopSweep?.();
    this.#stopSweep = this.#house.clock.after(SWEEP_MS, () => {
      this.#stopSweep = undefined;
      this.#house.sweeps++;
      for (const connection of this.#connections) {
        connection.session.sweep();
        if (connection.isEnding && ++connection.lingered > LINGER_SWEEPS) connection.cut();
      }
      if (this.#connections.size > 0) this.#scheduleSweep();
    });
  }
}
