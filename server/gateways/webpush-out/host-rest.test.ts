import { describe, expect, test } from 'bun:test';
import { limits } from '../../../protocol/limits.ts';
import { HostRests, readRetryAfter } from './host-rest.ts';

const host = 'push.example';
const why = 'It is down.';

describe('the rests of a push service', () => {
  test('WK17 it has 16 places; one that is given back is free', () => {
    const rests = new HostRests();
    for (let n = 0; n < limits.pushesPerHost; n++) expect(rests.enter(host, 0)).toBe(0);
    expect(rests.enter(host, 0)).toBe(limits.pushCrowdedMs);
    expect(rests.enter('other.example', 0)).toBe(0);
    rests.left(host);
    expect(rests.enter(host, 0)).toBe(0);
  });

  test('WK18 without a time of its own it rests 30 s, doubling to an hour, until it has answered', () => {
    const rests = new HostRests();
    let now = 0;
    for (const seconds of [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]) {
      expect(rests.enter(host, now)).toBe(0);
      expect(rests.failed(host, undefined, now, why)).toBe(seconds * 1_000);
      expect(rests.enter(host, now + 1)).toBe(seconds * 1_000 - 1);
      now += seconds * 1_000;
    }
    expect(rests.enter(host, now)).toBe(0);
    rests.left(host);
    expect(rests.enter(host, now)).toBe(0);
    expect(rests.failed(host, undefined, now, why)).toBe(limits.pushRestMs);
  });

  test('WK18 it rests as long as it asked for, at most an hour', () => {
    const rests = new HostRests();
    rests.enter(host, 0);
    expect(rests.failed(host, 5_000, 0, why)).toBe(5_000);
    expect(rests.enter(host, 4_000)).toBe(1_000);
    expect([rests.restsUntil(host, 4_000), rests.restsUntil(host, 5_000)]).toEqual([5_000, undefined]);
    expect(rests.restsUntil('other.example', 0)).toBe(undefined);
    expect(rests.enter(host, 5_000)).toBe(0);
    expect(rests.failed(host, 86_400_000, 5_000, why)).toBe(limits.pushRestMsMax);
  });

  test('WK22 says why it rests until it has answered', () => {
    const rests = new HostRests();
    expect(rests.whyOf(host)).toBeUndefined();
    rests.enter(host, 0);
    rests.failed(host, 5_000, 0, why);
    expect(rests.whyOf(host)).toBe(why);
    rests.enter(host, 5_000);
    rests.left(host);
    expect(rests.whyOf(host)).toBeUndefined();
  });

  test('WK18 one of several that fail at the same time does not shorten the rest', () => {
    const rests = new HostRests();
    rests.enter(host, 0);
    rests.enter(host, 0);
    rests.failed(host, 60_000, 0, why);
    rests.failed(host, 1_000, 0, why);
    expect(rests.enter(host, 2_000)).toBe(58_000);
  });

  test('WK18 a clock that stepped back ends a rest', () => {
    const rests = new HostRests();
    rests.enter(host, 10_000_000);
    rests.failed(host, undefined, 10_000_000, why);
    expect(rests.enter(host, 0)).toBe(0);
  });

  test('WK18 Retry-After is seconds or a date; anything else says nothing', () => {
    const now = Date.parse('2026-11-24T08:00:00Z');
    expect(readRetryAfter('120', now)).toBe(120_000);
    expect(readRetryAfter('Tue, 24 Nov 2026 08:01:00 GMT', now)).toBe(60_000);
    expect(readRetryAfter('Tue, 24 Nov 2026 07:00:00 GMT', now)).toBe(0);
    expect([undefined, 'soon', '-5x', '99999999999999'].map((text) => readRetryAfter(text, now))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
