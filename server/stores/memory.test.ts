import { storeContract } from './contract.ts';
import { MemoryStore } from './memory.ts';

storeContract('the store in memory', async (options) => {
  const store = new MemoryStore(options);
  return { store, close: () => store.close() };
});
