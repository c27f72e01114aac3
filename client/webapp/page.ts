import type { DeviceCredentials } from '../ports.ts';
import { failures } from '../sign-in.ts';
import { lookWord, type Parts, type WebAppOptions } from './parts.ts';
import { answerSignIn } from './sign-in-window.ts';

const noNotifications = `${failures.unavailable} This site may not show notifications: call getChannelId(true) when the user clicks, or allow them in the browser's settings.`;

/**
 * The app in a page: signs in, registers, subscribes. Its handlers are reached by the worker, which alone receives.
 * @returns what getChannelId asks: answers the channel id, or throws an Error with a sentence for the reader.
 */
export function startPage(
  parts: Parts,
  { worker }: WebAppOptions,
): (interactive: boolean) => Promise<string> {
  const { registration, subscription } = parts;

  const attach = async (device: DeviceCredentials): Promise<void> => {
    const { pushManager, active } = await readyWorker(worker);
    await subscription.attach(pushManager, device);
    active?.postMessage(lookWord);
  };

  // Each visit renews what the browser has ended meanwhile, and has the worker fetch what it was not woken for.
  const visit = async (): Promise<void> => {
    const device = await registration.stored();
    if (device !== undefined && Notification.permission === 'granted') await attach(device);
  };

  if (answerSignIn(location.href, parts.signInChannel)) close();
  else visit().catch(console.info);

  return async (interactive) => {
    // Before anything is waited for: a browser asks its user only while a click is being handled.
    const asked = interactive ? Notification.requestPermission() : Notification.permission;
    const known = await registration.stored();
    const channelId = known?.channelId ?? (await registration.channelId(interactive));
    if ((await asked) !== 'granted') throw new Error(noNotifications);
    const device = await registration.stored();
    if (device !== undefined && !(await subscription.holds(device))) await attach(device);
    return channelId;
  };
}

/** The app's worker once it is active. @throws Error when there is none and none was named. */
async function readyWorker(worker: string | undefined): Promise<ServiceWorkerRegistration> {
  const { serviceWorker } = navigator;
  if (worker !== undefined) await serviceWorker.register(worker);
  else if ((await serviceWorker.getRegistration()) === undefined)
    throw new Error(
      `${failures.unavailable} Name the service worker: createPushMessaging({worker: "/sw.js", …}).`,
    );
  return await serviceWorker.ready;
}
