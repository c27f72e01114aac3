import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Certified, issueCertificate, makeAuthority } from '../config/certificates.ts';
import { httpsPost } from './https-post.ts';
import type { Reach } from './reachable.ts';

/** A name that every machine resolves to itself (RFC 6761): the look-up is the real one. */
const NAME = 'localhost';
let authority: Certified;
let server: Bun.Server<undefined>;
let answer: (request: Request) => Response | Promise<Response>;
let asked = 0;

const start = ({ cert, key }: Certified) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert, key },
    fetch: (request) => {
      asked += 1;
      return answer(request);
    },
  });

beforeAll(async () => {
  authority = await makeAuthority(new Date());
  server = start(await issueCertificate(authority, [NAME], new Date()));
});
afterAll(() => server.stop(true));

/** Posts once to the server's port; answers what was said, or the code of the failure. */
async function post(path = '/', given: Partial<Reach> = {}, ca: string | undefined = authority.cert) {
  const out = httpsPost({ privateAddresses: true, ...given }, ca);
  try {
    return await out.post(
      new URL(`https://${NAME}:${server.port}${path}`),
      { TTL: '7', 'Content-Length': '5' },
      Buffer.from('hello'),
    );
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    out.close();
  }
}

describe('a push that leaves', () => {
  test('WK17 the body and headers arrive, and the answer is told', async () => {
    let came: unknown;
    answer = async (request) => {
      came = [
        request.method,
        request.headers.get('ttl'),
        await request.text(),
        new URL(request.url).pathname,
      ];
      return new Response('a text that nobody needs', { status: 429, headers: { 'Retry-After': '9' } });
    };
    expect(await post('/wpush/token')).toEqual({ status: 429, retryAfter: '9' });
    expect(came).toEqual(['POST', '7', 'hello', '/wpush/token']);
  });

  test('WK17 a redirect is an answer, and followed nowhere', async () => {
    asked = 0;
    answer = () => Response.redirect(`https://${NAME}:${server.port}/elsewhere`, 307);
    expect(await post()).toEqual({ status: 307, retryAfter: undefined });
    expect(asked).toBe(1);
  });

  test('WK16 an address that is not public is not connected to', async () => {
    asked = 0;
    answer = () => new Response(null, { status: 201 });
    expect(await post('/', { privateAddresses: false })).toBe('EPRIVATE');
    expect(asked).toBe(0);
  });

  test('WK15 a certificate of an unknown authority, or for another name, is no push service', async () => {
    const stranger = await makeAuthority(new Date());
    answer = () => new Response(null, { status: 201 });
    expect(await post('/', {}, stranger.cert)).toBeString();
    const other = start(await issueCertificate(authority, ['other.example'], new Date()));
    const right = server;
    server = other;
    expect(await post()).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    server = right;
    await other.stop(true);
  });

  test('WK17 nobody listens: an error, not an answer', async () => {
    const out = httpsPost({ privateAddresses: true });
    const closed = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const url = new URL(`https://${NAME}:${closed.port}/`);
    await closed.stop(true);
    await expect(out.post(url, {}, new Uint8Array())).rejects.toThrow();
    out.close();
  });

  test('WK17 one that says nothing is given up after the limit', async () => {
    answer = () => new Promise<Response>(() => {});
    const out = httpsPost({ privateAddresses: true }, authority.cert, 100);
    const url = new URL(`https://${NAME}:${server.port}/`);
    await expect(out.post(url, {}, new Uint8Array())).rejects.toThrow();
    out.close();
  });
});
