import { expect, test } from 'bun:test';
import { Lru } from './lru.ts';

test('ST9 a bounded memory forgets what was used longest ago, and what it is told to', () => {
  const lru = new Lru<string, number>(2);
  lru.set('a', 1);
  lru.set('b', 2);
  expect(lru.get('a')).toBe(1);
  lru.set('c', 3);
  expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3]);
  lru.set('a', 4);
  lru.delete('c');
  expect([lru.get('a'), lru.get('c'), lru.size]).toEqual([4, undefined, 1]);
  lru.clear();
  expect(lru.size).toBe(0);
});

test('ST9 what is asked for in between stays in a full memory, whatever passes through', () => {
  const lru = new Lru<number, string>(100);
  lru.set(-1, 'asked for');
  for (let number = 0; number < 10_000; number += 1) {
    lru.set(number, String(number));
    if (number % 7 === 0) lru.delete(number);
    if (number % 20 === 0) lru.get(-1);
  }
  expect(lru.get(-1)).toBe('asked for');
  expect(lru.get(9_999)).toBe('9999');
  expect(lru.size).toBeLessThanOrEqual(100);
});
