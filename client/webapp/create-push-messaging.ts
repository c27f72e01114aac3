import { createGetChannelId, type GetChannelId } from '../get-channel-id.ts';
import type { MessageEvents } from '../listeners.ts';
import { failures } from '../sign-in.ts';
import { startPage } from './page.ts';
import { createParts, type WebAppOptions } from './parts.ts';
import { startWorker, type WorkerScope } from './worker.ts';

/** The historic methods, for a web app. */
export interface PushMessaging {
  readonly getChannelId: GetChannelId;
  readonly onMessage: MessageEvents;
}

/**
 * Makes `pushMessaging` of a web app, in a page or in its service worker; there it must run in the first turn, because a push
 * starts the worker for listeners that were added in it. One origin has one app. In a callback of getChannelId
 * `pushMessaging.lastError` says why it failed.
 */
export function createPushMessaging(options: WebAppOptions): PushMessaging {
  let listening = (): void => {};
  const parts = createParts(options, () => listening());
  const { event } = parts.listeners;
  let find: (interactive: boolean) => Promise<string>;
  if (typeof document === 'undefined') {
    listening = startWorker(globalThis as unknown as WorkerScope, parts, options).listening;
    find = async () => {
      const device = await parts.registration.stored();
      if (device === undefined) throw new Error(failures.signedOut);
      return device.channelId;
    };
  } else {
    find = startPage(parts, options);
  }
  const pushMessaging: { readonly onMessage: MessageEvents; lastError?: unknown } = { onMessage: event };
  const getChannelId = createGetChannelId(find, {
    hosts: [pushMessaging],
    unchecked: console.error,
    uncaught: reportError,
  });
  return Object.assign(pushMessaging, { getChannelId });
}
