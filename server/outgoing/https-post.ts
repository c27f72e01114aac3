import { Agent, request } from 'node:https';
import { limits } from '../../protocol/limits.ts';
import { guardedLookup, type Reach } from './reachable.ts';

/** What the other side said. */
export interface Said {
  readonly status: number;
  /** The header as it came. */
  readonly retryAfter: string | undefined;
}

/** Posts once. @throws Error when no answer came: name, address, TLS, time. */
export type Post = (url: URL, headers: Record<string, string>, body: Uint8Array) => Promise<Said>;

/**
 * Posts over HTTPS to addresses that were checked. Redirects are answers like any other: nothing follows them. Connections
 * stay open for the next one.
 * @param ca another authority than the system's, in PEM.
 */
export function httpsPost(
  reach: Reach,
  ca?: string,
  answerMs: number = limits.pushAnswerMs,
): { post: Post; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: limits.pushesPerHost, timeout: limits.pushIdleMs });
  const lookup = guardedLookup(reach);
  const post: Post = (url, headers, body) =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(answerMs);
      const call = request(
        url,
        { method: 'POST', agent, headers, signal, lookup, ...(ca !== undefined && { ca }) },
        (answer) => {
          // What else it says is of no interest, but must be read for the connection to be free again.
          answer.resume();
          answer.on('error', () => {});
          resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] });
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  return { post, close: () => agent.destroy() };
}
