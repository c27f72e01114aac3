import { createTransport, type SendMailOptions } from 'nodemailer';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../observe/events.ts';

export interface Mail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  /** Plain text. */
  readonly text: string;
}

/** Sends e-mail. */
export interface Mailer {
  /** Takes a mail that is to be sent soon; never throws and never waits. What cannot be sent is told to the operator. */
  send(mail: Mail): void;
}

/** The SMTP server that takes our mail on. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte, `starttls` before anything else is said, `none` on this machine alone. */
  readonly encryption: 'tls' | 'starttls' | 'none';
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** Address of the sender of every mail. */
  readonly from: string;
}

interface Waiting {
  readonly mail: Mail;
  tries: number;
}

interface SmtpMailerDeps {
  readonly clock: Clock;
  readonly events: Pick<Events, 'failed'>;
}

/** ML2: after which waits a mail is tried again. */
const againAfterMs = [10_000, 60_000, 300_000, 900_000, 1_800_000] as const;

/**
 * Mails over SMTP, one after the other. What waits is held in memory: a link for a password would be stale after a long
 * stop, and the database has no text of a mail in it (docs/decisions/0211-mail-waits-in-memory.md).
 */
export class SmtpMailer implements Mailer {
  readonly #server: MailServer;
  readonly #deps: SmtpMailerDeps;
  readonly #transport: ReturnType<typeof transportTo>;
  readonly #ready: Waiting[] = [];
  /** Mails that were not taken, and how to call off their next try. */
  readonly #resting = new Map<Waiting, () => void>();
  /** The one that is being sent. */
  #current: Waiting | undefined;
  #stopped = false;

  constructor(server: MailServer, deps: SmtpMailerDeps) {
    this.#server = server;
    this.#deps = deps;
    this.#transport = transportTo(server);
  }

  /** Tells the operator when the server cannot be reached or does not let us in. */
  async check(): Promise<void> {
    await this.#transport
      .verify()
      .catch((error: unknown) => this.#tell(`cannot be used: ${reasonOf(error)}`));
  }

  send(mail: Mail): void {
    if (this.#stopped) return;
    if (this.#waiting >= limits.mailsWaiting) {
      this.#tell(`is behind: "${mail.subject}" was let go, because ${this.#waiting} mails wait for it`);
      return;
    }
    this.#ready.push({ mail, tries: 0 });
    void this.#sendReady();
  }

  /** Sends nothing any more. */
  stop(): void {
    this.#stopped = true;
    for (const callOff of this.#resting.values()) callOff();
    if (this.#waiting > 0) this.#tell(`had not taken ${this.#waiting} mails when the service stopped`);
    this.#transport.close();
  }

  get #waiting(): number {
    return this.#ready.length + this.#resting.size + (this.#current === undefined ? 0 : 1);
  }

  async #sendReady(): Promise<void> {
    if (this.#current !== undefined) return;
    for (let next = this.#ready.shift(); next !== undefined && !this.#stopped; next = this.#ready.shift()) {
      this.#current = next;
      try {
        await this.#transport.sendMail(this.#letterOf(next.mail));
      } catch (error) {
        if (!this.#stopped) this.#wasNotTaken(next, error);
      }
      this.#current = undefined;
    }
  }

  #letterOf({ to, subject, text }: Mail): SendMailOptions {
    return {
      from: { name: 'Reveille', address: this.#server.from },
      to: { name: '', address: to },
      subject,
      text,
      // RFC 3834, section 5: absence notes do not answer it.
      headers: { 'Auto-Submitted': 'auto-generated' },
    };
  }

  #wasNotTaken(waiting: Waiting, error: unknown): void {
    const wait = isFinal(error) ? undefined : againAfterMs[waiting.tries];
    if (wait === undefined || waiting.tries === 0) {
      const then = wait === undefined ? 'given up' : 'tried again';
      this.#tell(`did not take "${waiting.mail.subject}", which is ${then}: ${reasonOf(error)}`);
    }
    if (wait === undefined) return;
    waiting.tries += 1;
    const callOff = this.#deps.clock.after(wait, () => {
      this.#resting.delete(waiting);
      this.#ready.push(waiting);
      void this.#sendReady();
    });
    this.#resting.set(waiting, callOff);
  }

  #tell(what: string): void {
    const { host, port } = this.#server;
    this.#deps.events.failed('mail', new Error(`The SMTP server ${host}:${port} ${what}`));
  }
}

function transportTo({ host, port, encryption, login }: MailServer) {
  return createTransport({
    host,
    port,
    secure: encryption === 'tls',
    requireTLS: encryption === 'starttls',
    ignoreTLS: encryption === 'none',
    ...(login && { auth: { user: login.user, pass: login.password } }),
    connectionTimeout: limits.mailMs,
    greetingTimeout: limits.mailMs,
    socketTimeout: limits.mailMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** What an SMTP error of nodemailer may have. */
interface SmtpFailure {
  readonly code?: unknown;
  readonly command?: unknown;
  readonly responseCode?: unknown;
}

/** RFC 5321, section 4.2.1: after 5yz to an envelope or a mail (or none: it is malformed) the same again would fail too. */
function isFinal(error: unknown): boolean {
  const { code, responseCode } = error as SmtpFailure;
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && !(Number(responseCode) < 500);
}

/** Codes only: the words of SMTP servers may repeat addresses. */
function reasonOf(error: unknown): string {
  const { code, command, responseCode } = error as SmtpFailure;
  return [code, command, responseCode].filter((part) => part !== undefined).join(' ') || 'no reason given';
}
