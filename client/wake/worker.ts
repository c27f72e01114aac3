import { upPath } from './paths.ts';
import { subscribeAndTell } from './subscribe.ts';

/** The part of a service worker's global object that is used. */
interface WorkerScope {
  readonly registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
  addEventListener(
    type: string,
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
}

const scope = globalThis as unknown as WorkerScope;

/** Firefox looks 3 s after a push whether the site shows a notification; without one the subscription ends after some 16. */
const shownMs = 4_000;
const tag = 'reveille.wake';

scope.addEventListener('install', () => void scope.skipWaiting());
scope.addEventListener('push', (event) => {
  // What the push says is for the extension, which fetches it with its own token: an address must not carry it.
  const up = fetch(upPath, { method: 'POST' }).catch(console.info);
  event.waitUntil(Promise.all([up, notify()]));
});
scope.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(subscribeAndTell(scope.registration.pushManager));
});

/** Shows, without a sound, that something has come, for as long as Firefox insists on it. */
async function notify(): Promise<void> {
  const { registration } = scope;
  const shown = () => registration.getNotifications({ tag });
  if ((await shown()).length > 0) return;
  await registration.showNotification('A message has come', {
    tag,
    body: 'One of your extensions was woken for it.',
    icon: '/static/icon.svg',
    silent: true,
  });
  await new Promise((resolve) => setTimeout(resolve, shownMs));
  for (const one of await shown()) one.close();
}
