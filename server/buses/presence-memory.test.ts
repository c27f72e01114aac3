import { expect, test } from 'bun:test';
import type { ChannelKey, DeviceKey } from '../core/store.ts';
import { presenceContract } from './presence-contract.ts';
import { MemoryPresence } from './presence-memory.ts';

presenceContract('presence in memory', async () => {
  const presence = new MemoryPresence();
  return { ends: { a: presence, b: presence }, close: async () => undefined };
});

test('PR2 the last session of a channel takes its entry with it', async () => {
  const presence = new MemoryPresence();
  const sessions = [1, 2, 3].map((key) => ({
    channel: (key % 2) as ChannelKey,
    device: key as DeviceKey,
    node: 'a',
  }));
  for (const session of sessions) await presence.register(session);
  expect(presence.size).toBe(2);
  for (const session of sessions) await presence.unregister(session);
  expect(presence.size).toBe(0);
});
