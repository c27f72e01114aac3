import { expect, test } from 'bun:test';
import type { ChannelKey } from '../core/store.ts';
import { busContract } from './contract.ts';
import { MemoryBus } from './memory.ts';

busContract('the bus in memory', async () => {
  const bus = new MemoryBus();
  return { ends: { a: bus, b: bus }, close: async () => undefined };
});

test('BU3 who announces learns that a handler failed', async () => {
  const bus = new MemoryBus();
  bus.onAnnounce('a', () => {
    throw new Error('a fault of the handler');
  });
  const announced = bus.announce('a', { kind: 'resumed', channel: 1 as ChannelKey });
  await expect(announced).rejects.toThrow('a fault of the handler');
});
