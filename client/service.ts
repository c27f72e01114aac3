import type { Version } from '../protocol/version.ts';
import type { RefusalKind } from '../protocol/wire.ts';
import type { DeviceCredentials, Offer, Seen } from './ports.ts';

/** The service did not do what it was asked. `message` is made for a reader: the service's own sentence where it gave one. */
export interface ServiceError extends Error {
  /** The HTTP status; 0 = no answer came. */
  readonly status: number;
  /** OAuth's error code at the token endpoint, else the reason of Google's envelope: `deviceUnknown`, for instance. */
  readonly reason: string;
}

const serviceError = (status: number, reason: string, message: string): ServiceError =>
  Object.assign(new Error(message), { status, reason });

/** The members of an answer; what is not an object has none. */
export type Answer = Readonly<Record<string, unknown>>;

/**
 * Calls the service. Unless a method is named it is a GET without a body and a POST with one; URLSearchParams are sent as a form, anything else as JSON. Cookies are
 * never sent: the token is the authority.
 * @throws ServiceError
 */
export type Call = (path: string, token?: string, body?: unknown, method?: string) => Promise<Answer>;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** After this a call counts as unanswered. */
const callMs = 30_000;

export function createCall(origin: string, fetch: Fetch): Call {
  return async (path, token, body, method = body === undefined ? 'GET' : 'POST') => {
    const form = body instanceof URLSearchParams;
    const headers: Record<string, string> = form ? {} : { 'Content-Type': 'application/json' };
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    let response: Response;
    let answer: Answer;
    try {
      response = await fetch(origin + path, {
        method,
        // Of nothing JSON.stringify makes nothing: a GET goes without a body.
        body: form ? body : JSON.stringify(body),
        headers,
        credentials: 'omit',
        signal: AbortSignal.timeout(callMs),
      });
      answer = await response.json().catch(() => ({}));
    } catch {
      throw serviceError(0, '', unreachable(origin));
    }
    if (response.ok) return answer;
    throw refusal(response.status, answer, origin);
  };
}

/** The sentence for a service that gives no answer. */
export const unreachable = (origin: string): string =>
  `The push service at ${origin} cannot be reached. Check that it runs, and its address.`;

/** Reads Google's envelope (`{error: {message, errors: [{reason}]}}`) and OAuth's (`{error, error_description}`) alike. */
function refusal(status: number, answer: Answer, origin: string): ServiceError {
  const { error, error_description } = answer as {
    error?: string | { message?: string; errors?: readonly { reason?: string }[] };
    error_description?: string;
  };
  const fallback = `The push service at ${origin} answered ${status}.`;
  if (typeof error !== 'object') return serviceError(status, `${error}`, error_description ?? fallback);
  return serviceError(status, `${error?.errors?.[0]?.reason}`, error?.message ?? fallback);
}

/** What a registration may say beside its token. */
export interface RegistrationBody extends Partial<Pick<DeviceCredentials, 'deviceId' | 'deviceToken'>> {
  /** Shown in the user's list of devices; without one the service makes it from the user agent. */
  readonly name?: string | undefined;
  /** Which app, for a token of a project's client. */
  readonly appId?: string | undefined;
}

/**
 * `POST /v2/devices`: a device of the account and app behind the access token. With the id and token of an earlier
 * registration it stays the same device and its token is renewed.
 */
export async function register(
  call: Call,
  accessToken: string,
  body: RegistrationBody,
): Promise<DeviceCredentials> {
  return (await call('/v2/devices', accessToken, body)) as unknown as DeviceCredentials;
}

/** How one version ended here, told without a connection. */
export interface Acknowledgement {
  readonly version: Version;
  readonly outcome: 'handled' | RefusalKind;
  readonly reason?: string;
}

const at = (device: DeviceCredentials, what: string): [string, string] => [
  `/v2/devices/${device.deviceId}/${what}`,
  device.deviceToken,
];

/** `POST /v2/devices/{id}/confirm`: what became of a message, for when no connection is open. */
export async function acknowledge(
  call: Call,
  device: DeviceCredentials,
  ack: Acknowledgement,
): Promise<void> {
  await call(...at(device, 'confirm'), { acks: [ack] });
}

/** `POST /v2/devices/{id}/seen`: the user has seen a subchannel up to a version here, which their other devices are told. */
export async function markSeen(call: Call, device: DeviceCredentials, seen: Seen): Promise<void> {
  await call(...at(device, 'seen'), seen);
}

/** `GET /v2/devices/{id}/missed`: what waits, for networks that let no WebSocket through. */
export async function missed(call: Call, device: DeviceCredentials): Promise<readonly Offer[]> {
  const offers: Offer[] = [];
  let page: Answer;
  let after = '';
  do {
    page = await call(...at(device, `missed${after}`));
    offers.push(...((page.messages ?? []) as readonly Offer[]));
    after = `?after=${offers.at(-1)?.version}`;
  } while (page.more);
  return offers;
}

/** How a browser's push subscription is told to the service. */
export interface PushTransport {
  readonly kind: 'push';
  readonly endpoint: string;
  readonly p256dh?: string;
  readonly auth?: string;
}

/** `PUT /v2/devices/{id}/transport`: how the device is woken. */
export async function setTransport(
  call: Call,
  device: DeviceCredentials,
  transport: PushTransport,
): Promise<void> {
  await call(...at(device, 'transport'), { transport }, 'PUT');
}

/** `GET /v2/push-key`: what a subscription is made with, base64url. */
export async function pushKey(call: Call): Promise<string> {
  return String((await call('/v2/push-key')).key);
}
