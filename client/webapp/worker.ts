import type { PushMessage } from '../../protocol/message.ts';
import { type DeviceCredentials, type Offer, systemTimers as timers } from '../ports.ts';
import { createReceiver } from '../receiver.ts';
import { acknowledge, missed, type ServiceError } from '../service.ts';
import { createUpstream } from '../upstream.ts';
import { type Busy, createBusy } from './busy.ts';
import { lookWord, type Notice, type Parts, type WebAppOptions } from './parts.ts';

/** The part of a service worker's global object that is used. */
export interface WorkerScope {
  readonly registration: ServiceWorkerRegistration;
  readonly location: { readonly host: string };
  addEventListener(type: string, listener: (event: WorkerEvent) => void): void;
}

/** The members of the events that are listened to. */
interface WorkerEvent {
  readonly data?: unknown;
  waitUntil(work: Promise<unknown>): void;
}

/** Firefox looks for a notification 3 s after a push: a handler that takes longer must not cost its quota. */
const noticeMs = 2_000;

/** The app in its service worker: receives, runs the handlers, confirms. Must be called in the worker's first turn. */
export function startWorker(scope: WorkerScope, parts: Parts, options: WebAppOptions): { listening(): void } {
  const { registration } = parts;
  const busy = createBusy();
  const { receiver, look, known } = createReception(parts, busy);
  let looked = false;

  /** Takes a push in; settles when all that it brought is handled and told. */
  const receive = async (offer: Offer | undefined): Promise<void> => {
    if ((await known()) === undefined) return;
    if (offer !== undefined) busy.during(receiver.offer(offer));
    await busy.idle();
    // A push without data says only that something waits; the first of a worker's life may have been preceded by lost ones.
    if (offer !== undefined && looked) return;
    looked = true;
    await look();
  };

  const push = async (text: string | undefined): Promise<void> => {
    const offer = readOffer(text);
    const received = receive(offer).catch(console.info);
    await Promise.race([received, new Promise<void>((resolve) => timers.after(noticeMs, resolve))]);
    await notify(scope, options, offer).catch(console.info);
    await received;
  };

  const renew = async (): Promise<void> => {
    const device = await registration.stored();
    if (device !== undefined) await parts.subscription.attach(scope.registration.pushManager, device);
  };

  scope.addEventListener('push', (event) => {
    event.waitUntil(push((event.data as { text(): string } | null)?.text()));
  });
  scope.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew().catch(console.info)));
  scope.addEventListener('message', (event) => {
    if (event.data === lookWord) event.waitUntil(look());
  });
  return { listening: receiver.listening };
}

/** The receiver, fed by pushes and by what waits at the service, answering over HTTP. */
function createReception({ call, contexts, registration }: Parts, busy: Busy) {
  let device: DeviceCredentials | undefined;

  const failed = async (error: ServiceError): Promise<void> => {
    console.info(String(error));
    // The next getChannelId registers anew.
    if (error.status === 401 && device !== undefined) await registration.forget(device);
  };

  const receiver = createReceiver({
    marks: registration.marks,
    handlers: contexts,
    upstream: createUpstream(
      () => false,
      (ack) => {
        if (device !== undefined) busy.during(acknowledge(call, device, ack).catch(failed));
      },
    ),
    timers,
    awake: busy.begin,
    complain: console.error,
  });

  /** The profile's device now: a page may have registered another since the last event. */
  const known = async (): Promise<DeviceCredentials | undefined> => {
    const stored = await registration.stored();
    if (stored?.channelId !== device?.channelId) receiver.forget();
    device = stored;
    return stored;
  };

  /** Fetches what waits, and handles it. */
  const look = async (): Promise<void> => {
    const now = await known();
    if (now === undefined) return;
    try {
      for (const one of await missed(call, now)) busy.during(receiver.offer(one));
    } catch (error) {
      await failed(error as ServiceError);
    }
    await busy.idle();
  };

  return { receiver, look, known };
}

/** The text of a wake-up (WK13); undefined when it has none that can be read. */
function readOffer(text: string | undefined): Offer | undefined {
  try {
    const { version, subchannelId, payload } = JSON.parse(text ?? '') as Offer;
    return typeof version === 'number' ? { version, subchannelId, payload } : undefined;
  } catch {
    return undefined;
  }
}

/** Shows a notification unless one of the app's is shown. */
async function notify(
  { registration, location }: WorkerScope,
  { notification }: WebAppOptions,
  message: PushMessage | undefined,
): Promise<void> {
  if (notification === false || (await registration.getNotifications()).length > 0) return;
  const plain: Notice = { title: location.host, body: 'There is a message for you.' };
  const { title, ...rest } = notification?.(message) ?? plain;
  await registration.showNotification(title, { tag: 'reveille', ...rest });
}
