import { asReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock } from '../../core/clock.ts';
import type { Pushes } from '../../core/push.ts';
import type { HolderId, SubscriptionStore } from '../../core/subscription.ts';
import { readText } from '../../doors/body.ts';
import type { Door } from '../../doors/door.ts';
import { RateLimit } from '../../doors/rate-limit.ts';
import type { Events } from '../../observe/events.ts';
import { plain } from './check-in.ts';
import type { DeviceKeys } from './device-keys.ts';
import { holderOf, isNamed, nameOf, type Registration } from './names.ts';

export interface RegisterDeps {
  readonly keys: DeviceKeys;
  readonly pushes: Pick<Pushes, 'subscribe' | 'unsubscribe'>;
  readonly store: Pick<SubscriptionStore, 'subscriptionsOf'>;
  readonly clock: Clock;
  readonly events: Events;
}

/** What Chromium understands; all of them travel in a 200. AUTHENTICATION_FAILED it repeats five times, the others not at all. */
type Fault = 'AUTHENTICATION_FAILED' | 'INVALID_PARAMETERS' | 'INVALID_SENDER';

/** The browser's registration of itself, once after its first login: nothing is ever sent to it. */
const OWN_APP = 'com.google.android.gms';
/** Forms of Chromium have a tenth. */
const BODY_BYTES_MAX = 8 * 1024;
const RETRY_SECONDS = 30;
/** A point of P-256, uncompressed, in base64url: an application server's key. */
const SENDER_KEY = /^B[\w-]{86}$/;
/** Parts of a name are set apart by spaces and none is "-" (names.ts); 255 is the longest host, and there is more in a subtype. */
const NAME_PART = /^(?!-$)[!-~]{1,400}$/;

/**
 * `POST /register3`: registrations of `chrome.gcm`, `chrome.instanceID`, the Push API and the browser itself, and their
 * ends (`delete=true`). The token that it answers is an endpoint's (core/endpoint.ts), good for the device and the app that
 * asked and for no other.
 */
export function registerDoor(deps: RegisterDeps): Door {
  const { keys, clock, events } = deps;
  const perDevice = new RateLimit(clock, limits.registrationsPerDevice, limits.refusedMs);
  return async (request, _url, peer) => {
    if (request.method !== 'POST') return plain(405, 'Registration is a POST of a form.', { Allow: 'POST' });
    const refuse = (fault: Fault) => {
      events.refused('register', fault, undefined, peer.address);
      return fixed(`Error=${fault}`);
    };
    try {
      const form = new URLSearchParams(await readText(request, clock, BODY_BYTES_MAX));
      const device = readDevice(request.headers.get('authorization'), keys);
      if (device === undefined) return refuse('AUTHENTICATION_FAILED');
      if (perDevice.take(String(device)) > 0) return later('Too many registrations of this device.');
      return await register(holderOf(device), form, deps, refuse);
    } catch (thrown) {
      const error = asReveilleError(thrown);
      if (error.code === 'internal') events.failed('register', thrown);
      else events.refused('register', error.code, error.detail, peer.address);
      if (error.code === 'input-invalid') return fixed('Error=INVALID_PARAMETERS');
      return later(error.sentence);
    }
  };
}

async function register(
  holder: HolderId,
  form: URLSearchParams,
  { pushes, store }: RegisterDeps,
  refuse: (fault: Fault) => Response,
): Promise<Response> {
  const category = form.get('app') ?? '';
  if (category === OWN_APP) return fixed('token=none');
  const subtype = form.get('X-subtype') ?? '';
  const registration = {
    category,
    subtype,
    sender: form.get('sender') ?? '',
    // The Push API says one too; its subtype names the subscription already.
    instance: subtype === '' ? (form.get('appid') ?? '') : '',
  };
  if (form.get('delete') === 'true') {
    for (const { name } of await store.subscriptionsOf(holder))
      if (isNamed(name, { ...registration, sender: registration.sender || '*' }))
        await pushes.unsubscribe(holder, name);
    return fixed(form.has('gcm_unreg_caller') ? `deleted=${category}` : 'token=none');
  }
  const fault = faultOf(registration);
  if (fault !== undefined) return refuse(fault);
  const senderKey = SENDER_KEY.test(registration.sender) ? registration.sender : null;
  return fixed(`token=${await pushes.subscribe(holder, nameOf(registration), senderKey)}`);
}

function faultOf({ category, subtype, sender, instance }: Registration): Fault | undefined {
  if (!NAME_PART.test(category)) return 'INVALID_PARAMETERS';
  for (const part of [subtype, instance])
    if (part !== '' && !NAME_PART.test(part)) return 'INVALID_PARAMETERS';
  return NAME_PART.test(sender) && sender !== '*' ? undefined : 'INVALID_SENDER';
}

/** `AidLogin <device id>:<security token>`. */
function readDevice(authorization: string | null, keys: DeviceKeys): bigint | undefined {
  const [, id = '', token = ''] = /^AidLogin ([0-9]{1,20}):([0-9]{1,20})$/.exec(authorization ?? '') ?? [];
  return keys.readDecimal(id, token);
}

/** Everything behind `token=` is the token to Chromium, so there is no line end. */
function fixed(text: string): Response {
  return new Response(text, {
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' },
  });
}

function later(why: string): Response {
  return plain(503, why, { 'Retry-After': String(RETRY_SECONDS) });
}
