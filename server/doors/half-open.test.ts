import { expect, test } from 'bun:test';
import { HalfOpen } from './half-open.ts';

test('WW14 each address has its own count, and the last one leaves no entry', () => {
  const halfOpen = new HalfOpen(2);
  halfOpen.enter('a');
  expect(halfOpen.admits('a')).toBe(true);
  halfOpen.enter('a');
  expect([halfOpen.admits('a'), halfOpen.admits('b')]).toEqual([false, true]);
  halfOpen.leave('a');
  expect(halfOpen.admits('a')).toBe(true);
  halfOpen.leave('a');
  expect(halfOpen.size).toBe(0);
});
