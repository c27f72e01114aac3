import { cpuSeconds } from '../processes.ts';
import type { Dialogue } from './dialogue.ts';

/** What a load gave. */
export interface Rate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were no yes. */
  readonly failed: number;
  /** Parts of one core, 0 to 1, that the server and the load took. */
  readonly serverCpu: number;
  readonly loadCpu: number;
}

export interface ExchangeOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Nothing counts so long: connections open, code gets warm. */
  readonly warmUpMs: number;
  /** Of the server. */
  readonly pid: number;
  readonly dialogue: (connection: number) => Dialogue;
}

/** Keeps one request in flight on each connection, and counts the answers. @throws Error when a connection fails. */
export async function exchange(options: ExchangeOptions): Promise<Rate> {
  const run = new Run(options);
  const sockets = await Promise.all(
    Array.from({ length: options.connections }, (_, number) => run.connect(number)),
  );
  try {
    return await run.measure();
  } finally {
    for (const socket of sockets) socket.end();
  }
}

class Run {
  readonly #options: ExchangeOptions;
  readonly #dialogues: Dialogue[] = [];
  readonly #lost = Promise.withResolvers<never>();
  readonly #begins: (() => void)[] = [];
  #number = 0;
  #times: number[] = [];
  #counts = false;
  #over = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#lost.promise.catch(() => {});
  }

  /** Settles when the connection may send its first request. */
  connect(number: number) {
    const dialogue = this.#options.dialogue(number);
    this.#dialogues.push(dialogue);
    const ready = Promise.withResolvers<void>();
    const { greetings } = dialogue;
    let greeted = 0;
    let sentAt = 0;
    const greet = (socket: Bun.Socket) => {
      const next = greetings[greeted];
      if (next === undefined) ready.resolve();
      else socket.write(next);
    };
    const opened = Bun.connect({
      hostname: '127.0.0.1',
      port: this.#options.port,
      socket: {
        open: (socket) => {
          socket.setNoDelay(true);
          greet(socket);
        },
        data: (socket, chunk) => {
          const answers = dialogue.hear(chunk);
          if (answers === 0 || this.#over) return;
          if (greeted < greetings.length) {
            greeted += 1;
            return greet(socket);
          }
          const now = performance.now();
          if (this.#counts) this.#times.push(now - sentAt);
          sentAt = now;
          socket.write(dialogue.request(this.#number++));
        },
        close: () => this.#lose(new Error('the server closed a connection of the load')),
        error: (_socket, error) => this.#lose(error),
      },
    });
    return opened.then(async (socket) => {
      await Promise.race([ready.promise, this.#lost.promise]);
      this.#begins.push(() => {
        sentAt = performance.now();
        socket.write(dialogue.request(this.#number++));
      });
      return socket;
    });
  }

  async measure(): Promise<Rate> {
    const { seconds, warmUpMs, pid } = this.#options;
    for (const begin of this.#begins) begin();
    await this.#wait(warmUpMs);
    const before = this.#dialogues.reduce((sum, one) => sum + one.refused, 0);
    const cpu = { server: cpuSeconds(pid), load: process.cpuUsage(), at: performance.now() };
    this.#counts = true;
    await this.#wait(seconds * 1_000);
    this.#counts = false;
    const took = (performance.now() - cpu.at) / 1_000;
    const load = process.cpuUsage(cpu.load);
    const serverCpu = (cpuSeconds(pid) - cpu.server) / took;
    this.#over = true;
    const failed = this.#dialogues.reduce((sum, one) => sum + one.refused, 0) - before;
    const times = Float64Array.from(this.#times).sort();
    if (times.length === 0) throw new Error('no request of the load was answered');
    const share = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
    return {
      perSecond: Math.max(0, times.length - failed) / took,
      p50Ms: share(0.5),
      p99Ms: share(0.99),
      failed,
      serverCpu,
      loadCpu: (load.user + load.system) / 1e6 / took,
    };
  }

  #lose(error: Error): void {
    if (!this.#over) this.#lost.reject(error);
  }

  async #wait(ms: number): Promise<void> {
    await Promise.race([Bun.sleep(ms), this.#lost.promise]);
  }
}
