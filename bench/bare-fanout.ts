/** The runtime's own send loop: a POST is sent to every socket that is open. Keeps nothing. */
const sockets = new Set<Bun.ServerWebSocket>();
let version = 0;

const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request, upgrading) {
    if (request.method === 'GET')
      return upgrading.upgrade(request) ? undefined : new Response(null, { status: 426 });
    const { payload } = (await request.json()) as { readonly payload: string };
    version += 1;
    const frame = JSON.stringify({ type: 'message', version, subchannelId: 0, payload });
    for (const socket of sockets) socket.sendText(frame);
    return new Response(null, { status: 204 });
  },
  websocket: {
    open: (socket) => void sockets.add(socket),
    message(socket, text) {
      if (String(text).includes('"hello"')) socket.sendText('{"type":"live"}');
    },
    close: (socket) => void sockets.delete(socket),
    idleTimeout: 0,
    perMessageDeflate: false,
  },
});
console.log(port);

export {};
