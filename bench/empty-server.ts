/** The HTTP server that does nothing but read the body: the runtime's own limit, with which accepting is compared. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    await request.text();
    return new Response(null, { status: 204 });
  },
});
console.log(server.port);
