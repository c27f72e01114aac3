import { expect, test } from 'bun:test';
import { ReveilleError } from '../../protocol/errors.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { RateLimit } from './rate-limit.ts';

test('IN10 a bucket gives its burst at once and refills evenly', () => {
  const clock = new ManualClock();
  const limit = new RateLimit(clock, 3, 30_000);
  expect([limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([0, 0, 0]);
  expect(limit.take('a')).toBe(10_000);
  clock.advance(9_999);
  expect(limit.take('a')).toBe(1);
  clock.advance(1);
  expect(limit.take('a')).toBe(0);
  clock.advance(1_000_000);
  expect([limit.take('a'), limit.take('a'), limit.take('a')]).toEqual([0, 0, 0]);
  expect(limit.take('a')).toBeGreaterThan(0);
});

test('IN10 each key has its own bucket', () => {
  const limit = new RateLimit(new ManualClock(), 1, 60_000);
  expect([limit.take('a'), limit.take('b')]).toEqual([0, 0]);
  expect(limit.take('a')).toBeGreaterThan(0);
});

test('IN10 a clock that steps back neither fills nor empties a bucket', () => {
  const clock = new ManualClock();
  const limit = new RateLimit(clock, 1, 60_000);
  limit.take('a');
  clock.advance(-3_600_000);
  expect(limit.take('a')).toBe(60_000);
  clock.advance(60_000);
  expect(limit.take('a')).toBe(0);
});

test('IN10 a flood of keys forgets the longest unused and no other', () => {
  const limit = new RateLimit(new ManualClock(), 1, 60_000, 3);
  limit.take('steady');
  for (let n = 0; n < 10; n++) {
    limit.take(`flood ${n}`);
    expect(limit.take('steady')).toBeGreaterThan(0);
  }
  expect(limit.take('flood 0')).toBe(0);
});

test('IN10 the error names the seconds to wait, rounded up', () => {
  const limit = new RateLimit(new ManualClock(), 1, 1_500);
  limit.assert('a');
  try {
    limit.assert('a', 'Slowly.');
    throw new Error('it was let through');
  } catch (error) {
    expect(error).toBeInstanceOf(ReveilleError);
    expect((error as ReveilleError).code).toBe('rate-limited');
    expect((error as ReveilleError).facts.retryAfterSeconds).toBe(2);
  }
});
