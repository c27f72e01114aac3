import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { issueCertificate, makeAuthority } from '../server/config/certificates.ts';

/** A mail as it arrived. */
export interface ReceivedMail {
  /** Of the envelope. */
  readonly from: string;
  readonly to: readonly string[];
  /** Header lines, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** The connection was encrypted. */
  readonly secure: boolean;
  /** Who logged in. */
  readonly user: string | undefined;
}

export interface PostOfficeOptions {
  /** Encrypted from the first byte, on request (the default, as everywhere), or never. */
  readonly encryption?: 'tls' | 'starttls' | 'none';
  /** Only who knows these may send. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The same as before it was closed. */
  readonly port?: number;
}

/** Somebody's SMTP server, real but for its mailboxes: keeps what it takes for the test to read. */
export class PostOffice implements AsyncDisposable {
  readonly mails: ReceivedMail[] = [];
  readonly port: number;
  /** Recipients that were asked for, refused ones too. */
  readonly asked: string[] = [];
  /** Names that somebody gave to log in. */
  readonly logins: string[] = [];
  /** An SMTP answer with which recipients are refused, such as 550. */
  refuses: number | undefined;
  readonly #ca: string;
  readonly #server: SMTPServer;
  #arrived: () => void = () => {};
  #wasAsked: () => void = () => {};
  #folder: string | undefined;

  private constructor(ca: string, port: number, server: SMTPServer) {
    this.#ca = ca;
    this.port = port;
    this.#server = server;
  }

  static async start(options: PostOfficeOptions = {}): Promise<PostOffice> {
    const { encryption = 'starttls', login, port = 0 } = options;
    const authority = await makeAuthority(new Date());
    const { cert, key } = await issueCertificate(authority, ['localhost', '127.0.0.1'], new Date());
    let office: PostOffice | undefined;
    const server = new SMTPServer({
      secure: encryption === 'tls',
      ...(encryption === 'none' ? { hideSTARTTLS: true } : { cert, key }),
      ...(login === undefined && { authOptional: true, disabledCommands: ['AUTH'] }),
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, answer) => {
        office?.logins.push(String(username));
        const right = username === login?.user && password === login?.password;
        if (right) answer(null, { user: username });
        else answer(new Error('Wrong login'));
      },
      onRcptTo: ({ address }, _session, answer) => answer(office?.recipient(address)),
      onData: (stream, session, answer) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          office?.take(Buffer.concat(chunks).toString('utf8'), session);
          answer(null);
        });
      },
    } satisfies SMTPServerOptions);
    // Clients that go away in the middle, as tests of refused certificates do.
    server.on('error', () => {});
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
    const address = server.server.address();
    office = new PostOffice(authority.cert, typeof address === 'object' ? (address?.port ?? 0) : 0, server);
    return office;
  }

  /** Flags with which `reveille serve` mails through it. */
  get flags(): readonly string[] {
    return ['--smtp-url', `smtp://127.0.0.1:${this.port}`, '--mail-from', 'reveille@example.org'];
  }

  /** The first `count` mails, when they are there. */
  async has(count: number): Promise<readonly ReceivedMail[]> {
    while (this.mails.length < count)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    return this.mails.slice(0, count);
  }

  /** Settles when somebody has named `count` recipients. */
  async wasAsked(count: number): Promise<void> {
    while (this.asked.length < count)
      await new Promise<void>((resolve) => {
        this.#wasAsked = resolve;
      });
  }

  /** The authority in a file, for `NODE_EXTRA_CA_CERTS` of another process. */
  async caFile(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'reveille-post-'));
    const file = join(this.#folder, 'ca.pem');
    await writeFile(file, this.#ca);
    return file;
  }

  /** @returns undefined to take it */
  recipient(address: string): Error | undefined {
    this.asked.push(address);
    this.#wasAsked();
    if (this.refuses === undefined) return undefined;
    return Object.assign(new Error(`No mail for ${address}`), { responseCode: this.refuses });
  }

  take(raw: string, session: Parameters<NonNullable<SMTPServerOptions['onData']>>[1]): void {
    const [head = '', ...body] = raw.split('\r\n\r\n');
    const headers = new Map(
      head
        .replace(/\r\n[ \t]+/g, ' ')
        .split('\r\n')
        .map((line) => [
          line.split(':', 1)[0]?.toLowerCase() ?? '',
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
    );
    const quoted = headers.get('content-transfer-encoding') === 'quoted-printable';
    const text = body.join('\r\n\r\n').replaceAll('\r\n', '\n');
    const { mailFrom, rcptTo } = session.envelope;
    this.mails.push({
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map(({ address }) => address),
      headers,
      text: quoted ? unquoted(text) : text,
      secure: session.secure,
      user: session.user,
    });
    this.#arrived();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

/** RFC 2045, section 6.7. */
function unquoted(text: string): string {
  const bytes = text
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
