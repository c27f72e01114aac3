import type { Town } from '../dev-env/town.ts';

/** What a flood of senders was answered. */
export interface Flood {
  /** Of each 204, its header Reveille-Message. */
  readonly accepted: readonly number[];
  /** Milliseconds from the request to each 204. */
  readonly acceptedMs: readonly number[];
  /** Heads of the answers that were no 204. */
  readonly refused: readonly string[];
}

export interface FloodOptions {
  readonly connections: number;
  readonly seconds: number;
}

/** Sends to a town on many connections at once, on each as fast as it answers, whatever it answers. */
export async function floodWithMessages(
  town: Town,
  token: string,
  { connections, seconds }: FloodOptions,
): Promise<Flood> {
  const accepted: number[] = [];
  const acceptedMs: number[] = [];
  const refused: string[] = [];
  const until = performance.now() + seconds * 1_000;
  const { hostname, port } = new URL(town.origin);
  const request = requestOf(town, token);
  const one = () =>
    new Promise<void>((resolve, reject) => {
      let text = '';
      let sentAt = 0;
      const send = (socket: Bun.Socket) => {
        sentAt = performance.now();
        socket.write(request);
      };
      const hear = (head: string) => {
        if (!head.startsWith('HTTP/1.1 204')) return void refused.push(head);
        accepted.push(Number(/^reveille-message: (\d+)/im.exec(head)?.[1]));
        acceptedMs.push(performance.now() - sentAt);
      };
      Bun.connect({
        hostname,
        port: Number(port),
        socket: {
          open: send,
          data(socket, chunk) {
            text += chunk.toString('latin1');
            const end = answerEnd(text);
            if (end === 0) return;
            hear(text.slice(0, end));
            text = '';
            if (performance.now() < until) send(socket);
            else {
              resolve();
              socket.end();
            }
          },
          // After the end it rejects what was settled.
          close: () => reject(new Error('the server cut a connection')),
        },
      }).catch(reject);
    });
  await Promise.all(Array.from({ length: connections }, one));
  return { accepted, acceptedMs, refused };
}

function requestOf(town: Town, token: string): string {
  const body = JSON.stringify({ channelId: town.seed.channel_id, subchannelId: 0, payload: 'one of many' });
  const headers = `Host: ${new URL(town.origin).host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json`;
  return `POST /gcm_for_chrome/v1/messages HTTP/1.1\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Where the first answer ends; 0 = it is not all there. */
function answerEnd(text: string): number {
  const head = text.indexOf('\r\n\r\n') + 4;
  if (head < 4) return 0;
  const end = head + Number(/^content-length: *(\d+)/im.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length < end ? 0 : end;
}
