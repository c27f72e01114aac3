import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenStore, storeContract } from '../contract.ts';
import { multicastContract } from '../multicast-contract.ts';
import { openSqliteStore } from './store.ts';

const open: OpenStore = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-store-'));
  let store = await openSqliteStore({ folder, ...options });
  return {
    store,
    async reopen() {
      await store.close();
      store = await openSqliteStore({ folder, ...options });
      return store;
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
};

storeContract('the store on SQLite', open);
multicastContract('the store on SQLite', open);
