import { STATUS_CODES } from 'node:http';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';
import type { Peer } from '../doors/peer.ts';

/** Hands a request to the doors of this server, without a socket, as if it had come from `peer`. */
export type Dispatch = (request: Request, peer: Peer) => Promise<Response>;

/** A request as it is sent and shown. */
export interface Sent {
  readonly method: string;
  /** Of this server. */
  readonly url: URL;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** One request and its answer, both as text on the wire. */
export interface Exchange {
  readonly title: string;
  readonly request: string;
  readonly response: string;
  readonly status: number;
}

export interface Answer {
  readonly exchange: Exchange;
  readonly status: number;
  readonly body: string;
}

/** Tells the doors that somebody stands behind this request: what only this machine may see, /metrics, is not shown to it. */
const via = ['Via', '1.1 oauthplayground'] as const;

/**
 * Sends a request to this server's own doors and writes down both sides. A redirect is an answer like any other. The answer
 * is read up to limits.playgroundAnswerBytes and for limits.playgroundAnswerMs.
 */
export async function exchange(
  title: string,
  sent: Sent,
  to: { readonly dispatch: Dispatch; readonly peer: Peer; readonly clock: Clock },
): Promise<Answer> {
  const { method, url, headers, body } = sent;
  const request = new Request(url, {
    method,
    headers: [...headers, via].map(([name, value]): [string, string] => [name, value]),
    ...(body === '' ? {} : { body }),
  });
  const response = await to.dispatch(request, to.peer);
  const read = await readAnswer(response, to.clock);
  const told = read.cut === undefined ? read.text : `${read.text}\n[${read.cut}]`;
  const lines = [...response.headers].map(([name, value]) => `${titled(name)}: ${value}`);
  return {
    status: response.status,
    body: read.text,
    exchange: {
      title,
      request: requestText(sent),
      response: [statusLine(response.status), ...lines, '', told].join('\n').trimEnd(),
      status: response.status,
    },
  };
}

function requestText({ method, url, headers, body }: Sent): string {
  const length = Buffer.byteLength(body);
  const lines = [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...[...headers, via].map(([name, value]) => `${name}: ${value}`),
    ...(length === 0 ? [] : [`Content-Length: ${length}`]),
  ];
  return [...lines, '', body].join('\n').trimEnd();
}

const statusLine = (status: number): string => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();

/** Names of headers as people write them; the platform has them in lower case. */
const titled = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

interface ReadAnswer {
  readonly text: string;
  /** Why the rest is missing. */
  readonly cut: string | undefined;
}

async function readAnswer(response: Response, clock: Clock): Promise<ReadAnswer> {
  if (response.body === null) return { text: '', cut: undefined };
  const reader = response.body.getReader();
  const { playgroundAnswerBytes: most, playgroundAnswerMs: longest } = limits;
  let cut: string | undefined;
  const stop = clock.after(longest, () => {
    cut = `The answer went on after ${longest / 1_000} seconds; the playground stopped reading.`;
    void reader.cancel().catch(() => {});
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let next = await reader.read(); !next.done && cut === undefined; next = await reader.read()) {
      chunks.push(next.value);
      bytes += next.value.byteLength;
      if (bytes > most) {
        cut = `The answer is longer than ${most} bytes; the rest is not shown.`;
        await reader.cancel();
      }
    }
  } finally {
    stop();
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, most));
  return { text, cut };
}
