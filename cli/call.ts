import { rootCertificates } from 'node:tls';

/** A verb ends with this when the reader has something to mend: the message says what, and no stack is shown. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** The server said no. */
export class Refused extends CliError {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

/** Where every verb looks for a server unless told otherwise by `--server` or the environment. */
export const defaultServer = process.env.REVEILLE_SERVER || 'http://127.0.0.1:8030';

const callMs = 30_000;

/**
 * The origin in what someone typed behind `--server`.
 * @throws CliError when it is no http(s) address.
 */
export function readServer(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError(`--server takes a URL such as ${defaultServer}, not ${JSON.stringify(text)}.`);
  }
  return url.origin;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as they are. */
  readonly bytes?: Uint8Array;
  /** How long the answer may take, in milliseconds. */
  readonly ms?: number;
  /** Whom to trust beside the public authorities, in PEM. */
  readonly authority?: string | undefined;
}

/**
 * Calls a server; redirects are handed back, not followed.
 * @throws CliError when no answer comes.
 */
export async function call(server: string, path: string, what: Call = {}): Promise<Response> {
  const { json, form, headers = {} } = what;
  const type = json === undefined ? {} : { 'Content-Type': 'application/json' };
  const sent = what.bytes && Uint8Array.from(what.bytes);
  const body = json === undefined ? (sent ?? (form && new URLSearchParams(form))) : JSON.stringify(json);
  try {
    return await fetch(server + path, {
      method: what.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      ...(what.authority === undefined ? {} : { tls: { ca: [...rootCertificates, what.authority] } }),
      signal: AbortSignal.timeout(what.ms ?? callMs),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      `${server} cannot be reached (${why}). Start it with ./bin/reveille serve, or give --server.`,
    );
  }
}

/**
 * The JSON of a good answer.
 * @throws Refused with the server's own sentence when the answer is not 2xx.
 */
export async function answered(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const sentence = sentenceOf(text, response.status);
  const hint = response.headers.get('reveille-hint');
  throw new Refused(response.status, hint === null ? sentence : `${sentence}: ${hint}`);
}

/** Google's envelope, OAuth's two fields, better-auth's message, or plain text: whichever a door speaks. */
function sentenceOf(text: string, status: number): string {
  const fallback = text.length > 0 && text.length < 300 && !text.startsWith('<') ? text.trim() : '';
  try {
    const { error, error_description: description, message } = JSON.parse(text);
    return String(error?.message ?? description ?? message ?? error);
  } catch {
    return fallback === '' ? `The server answered ${status}.` : fallback;
  }
}
