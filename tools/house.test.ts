import { expect, test } from 'bun:test';
import { importFault, roomOf } from './house.ts';

test('TD1 a file belongs to the longest room that holds it', () => {
  expect(roomOf('server/core/store.ts')).toBe('server/core');
  expect(roomOf('server/main.ts')).toBe('server');
  expect(roomOf('server/intake/messages/door.ts')).toBe('server/intake/messages');
  expect(roomOf('stray.ts')).toBeUndefined();
});

test('TD1 doors and gateways never import each other, and the core knows neither', () => {
  const door = 'server/intake/messages/door.ts';
  expect(importFault(door, 'server/core/accept.ts', false)).toBeUndefined();
  expect(importFault(door, 'server/intake/devices/door.ts', false)).toContain('may import');
  expect(importFault('server/gateways/websocket/listener.ts', door, true)).toContain('may import');
  expect(importFault('server/core/accept.ts', door, true)).toContain('may import');
  expect(importFault('protocol/message.ts', 'server/core/store.ts', true)).toContain('nothing of ours');
});

test('TD1 stores see the types of their ports and nothing else of the core', () => {
  const store = 'server/stores/memory.ts';
  expect(importFault(store, 'server/core/store.ts', true)).toBeUndefined();
  expect(importFault(store, 'server/core/store.ts', false)).toContain('types');
  expect(importFault(store, 'server/core/accept.ts', true)).toContain('may import');
});

test('TD1 tests use real parts of other rooms, but not in the rooms that run on Node, and nobody imports a test', () => {
  expect(importFault('server/core/accept.test.ts', 'server/stores/memory.ts', false)).toBeUndefined();
  expect(importFault('client/device.test.ts', 'server/stores/memory.ts', false)).toContain('may import');
  expect(importFault('server/console/page.tsx', 'server/oauth/grants.test.ts', false)).toContain('test');
});
