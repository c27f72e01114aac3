import { readFileSync } from 'node:fs';

/** A process that opens connections, says hello on each, and holds them, silent, until it is killed. */
export interface IdleOrder {
  readonly transport: 'websocket' | 'socket';
  readonly port: number;
  readonly tls: boolean;
  readonly path: string;
  /** One hello in each line; on plain sockets in base64. */
  readonly hellosFile: string;
  /** Of the file's lines. */
  readonly from: number;
  readonly count: number;
}

/** Below the number of connections without a hello that the server takes from one address. */
const AT_ONCE = 100;

const order = JSON.parse(process.argv[2] ?? '') as IdleOrder;
const hellos = readFileSync(order.hellosFile, 'utf8')
  .split('\n')
  .slice(order.from, order.from + order.count);
const held: unknown[] = [];

/** The types of the DOM do not know the options of Bun. */
const TlsWebSocket = WebSocket as unknown as new (url: string, options: Bun.WebSocketOptions) => WebSocket;

/** Settles with the first answer. */
function open(hello: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const lost = () => reject(new Error('a connection was closed'));
  if (order.transport === 'websocket') {
    const url = `${order.tls ? 'wss' : 'ws'}://127.0.0.1:${order.port}${order.path}`;
    const socket = new TlsWebSocket(url, { tls: { rejectUnauthorized: false } });
    socket.onopen = () => socket.send(hello);
    socket.onmessage = () => resolve();
    socket.onclose = lost;
    held.push(socket);
    return promise;
  }
  void Bun.connect({
    hostname: '127.0.0.1',
    port: order.port,
    tls: order.tls ? { rejectUnauthorized: false } : false,
    socket: {
      open: (socket) => {
        held.push(socket);
        socket.write(Buffer.from(hello, 'base64'));
      },
      data: () => resolve(),
      close: lost,
    },
  }).catch(reject);
  return promise;
}

for (let from = 0; from < hellos.length; from += AT_ONCE)
  await Promise.all(hellos.slice(from, from + AT_ONCE).map(open));
console.log('connected');
await new Promise(() => setInterval(() => held.length, 60_000));
