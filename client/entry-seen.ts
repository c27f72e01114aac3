import { createSeen } from './seen.ts';
import { seenHook } from './seen-hook.ts';
import { areaStorage, cacheStorage, type KeyValue } from './storage.ts';
import { databaseStorage } from './webapp/database-storage.ts';
import { lookWord, type WebAppOptions } from './webapp/parts.ts';

const scope = globalThis as unknown as {
  createPushMessaging?: (options: WebAppOptions) => object;
  addEventListener(
    type: string,
    listener: (event: { readonly data?: unknown; waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
};

function add(target: object, storage: KeyValue) {
  const { api, hook, look } = createSeen({
    storage,
    fetch: (url, init) => fetch(url, init),
    broadcast: new BroadcastChannel('reveille.seen'),
    report: console.info,
  });
  seenHook.reveilleSeen = hook;
  return { made: Object.assign(target, api), look };
}

const make = scope.createPushMessaging;
if (make !== undefined) {
  // A web app has no connection: it asks when it is woken, and when it is visited.
  scope.createPushMessaging = (options) => {
    const { made, look } = add(make(options), databaseStorage(`reveille.${options.app}`));
    if (typeof document === 'undefined') {
      scope.addEventListener('push', (event) => event.waitUntil(look()));
      scope.addEventListener('message', (event) => {
        if (event.data === lookWord) event.waitUntil(look());
      });
    }
    return made;
  };
} else {
  const { pushMessaging } = chrome as unknown as { readonly pushMessaging?: object };
  const storage = chrome.storage ? areaStorage(chrome.storage.local) : cacheStorage();
  if (pushMessaging !== undefined) add(pushMessaging, storage);
}
