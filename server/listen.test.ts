import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { Town } from '../dev-env/town.ts';

let town: Town;
beforeAll(async () => {
  town = await Town.start({ dailyQuota: 0 });
}, 60_000);
afterAll(async () => {
  await town?.[Symbol.asyncDispose]();
});

/** One byte now and then, for ever: a connection that is never silent and never done. */
const TRICKLE_MS = 500;
/** Of each kind: more than enough to see that none holds up another. */
const OF_EACH = 50;

interface Ended {
  /** The beginning of what the server said. */
  readonly said: string;
  readonly trickled: number;
}

/** Settles when the server has answered or ended the connection. */
function trickle(begin: string, piece: string): Promise<Ended> {
  const { hostname, port } = new URL(town.origin);
  const socket: Socket = connect(Number(port), hostname);
  let [said, trickled] = ['', 0];
  socket.write(begin);
  const timer = setInterval(() => {
    trickled += 1;
    socket.write(piece);
  }, TRICKLE_MS);
  // A reset is an end like any other here.
  socket.on('error', () => {});
  return new Promise((resolve) => {
    socket.on('data', (data) => {
      said += data;
      socket.destroy();
    });
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ said, trickled });
    });
  });
}

test('WP26 requests whose head or body trickles are ended, and others are answered meanwhile', async () => {
  const token = await town.accessToken();
  const head = 'POST /gcm_for_chrome/v1/messages HTTP/1.1\r\nHost: x\r\n';
  const body = `${head}Authorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n`;
  const chunked = `${head}Authorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const kinds = [
    { name: 'the first line', begin: 'P', piece: 'O', says: '' },
    { name: 'a header', begin: `${head}X-`, piece: 'a', says: '' },
    { name: 'headers', begin: head, piece: 'X-A: b\r\n', says: '' },
    { name: 'a body', begin: body, piece: ' ', says: 'HTTP/1.1 408' },
    { name: 'chunks', begin: chunked, piece: '1\r\n \r\n', says: 'HTTP/1.1 408' },
  ];
  let left = kinds.length * OF_EACH;
  const ended = kinds.map(({ begin, piece }) =>
    Promise.all(Array.from({ length: OF_EACH }, () => trickle(begin, piece).finally(() => (left -= 1)))),
  );
  let served = 0;
  while (left > 0) {
    const message = { channelId: town.seed.channel_id, subchannelId: served % 4, payload: `${served}` };
    expect((await town.send(token, message)).status).toBe(204);
    served += 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // None was ended for its silence, or at once.
  for (const [index, { name, says }] of kinds.entries())
    for (const { said, trickled } of (await ended[index]) ?? [])
      expect([name, said.slice(0, says.length), trickled > 5]).toEqual([name, says, true]);
  expect(served).toBeGreaterThan(20);
}, 90_000);
