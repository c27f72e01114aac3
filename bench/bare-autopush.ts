/** The least that is a push service to Firefox: it hands on at once what is posted, and keeps nothing. */
let firefox: Bun.ServerWebSocket | undefined;
let version = 0;

interface Said {
  readonly messageType?: string;
  readonly channelID?: string;
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request, upgrading) {
    if (request.method === 'GET')
      return upgrading.upgrade(request) ? undefined : new Response(null, { status: 426 });
    const data = Buffer.from(await request.arrayBuffer()).toString('base64url');
    version += 1;
    firefox?.sendText(
      JSON.stringify({
        messageType: 'notification',
        channelID: new URL(request.url).pathname.slice(1),
        version: String(version),
        data,
        headers: { encoding: request.headers.get('content-encoding') },
      }),
    );
    return new Response(null, { status: 201 });
  },
  websocket: {
    message(socket, text) {
      const { messageType, channelID } = JSON.parse(String(text)) as Said;
      const answer = (more: object) => socket.sendText(JSON.stringify({ messageType, status: 200, ...more }));
      if (messageType === 'hello') {
        firefox = socket;
        answer({ uaid: 'bare', use_webpush: true, broadcasts: {} });
      } else if (messageType === 'register')
        answer({ channelID, pushEndpoint: `http://127.0.0.1:${server.port}/${channelID}` });
    },
    idleTimeout: 0,
    perMessageDeflate: false,
  },
});
console.log(server.port);

export {};
