import { type OpenStore, storeContract } from './contract.ts';
import { MemoryStore } from './memory.ts';
import { multicastContract } from './multicast-contract.ts';

const open: OpenStore = async (options) => {
  const store = new MemoryStore(options);
  return { store, close: () => store.close() };
};

storeContract('the store in memory', open);
multicastContract('the store in memory', open);
