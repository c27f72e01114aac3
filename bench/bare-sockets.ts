/** What the runtime itself needs for a connection: a server that answers the first bytes and remembers nothing. */
const [kind, certFile, keyFile] = process.argv.slice(2);
const tls =
  certFile === undefined || keyFile === undefined
    ? undefined
    : { cert: Bun.file(certFile), key: Bun.file(keyFile) };
const where = { port: 0, hostname: '127.0.0.1' };

function start(): number | undefined {
  if (kind === 'socket') {
    const socket = { data: (one: Bun.Socket) => void one.write('welcome') };
    return Bun.listen({ ...where, socket, ...(tls && { tls }) }).port;
  }
  return Bun.serve({
    ...where,
    ...(tls && { tls }),
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
    websocket: {
      message: (socket) => void socket.send('welcome'),
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
    },
  }).port;
}

console.log(start());
