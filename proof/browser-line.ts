import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';

interface Frame {
  readonly messageType?: string;
  readonly uaid?: string;
  readonly channelID?: string;
  readonly version?: string;
  readonly pushEndpoint?: string;
  readonly status?: number;
}

/** A push client that speaks as Firefox does: one subscription that stays, whose pushes it acknowledges, and others that come and go. */
export class BrowserLine {
  readonly #socket: WebSocket;
  readonly #answers = new Map<string, (frame: Frame) => void>();
  endpoint = '';
  #pushed = 0;
  acknowledged = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)) as Frame);
  }

  static async open(origin: string): Promise<BrowserLine> {
    const socket = new WebSocket(origin.replace('http', 'ws') + AUTOPUSH_PATH);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const line = new BrowserLine(socket);
    await line.#ask({ messageType: 'hello', use_webpush: true, broadcasts: {} });
    const { pushEndpoint = '' } = await line.#ask({
      messageType: 'register',
      channelID: crypto.randomUUID(),
    });
    line.endpoint = pushEndpoint;
    return line;
  }

  /** Pushes that were taken for it and have not come. */
  get waiting(): number {
    return this.#pushed - this.acknowledged;
  }

  /** A site pushes to it. Answers the status. */
  async push(): Promise<number> {
    const { status } = await fetch(this.endpoint, { method: 'POST', headers: { TTL: '600' } });
    if (status === 201) this.#pushed++;
    return status;
  }

  /** Another subscription is made and ended. Answers its endpoint. */
  async renew(): Promise<string> {
    const channelID = crypto.randomUUID();
    const { pushEndpoint = '' } = await this.#ask({ messageType: 'register', channelID });
    await this.#ask({ messageType: 'unregister', channelID });
    return pushEndpoint;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(frame: Frame & Readonly<Record<string, unknown>>): Promise<Frame> {
    const answered = Promise.withResolvers<Frame>();
    this.#answers.set(`${frame.messageType} ${frame.channelID ?? ''}`, answered.resolve);
    this.#socket.send(JSON.stringify(frame));
    return answered.promise;
  }

  #hear(frame: Frame): void {
    const { messageType, channelID, version } = frame;
    if (messageType === 'notification') {
      this.acknowledged++;
      const updates = [{ channelID, version, code: 100 }];
      this.#socket.send(JSON.stringify({ messageType: 'ack', updates }));
      return;
    }
    const key = `${messageType} ${channelID ?? ''}`;
    this.#answers.get(key)?.(frame);
    this.#answers.delete(key);
  }
}
