import type { Listen } from '../../server/listen.ts';
import type { SocketData } from '../../server/sockets.ts';

type Inner = { readonly answer: Parameters<Listen>[1]; readonly websocket: Parameters<Listen>[2] };
type Socket = Bun.ServerWebSocket<SocketData>;

/** What the emulator answers itself; undefined = the request is for the server. */
export type OwnAnswer = (request: Request) => Promise<Response> | undefined;

/**
 * The one port of an emulator: it stays open while the server behind it is thrown away and built anew. Requests that come
 * meanwhile wait.
 */
export class OuterDoor {
  readonly #own: OwnAnswer;
  #server: Bun.Server<SocketData> | undefined;
  #inner: Inner | undefined;
  /** Which server a socket belongs to: one of an earlier server may still be closing. */
  readonly #owners = new WeakMap<Socket, Inner>();
  #ready: Promise<unknown> = Promise.resolve();

  constructor(own: OwnAnswer) {
    this.#own = own;
  }

  /** Hands a server its port, as `Bun.serve` would. */
  readonly listen: Listen = ({ host, port }, answer, websocket) => {
    this.#inner = { answer, websocket };
    this.#server ??= Bun.serve<SocketData>({
      hostname: host,
      port,
      development: false,
      fetch: async (request, server) => {
        const own = this.#own(request);
        if (own !== undefined) return await own;
        await this.#ready;
        return await this.#inner?.answer(request, server);
      },
      websocket: this.#handler(websocket),
    });
    return { port: this.#server.port, stop: async () => {} };
  };

  /** Asks the server behind at once. */
  async call(request: Request): Promise<Response> {
    const server = this.#server;
    if (server === undefined) throw new Error('the emulator does not listen yet');
    return (await this.#inner?.answer(request, server)) ?? new Response(null, { status: 503 });
  }

  /** Until `work` has ended requests for the server wait. */
  async while<T>(work: Promise<T>): Promise<T> {
    this.#ready = work.catch(() => undefined);
    return await work;
  }

  async close(): Promise<void> {
    await this.#server?.stop(true);
  }

  #handler(first: Bun.WebSocketHandler<SocketData>): Bun.WebSocketHandler<SocketData> {
    const of = (socket: Socket) => this.#owners.get(socket)?.websocket;
    return {
      ...first,
      open: (socket) => {
        if (this.#inner !== undefined) this.#owners.set(socket, this.#inner);
        return of(socket)?.open?.(socket);
      },
      message: (socket, message) => of(socket)?.message?.(socket, message),
      ping: (socket, data) => of(socket)?.ping?.(socket, data),
      pong: (socket, data) => of(socket)?.pong?.(socket, data),
      drain: (socket) => of(socket)?.drain?.(socket),
      close: (socket, code, reason) => of(socket)?.close?.(socket, code, reason),
    };
  }
}
