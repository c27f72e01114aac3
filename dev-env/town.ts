import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTestCertificate, type TestCertificate } from './certificates.ts';

/** What bootstrap makes: one of each thing that a first message needs. */
export interface Seed {
  readonly origin: string;
  readonly account: { readonly email: string; readonly password: string };
  readonly project: { readonly id: string };
  readonly client: {
    readonly client_id: string;
    readonly client_secret: string;
    readonly redirect_uris: readonly string[];
  };
  readonly refresh_token: string;
  readonly publish_refresh_token: string;
  readonly publisher: { readonly id: string };
  readonly app: { readonly id: string; readonly key: string };
  readonly channel_id: string;
  /** The account's sign-in, as a value of a Cookie header. */
  readonly cookie: string;
}

export interface TownOptions {
  /** More flags of `reveille serve`. */
  readonly flags?: readonly string[];
  /** 0 = no limit, which load tests need. */
  readonly dailyQuota?: number;
  /** What stands before the server's command line, such as strace and its flags. */
  readonly under?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A server that does not sync its commits, to show that a test of the syncs can fail. */
  readonly synchronous?: 'NORMAL';
  /** True lets stock Chromium's push client in, by a certificate of this town's own. */
  readonly mcs?: boolean;
  /** True serves https on the main port, by a certificate of this town's own. */
  readonly tls?: boolean;
  /** False leaves the server without any account. */
  readonly seeded?: boolean;
}

/** How long a start may take on a machine that does other work beside. */
const START_MS = 30_000;

const script = (path: string): string => new URL(path, import.meta.url).pathname;

/**
 * A real server in a process of its own, on a free port of the loopback address and an empty data folder, with one
 * account, project, client, app and channel in it. The fixture of every test that crosses processes.
 */
export class Town implements AsyncDisposable {
  readonly dataFolder: string;
  readonly #options: TownOptions;
  #process: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | undefined;
  #log: string[] = [];
  #seed: Seed | undefined;
  #certificate: TestCertificate | undefined;
  #mcsPort = 0;
  origin = '';

  private constructor(dataFolder: string, options: TownOptions) {
    this.dataFolder = dataFolder;
    this.#options = options;
  }

  static async start(options: TownOptions = {}): Promise<Town> {
    const town = new Town(await mkdtemp(join(tmpdir(), 'reveille-town-')), options);
    try {
      if (options.mcs === true || options.tls === true)
        town.#certificate = await makeTestCertificate(town.dataFolder);
      await town.#serve(0);
      if (options.seeded !== false) await town.#bootstrap();
    } catch (error) {
      await town[Symbol.asyncDispose]();
      throw error;
    }
    return town;
  }

