import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate, makeAuthority } from '../server/config/certificates.ts';

/** A call as it arrived: the body byte for byte, as its signature needs it. */
export interface ReceivedCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Somebody's own server: takes webhooks over TLS, with a certificate of an authority that only it knows. */
export class WebhookReceiver implements AsyncDisposable {
  readonly calls: ReceivedCall[] = [];
  readonly ca: string;
  /** The authority in a file, for `NODE_EXTRA_CA_CERTS` of another process. */
  readonly caFile: string;
  readonly #folder: string;
  readonly #server: Bun.Server<undefined>;
  #arrived: () => void = () => {};
  /** What it answers. */
  answer: (call: ReceivedCall) => Response | Promise<Response> = () => new Response(null, { status: 204 });

  private constructor(folder: string, ca: string, tls: { readonly cert: string; readonly key: string }) {
    this.#folder = folder;
    this.ca = ca;
    this.caFile = join(folder, 'ca.pem');
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: { cert: tls.cert, key: tls.key },
      fetch: (request) => this.#take(request),
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const authority = await makeAuthority(new Date());
    const certificate = await issueCertificate(authority, ['localhost'], new Date());
    const folder = await mkdtemp(join(tmpdir(), 'reveille-receiver-'));
    const receiver = new WebhookReceiver(folder, authority.cert, certificate);
    await writeFile(receiver.caFile, authority.cert);
    return receiver;
  }

  url(path = '/hook'): string {
    return `https://localhost:${this.#server.port}${path}`;
  }

  /** The first `count` calls, when they are there. */
  async has(count: number): Promise<readonly ReceivedCall[]> {
    while (this.calls.length < count)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    return this.calls.slice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #take(request: Request): Promise<Response> {
    const call = {
      path: new URL(request.url).pathname,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    };
    this.calls.push(call);
    this.#arrived();
    return await this.answer(call);
  }
}
