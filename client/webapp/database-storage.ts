import type { KeyValue } from '../storage.ts';

/**
 * A small database of the origin's own, shared by its pages and its worker. `durability: 'strict'`: a mark is on disk
 * before its confirm leaves (HA1).
 */
export function databaseStorage(name: string): KeyValue {
  let opened: Promise<IDBDatabase> | undefined;
  const values = async (mode: IDBTransactionMode): Promise<IDBObjectStore> => {
    opened ??= open(name);
    return (await opened).transaction('values', mode, { durability: 'strict' }).objectStore('values');
  };
  return {
    get: async (key) => settled((await values('readonly')).get(key)),
    async set(key, value) {
      const store = await values('readwrite');
      store.put(value, key);
      await new Promise<void>((resolve, reject) => {
        store.transaction.oncomplete = () => resolve();
        store.transaction.onabort = () => reject(store.transaction.error);
      });
    },
  };
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => void request.result.createObjectStore('values');
  return settled(request);
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