  /** What bootstrap made. */
  get seed(): Seed {
    if (this.#seed === undefined) throw new Error('this town was started without a seed');
    return this.#seed;
  }

  /** Flags that make this town the push service of a stock Chromium at its first start, and let it trust our certificate. */
  get chromiumFlags(): readonly string[] {
    return [
      `--gcm-checkin-url=${this.origin}/checkin`,
      `--gcm-registration-url=${this.origin}/register3`,
      `--gcm-mcs-endpoint=https://127.0.0.1:${this.#mcsPort}`,
      ...this.trustFlags,
    ];
  }

  /** Only the trust: what a later start needs, when no policy names our authority. */
  get trustFlags(): readonly string[] {
    if (this.#certificate === undefined) throw new Error('this town lets no Chromium in');
    return [`--ignore-certificate-errors-spki-list=${this.#certificate.spkiHash}`, ...this.fenceFlags];
  }

  /** Lets nothing of a Chromium leave this machine. */
  get fenceFlags(): readonly string[] {
    return ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'];
  }

  /** Where Chromium's push client is let in, and the authority (PEM) to trust there. */
  async mcsDoor(): Promise<{ readonly port: number; readonly ca: string }> {
    if (this.#certificate === undefined) throw new Error('this town lets no Chromium in');
    return { port: this.#mcsPort, ca: await this.authority() };
  }

  /** The process of the server, or of what it runs under. */
  get pid(): number {
    if (this.#process === undefined) throw new Error('the server is not running');
    return this.#process.pid;
  }

  /** Everything that the server has written to its log so far. */
  get log(): string {
    return this.#log.join('');
  }

  /** SIGKILL, as a power cut would: nothing of the server runs any more when this settles. */
  async kill9(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#process?.exited;
    this.#process = undefined;
  }

  /** Ends the server politely. */
  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM');
    await this.#process?.exited;
    this.#process = undefined;
  }

  /**
   * Starts it again on the same folder and the same port.
   * @param flags in place of those that it had.
   * @param under in place of what it ran under.
   */
  async startAgain(flags?: readonly string[], under?: readonly string[]): Promise<void> {
    await this.#serve(Number(new URL(this.origin).port), flags, under);
  }

  /** The authority (PEM) behind this town's certificate. */
  async authority(): Promise<string> {
    if (this.#certificate === undefined) throw new Error('this town has no certificate');
    return await readFile(this.#certificate.caFile, 'utf8');
  }

  /** Asks the server, whose certificate is trusted. Redirects are for the caller. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const tls = this.#options.tls === true ? { tls: { ca: await this.authority() } } : {};
    return await fetch(this.origin + path, { redirect: 'manual', ...init, ...tls });
  }

  /** An access token by a refresh token, as the guide says; the seed's, unless another is given. */
  async accessToken(
    { client, refresh_token }: Pick<Seed, 'client' | 'refresh_token'> = this.seed,
  ): Promise<string> {
    const answer = await this.fetch('/o/oauth2/token', {
      method: 'POST',
      body: new URLSearchParams({
        client_id: client.client_id,
        client_secret: client.client_secret,
        refresh_token,
        grant_type: 'refresh_token',
      }),
    });
    if (!answer.ok) throw new Error(`token: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { access_token: string }).access_token;
  }

  /** The guide's second call. */
  send(accessToken: string, message: Record<string, unknown>): Promise<Response> {
    return this.fetch('/gcm_for_chrome/v1/messages', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${accessToken}` },
      body: JSON.stringify(message),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9();
    await rm(this.dataFolder, { recursive: true, force: true });
  }

  async #serve(
    port: number,
    flags = this.#options.flags ?? [],
    under = this.#options.under ?? [],
  ): Promise<void> {
    const { environment = {} } = this.#options;
    const serve = this.#options.synchronous === 'NORMAL' ? './serve-unsynced.ts' : '../cli/main.ts';
    const command = [...under, process.execPath, script(serve), 'serve'];
    // A free port also where no Chromium is let in on purpose: whoever has a certificate opens it, and towns stand side by side.
    const ports = ['--port', String(port), '--mcs-port', String(this.#mcsPort)];
    const own = [...ports, '--data', this.dataFolder, ...this.#tlsFlags()];
    this.#process = Bun.spawn([...command, ...own, ...flags], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, ...environment },
    });
    void this.#collect(this.#process.stderr);
    this.origin = await this.#listening(this.#process);
    if (this.#options.mcs === true) this.#mcsPort = await this.#findMcsPort();
  }

  #tlsFlags(): readonly string[] {
    if (this.#options.tls !== true || this.#certificate === undefined) return [];
    return ['--tls-cert', this.#certificate.certFile, '--tls-key', this.#certificate.keyFile];
  }

  async #findMcsPort(): Promise<number> {
    const settings = (await (await this.fetch('/v2/browsers')).json()) as {
      readonly chromium: { readonly mcsEndpoint: string };
    };
    return Number(new URL(settings.chromium.mcsEndpoint).port);
  }

  async #listening(server: Bun.Subprocess<'ignore', 'pipe', 'pipe'>): Promise<string> {
    const timeout = setTimeout(() => server.kill('SIGKILL'), START_MS);
    let printed = '';
    const decoder = new TextDecoder();
    try {
      const reader = server.stdout.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        printed += decoder.decode(next.value, { stream: true });
        const origin = /Reveille is listening on (\S+)/.exec(printed)?.[1];
        if (origin === undefined) continue;
        reader.releaseLock();
        void this.#collect(server.stdout);
        return origin;
      }
    } finally {
      clearTimeout(timeout);
    }
    throw new Error(`the server did not start:\n${printed}${this.log}`);
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#log.push(decoder.decode(chunk, { stream: true }));
  }

  async #bootstrap(): Promise<void> {
    const answer = await this.fetch('/v2/bootstrap', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ dailyQuota: this.#options.dailyQuota }),
    });
    if (!answer.ok) throw new Error(`bootstrap: ${answer.status} ${await answer.text()}`);
    this.#seed = (await answer.json()) as Seed;
  }
}
