/** Small values that outlive the program. */
export interface KeyValue {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<unknown>;
}

/** The part of `chrome.storage.local` and `.session` that is used; both survive a stopped worker, `local` a killed browser. */
export interface StorageArea {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
}

export function areaStorage(area: StorageArea): KeyValue {
  return {
    get: async (key) => (await area.get(key))[key],
    set: (key, value) => area.set({ [key]: value }),
  };
}

/**
 * For an app without the permission `storage`: the browser's cache of answers, which needs none. Slower, and nobody has
 * measured what it has after a kill.
 */
export function cacheStorage(): KeyValue {
  const opened = caches.open('reveille');
  // The address is only a name: nothing is ever fetched from it.
  const at = (key: string): string => `https://reveille.invalid/${key}`;
  return {
    get: async (key) => (await (await opened).match(at(key)))?.json(),
    set: async (key, value) => (await opened).put(at(key), new Response(JSON.stringify(value))),
  };
}

/** For programs that keep nothing. */
export function memoryStorage(): KeyValue {
  const values = new Map<string, unknown>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => values.set(key, value),
  };
}
