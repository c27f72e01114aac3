/**
 * What the runtime itself needs to hand messages on: a POST is a send to the socket that said the name. Keeps nothing.
 * Started with "waiting" it has a message for each socket that comes.
 */
const waiting = process.argv[2] === 'waiting';
const sockets = new Map<string, Bun.ServerWebSocket>();
let version = 0;

interface Posted {
  readonly channelId: string;
  readonly payload: string;
}

const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request, upgrading) {
    if (request.method === 'GET') {
      return upgrading.upgrade(request) ? undefined : new Response(null, { status: 426 });
    }
    const { channelId, payload } = (await request.json()) as Posted;
    version += 1;
    sockets.get(channelId)?.send(JSON.stringify({ type: 'message', version, payload }));
    return new Response(null, { status: 204 });
  },
  websocket: {
    message(socket, text) {
      const { type, device } = JSON.parse(String(text)) as Record<string, string>;
      if (type !== 'hello' || device === undefined) return;
      sockets.set(device, socket);
      if (waiting) socket.send(JSON.stringify({ type: 'message', version: 1, payload: '.'.repeat(64) }));
      socket.send('{"type":"live"}');
    },
    idleTimeout: 0,
    perMessageDeflate: false,
  },
});
console.log(port);
