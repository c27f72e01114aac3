/** What one device says and hears, in bytes. */
export interface Receiver {
  /** Said in turn, each after the answer to the one before; with the last answer the device is live. */
  readonly greetings: readonly Buffer[];
  /** Takes what arrived and answers how many answers to greetings were in it; each message is handed to `message`. */
  hear(chunk: Buffer, message: OnMessage): number;
}

/** `confirm`: what tells the server that the message was taken, in writes of their own. */
type OnMessage = (payload: string, confirm: readonly Buffer[]) => void;

/** Below the number of connections without a hello that the server takes from one address. */
const AT_ONCE = 100;

/** Connects all, some at a time. Settles when all are live; a device that is closed ends the process. */
export async function connectReceivers(
  port: number,
  receivers: readonly Receiver[],
  message: (payload: string, confirm: readonly Buffer[], socket: Bun.Socket) => void,
): Promise<void> {
  let next = 0;
  const turn = async () => {
    for (let receiver = receivers[next++]; receiver !== undefined; receiver = receivers[next++])
      await connect(port, receiver, message);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
}

async function connect(
  port: number,
  receiver: Receiver,
  message: (payload: string, confirm: readonly Buffer[], socket: Bun.Socket) => void,
): Promise<void> {
  const live = Promise.withResolvers<void>();
  let greeted = 0;
  const greet = (socket: Bun.Socket) => {
    const next = receiver.greetings[greeted];
    if (next === undefined) live.resolve();
    else socket.write(next);
  };
  await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        greet(socket);
      },
      data(socket, chunk) {
        const answers = receiver.hear(chunk, (payload, confirm) => message(payload, confirm, socket));
        for (let left = answers; left > 0; left -= 1) {
          greeted += 1;
          greet(socket);
        }
      },
      close() {
        console.error('a device was closed');
        process.exit(1);
      },
    },
  });
  await live.promise;
}
