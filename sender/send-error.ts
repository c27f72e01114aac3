/** Why a send failed: the closed set. */
export type SendErrorCode =
  /** The refresh token or the client is not good (any more): authorize again. */
  | 'token-refused'
  /** The message is wrong: its channel, its subchannel or its payload. */
  | 'invalid'
  /** The account may not send to this app, or the project may not send at all. */
  | 'forbidden'
  /** The project has used up its messages of the day. */
  | 'quota-exceeded'
  /** Too many requests: wait for `retryAfter`. */
  | 'rate-limited'
  /** The service cannot take it now; nothing was accepted. */
  | 'unavailable'
  /** No answer came. The message may have been accepted. */
  | 'unreachable'
  /** The answer is not one of this service. */
  | 'unexpected';

/** A send that failed. `message` is the sentence of the server, which says what to do. */
export class SendError extends Error {
  readonly code: SendErrorCode;
  /** HTTP status of the answer; undefined when none came. */
  readonly status: number | undefined;
  /** Seconds until it makes sense to try again, when the server named them. */
  readonly retryAfter: number | undefined;

  constructor(
    code: SendErrorCode,
    message: string,
    facts: { status?: number | undefined; retryAfter?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: facts.cause });
    this.name = 'SendError';
    this.code = code;
    this.status = facts.status;
    this.retryAfter = facts.retryAfter;
  }

  /** True when the same call may succeed later without any change. */
  get temporary(): boolean {
    return ['quota-exceeded', 'rate-limited', 'unavailable', 'unreachable'].includes(this.code);
  }
}

/** The error for an answer of the message door that is not 204. */
export async function messageError(answer: Response): Promise<SendError> {
  const { reason, message } = await readEnvelope(answer);
  return new SendError(codeOf(answer.status, reason), message ?? `The service answered ${answer.status}.`, {
    status: answer.status,
    retryAfter: readRetryAfter(answer),
  });
}

function codeOf(status: number, reason: string | undefined): SendErrorCode {
  if (reason === 'dailyLimitExceeded') return 'quota-exceeded';
  if (status === 429) return 'rate-limited';
  if (status === 401) return 'token-refused';
  if (status === 403) return 'forbidden';
  if (status >= 500) return 'unavailable';
  return status >= 400 ? 'invalid' : 'unexpected';
}

/** The seconds of `Retry-After`; its form with a date is not used by this service. */
export function readRetryAfter(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

interface Envelope {
  readonly error?: { readonly message?: unknown; readonly errors?: readonly { readonly reason?: unknown }[] };
}

/** Google's error envelope: `{"error":{"errors":[{"reason"}],"message"}}`; anything else has neither. */
async function readEnvelope(answer: Response): Promise<{ reason?: string; message?: string }> {
  try {
    const { error } = (await answer.json()) as Envelope;
    const reason = error?.errors?.[0]?.reason;
    return {
      ...(typeof reason === 'string' && { reason }),
      ...(typeof error?.message === 'string' && { message: error.message }),
    };
  } catch {
    return {};
  }
}
