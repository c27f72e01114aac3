/**
 * The closed set of what can go wrong, for every door: HTTP, WebSocket, CLI.
 * Each entry knows its HTTP status, Google's reason of the time (reference 1.2), whether its detail may be shown,
 * and a sentence that tells the reader what to do next. docs/errors.md is made from this table.
 */
interface ErrorEntry {
  readonly status: number;
  readonly reason: string;
  readonly domain: 'global' | 'usageLimits';
  /** False: the reader gets the message only; detail goes to the log. */
  readonly shown: boolean;
  readonly message: string;
  readonly next: string;
}

const global = (status: number, reason: string, message: string, next: string): ErrorEntry => ({
  status,
  reason,
  domain: 'global',
  shown: status < 500,
  message,
  next,
});

const usage = (status: number, reason: string, message: string, next: string): ErrorEntry => ({
  ...global(status, reason, message, next),
  domain: 'usageLimits',
});

export const errorTable = {
  'token-missing': global(
    401,
    'required',
    'Login Required',
    'Send an access token: "Authorization: Bearer <token>".',
  ),
  'token-invalid': global(
    401,
    'authError',
    'Invalid Credentials',
    'The access token is wrong, expired or revoked: get a fresh one with your refresh token.',
  ),
  'scope-insufficient': global(
    403,
    'insufficientPermissions',
    'Insufficient Permission',
    'Ask for a token with the scope that this call needs.',
  ),
  'api-off': usage(
    403,
    'accessNotConfigured',
    'Access Not Configured',
    'Switch on "Google Cloud Messaging for Chrome API" under Services of the project in the console.',
  ),
  'app-not-owned': global(
    403,
    'forbidden',
    'Google Account calling the push messaging service does not own the app or extension.',
    'Use the token of an account in the publisher group of the app, or add the account to that group.',
  ),
  'app-unproven': global(
    403,
    'forbidden',
    'The app is registered by its public key alone, so it may send only to accounts of its own publisher group.',
    'Prove that you hold its private key: sign the challenge on the page of the app, or upload key.pem.',
  ),
  'channel-invalid': global(
    400,
    'invalid',
    'Channel ID is invalid.',
    'Use the id exactly as getChannelId gave it: 20 digits, a slash, 32 letters a-p.',
  ),
  'subchannel-invalid': global(
    400,
    'invalid',
    'Subchannel is invalid (four subchannels available; subchannel value must be 0, 1, 2, or 3).',
    'Send "subchannelId" as 0, 1, 2 or 3.',
  ),
  'subchannel-unknown': global(
    400,
    'invalid',
    'The app has no subchannel of this name that your project may use.',
    'Send a name that the page of the app in the console shows, or a number.',
  ),
  'payload-too-long': global(
    400,
    'invalid',
    'Payload is too long (must be 256 bytes or less).',
    'Shorten it (bytes of UTF-8 count), or send a key with which the app fetches the rest.',
  ),
  'payload-invalid': global(
    400,
    'invalid',
    'Payload is invalid.',
    'Send "payload" as well-formed text or as a number; put structure into text with JSON.stringify.',
  ),
  'body-invalid': global(400, 'parseError', 'Parse Error', 'Send one JSON object, as in the guide.'),
  'body-too-large': global(413, 'uploadTooLarge', 'Request Too Large', 'Send a smaller body.'),
  'body-slow': global(408, 'requestTimeout', 'Request Timeout', 'Send the whole body at once.'),
  'type-unsupported': global(
    415,
    'unsupportedMediaType',
    'Unsupported Media Type',
    'Send "Content-Type: application/json".',
  ),
  'method-wrong': global(
    405,
    'httpMethodNotAllowed',
    'Method Not Allowed',
    'See the Allow header for what this address takes.',
  ),
  'not-found': global(404, 'notFound', 'Not Found', 'Check the address.'),
  'upgrade-required': global(426, 'upgradeRequired', 'Upgrade Required', 'Connect with a WebSocket.'),
  'input-invalid': global(400, 'invalid', 'Invalid Value', 'Correct the value and send again.'),
  'package-invalid': global(
    400,
    'invalid',
    'The package was not accepted.',
    'Correct it and upload it again.',
  ),
  'manifest-invalid': global(
    400,
    'invalid',
    'The manifest.json was not accepted.',
    'Correct it and upload the package again.',
  ),
  'version-too-low': global(
    400,
    'invalid',
    'The version is not higher than one that was published.',
    'Raise "version" in manifest.json and upload again.',
  ),
  'key-foreign': global(
    400,
    'invalid',
    'The package carries the key of another item.',
    'Leave the key out, or upload to the item that it belongs to.',
  ),
  'key-missing': global(
    400,
    'invalid',
    'The private key of this item is not held, so its packages cannot be signed.',
    'Put key.pem at the top of the package once.',
  ),
  'draft-missing': global(
    400,
    'failedPrecondition',
    'There is no draft to publish.',
    'Upload a package first.',
  ),
  forbidden: global(403, 'forbidden', 'Forbidden', 'Sign in with an account that may do this.'),
  'origin-foreign': global(
    403,
    'forbidden',
    'The origin of this request is not an origin of the app.',
    'Call from the app itself.',
  ),
  'credentials-wrong': global(
    401,
    'authError',
    'The e-mail address or the password is wrong.',
    'Check both and try again.',
  ),
  'account-disabled': global(
    403,
    'forbidden',
    'This account is disabled.',
    'Ask the administrator of this server.',
  ),
  'form-stale': global(
    403,
    'invalid',
    'The form was open too long, or was not sent from its own page.',
    'Open the page again and send it once more.',
  ),
  'quota-exceeded': usage(
    403,
    'dailyLimitExceeded',
    'Daily message quota exceeded (10,000 message requests allowed per day).',
    'Wait for the reset, or ask the administrator to raise the quota of the project.',
  ),
  'targets-exceeded': usage(
    403,
    'dailyLimitExceeded',
    'Daily target quota exceeded.',
    'Wait for the reset, or send to fewer channels.',
  ),
  'idempotency-conflict': global(
    409,
    'conflict',
    'This Idempotency-Key was used for another request within the last 24 hours.',
    'Repeat a request with the very same body, or give another request a key of its own.',
  ),
  'rate-limited': usage(
    429,
    'rateLimitExceeded',
    'Rate Limit Exceeded',
    'Wait as long as Retry-After says, then go on.',
  ),
  'device-unknown': global(
    401,
    'deviceUnknown',
    'The device is unknown or its token was ended.',
    'Register the device again: sign in silently and POST /v2/devices.',
  ),
  'endpoint-unknown': global(
    404,
    'notFound',
    'No subscription has this endpoint.',
    'Use the endpoint exactly as the browser gave it; one of another server does not work here.',
  ),
  'endpoint-gone': global(
    410,
    'gone',
    'The subscription has ended.',
    'Forget this endpoint: the browser or the user ended it, and it does not come back.',
  ),
  'ttl-invalid': global(
    400,
    'required',
    'The TTL is missing or no number.',
    'Send "TTL: <seconds>"; 0 is for a browser that is connected now.',
  ),
  'ttl-negative': global(400, 'invalid', 'The TTL is negative.', 'Send "TTL: <seconds>", 0 or more.'),
  'topic-invalid': global(
    400,
    'invalid',
    'The Topic is invalid.',
    'Send 1 to 32 characters of A-Z, a-z, 0-9, "-" and "_", or no Topic.',
  ),
  'urgency-invalid': global(
    400,
    'invalid',
    'The Urgency is invalid.',
    'Send one of very-low, low, normal and high, or no Urgency.',
  ),
  'encryption-invalid': global(
    400,
    'invalid',
    'The browser could not decrypt this push.',
    'Encrypt it as RFC 8291 says: most easily with a library for web push.',
  ),
  'vapid-missing': global(
    401,
    'required',
    'This subscription takes pushes only from the holder of its application server key.',
    'Sign the push: "Authorization: vapid t=<token>, k=<public key>" (RFC 8292).',
  ),
  'vapid-invalid': global(
    401,
    'authError',
    'The VAPID signature is not valid.',
    'Sign again as RFC 8292 says, or send no Authorization when the subscription needs none.',
  ),
  'vapid-foreign': global(
    403,
    'forbidden',
    'This subscription was made for another application server key.',
    'Sign with the key that the page subscribed with, or let it subscribe anew with this one.',
  ),
  'queue-full': global(
    429,
    'queueFull',
    'The queue of this subscription is full.',
    'Wait until the device has fetched what waits.',
  ),
  'store-full': global(
    503,
    'backendError',
    'Messages cannot be kept now: the disk is full.',
    'Send again later; nothing was accepted.',
  ),
  unavailable: global(
    503,
    'backendError',
    'The service is not available now.',
    'Send again later; nothing was accepted.',
  ),
  overloaded: global(
    503,
    'backendError',
    'The service has more to do than it can now.',
    'Wait as long as Retry-After says, then send again; nothing was accepted.',
  ),
  internal: global(
    500,
    'internalError',
    'An internal error has occurred.',
    'Send again; if it stays, tell the operator the time of this answer.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** Facts beside the code that a door may put into headers. */
export interface ErrorFacts {
  /** Seconds until it makes sense to try again. */
  readonly retryAfterSeconds?: number;
  /** Methods that the address takes, for 405. */
  readonly allow?: string;
  /** Name of the field or header that is at fault. */
  readonly location?: string;
}

/** One refusal. `message` is made for the reader; `detail` says what exactly was wrong this time. */
export class ReveilleError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, detail?: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(detail === undefined ? errorTable[code].message : `${errorTable[code].message} ${detail}`, {
      cause,
    });
    this.name = 'ReveilleError';
    this.code = code;
    this.detail = detail;
    this.facts = facts;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get reason(): string {
    return errorTable[this.code].reason;
  }

  /** The sentence for the reader: what is wrong, the detail where it may be shown, and what to do next. */
  get sentence(): string {
    const { message, next, shown } = errorTable[this.code];
    return [message, shown ? this.detail : undefined, next].filter(Boolean).join(' ');
  }
}

/** Turns whatever was thrown into one of the set; what we did not foresee is `internal`. */
export function asReveilleError(thrown: unknown): ReveilleError {
  return thrown instanceof ReveilleError ? thrown : new ReveilleError('internal', undefined, {}, thrown);
}
