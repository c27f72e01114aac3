import type { PushMessage } from '../protocol/message.ts';
import type { Offer } from './ports.ts';
import { seenHook } from './seen-hook.ts';

/** A handler of an app. A promise that it returns is waited for before the message is confirmed (HA1). */
export type Listener = (message: PushMessage) => unknown;

/** The event object of `chrome.pushMessaging.onMessage`: the four historic methods and nothing else (reference 2.1). */
export interface MessageEvents {
  addListener(listener: Listener): void;
  removeListener(listener: Listener): void;
  hasListener(listener: Listener): boolean;
  hasListeners(): boolean;
}

/** The listeners of this context. */
export interface Listeners {
  readonly event: MessageEvents;
  /** Calls every listener with an object of its own and waits for all; rejects with the first failure. */
  run(offer: Offer): Promise<void>;
}

/**
 * @param report takes what a listener threw, so that it shows where uncaught errors show.
 * @param changed hears the number of listeners after each change.
 */
export function createListeners(
  report: (error: unknown) => void,
  changed: (count: number) => void,
): Listeners {
  const listeners = new Set<Listener>();
  return {
    event: {
      addListener(listener) {
        // Chrome's own events ignore what is not a function, and a function that is there already.
        if (typeof listener !== 'function' || listeners.has(listener)) return;
        listeners.add(listener);
        changed(listeners.size);
      },
      removeListener(listener) {
        if (listeners.delete(listener)) changed(listeners.size);
      },
      hasListener: (listener) => listeners.has(listener),
      hasListeners: () => listeners.size > 0,
    },
    async run(offer) {
      const { subchannelId, payload } = offer;
      const ended = seenHook.reveilleSeen?.runs(offer);
      const runs = [...listeners].map(async (listener) => listener({ subchannelId, payload }));
      const failed = (await Promise.allSettled(runs)).filter((run) => run.status === 'rejected');
      ended?.();
      for (const { reason } of failed) report(reason);
      for (const { reason } of failed) throw reason;
    },
  };
}
