import type { ServerFrame } from '../protocol/wire.ts';
import type { Socket } from './ports.ts';

/** The other end of every socket that a test's client opens, newest last. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  /** Give this to the client as its WebSocket constructor. */
  readonly WebSocket: new (
    url: string,
  ) => FakeSocket;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  }

  /** The socket in use. */
  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }
}

export class FakeSocket implements Socket {
  readonly url: string;
  readonly sent: unknown[] = [];
  closedWith: number | undefined;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  onerror: Socket['onerror'] = null;

  constructor(url: string) {
    this.url = url;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code = 1005): void {
    this.closedWith ??= code;
  }

  /** The server accepts, greets, and has nothing that waits. */
  welcome(pingMs = 20_000): void {
    this.open();
    this.says({ type: 'welcome', protocol: 1, channelId: 'c', pingMs });
  }

  open(): void {
    this.onopen?.({} as never);
  }

  says(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The server, or the network, ends it. */
  ends(code: number, reason = ''): void {
    this.onclose?.({ code, reason });
  }
}
