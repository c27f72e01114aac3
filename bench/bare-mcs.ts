import { PbfWriter } from 'pbf';
import { type ClientFrame, decodeClientFrame, encode, MCS_VERSION } from '../server/gateways/mcs/codec.ts';
import { writeFixed64 } from '../server/gateways/mcs/fields.ts';
import { FrameReader, type Refused } from '../server/gateways/mcs/frame-reader.ts';

/**
 * The least that is a push service to Chromium, with our codec: it hands on at once what is posted, and keeps nothing but
 * who registered. Its TLS port is the answer to a GET.
 */
const [certFile = '', keyFile = ''] = process.argv.slice(2);

interface Registered {
  readonly category: string;
  readonly from: string;
  readonly subtype: string;
}

class Browser {
  readonly reader = new FrameReader<ClientFrame>(decodeClientFrame);
  received = 0;
}

const registered: Registered[] = [];
let chromium: Bun.Socket<Browser> | undefined;
let sent = 0;

function answer(socket: Bun.Socket<Browser>, frame: ClientFrame | Refused): void {
  const received = ++socket.data.received;
  if (frame.type === 'login') {
    chromium = socket;
    const loggedIn = encode({
      type: 'loggedIn',
      id: frame.id,
      heartbeatMs: 240_000,
      now: Date.now(),
      received,
    });
    socket.write(Buffer.concat([Uint8Array.of(MCS_VERSION), loggedIn]));
  } else if (frame.type === 'ping') socket.write(encode({ type: 'pong', received }));
  else if (frame.type === 'iq') socket.write(encode({ type: 'streamAck', received }));
}

const mcs = Bun.listen<Browser>({
  port: 0,
  hostname: '127.0.0.1',
  tls: { cert: Bun.file(certFile), key: Bun.file(keyFile) },
  socket: {
    open(socket) {
      socket.data = new Browser();
    },
    data(socket, bytes) {
      for (const frame of socket.data.reader.push(bytes)) answer(socket, frame);
    },
  },
});

function checkIn(): Response {
  const writer = new PbfWriter();
  writer.writeBooleanField(1, true);
  writeFixed64(writer, 7, 1n);
  writeFixed64(writer, 8, 2n);
  return new Response(new Uint8Array(writer.finish()));
}

function register(form: URLSearchParams): Response {
  const said = (name: string) => form.get(name) ?? '';
  registered.push({ category: said('app'), from: said('sender'), subtype: said('X-subtype') });
  return new Response(`token=${registered.length - 1}`);
}

function push(index: number, encoding: string, body: Uint8Array): Response {
  const one = registered[index];
  if (one === undefined) return new Response(null, { status: 404 });
  const { category, from, subtype } = one;
  const appData = { subtype, 'content-encoding': encoding };
  sent += 1;
  const message = { category, from, appData, persistentId: String(sent), body };
  chromium?.write(encode({ type: 'data', message, received: chromium.data.received }));
  return new Response(null, { status: 201 });
}

const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.method === 'GET') return new Response(String(mcs.port));
    if (pathname === '/checkin') return checkIn();
    if (pathname === '/register3') return register(new URLSearchParams(await request.text()));
    const body = new Uint8Array(await request.arrayBuffer());
    return push(Number(pathname.split('/').at(-1)), request.headers.get('content-encoding') ?? '', body);
  },
});
console.log(port);
