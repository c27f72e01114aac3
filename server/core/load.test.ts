import { expect, test } from 'bun:test';
import { limits } from '../../protocol/limits.ts';
import { Load } from './load.ts';

function load() {
  const heard = { refused: [] as string[], hurried: 0, now: 0 };
  const made = new Load({
    refusing: (scarce) => heard.refused.push(scarce),
    hurry: () => void heard.hurried++,
    now: () => heard.now,
  });
  return { load: made, heard };
}

test('OL1 as many messages as the limit says are being kept at a time, and each that is kept makes room', () => {
  const { load: one, heard } = load();
  for (let n = 0; n < limits.writesInFlight; n++) one.begin();
  expect(() => one.begin()).toThrow('more to do');
  expect(() => one.assertRoom()).toThrow(
    expect.objectContaining({
      code: 'overloaded',
      facts: { retryAfterSeconds: limits.overloadedRetrySeconds },
    }),
  );
  expect(heard.refused).toEqual(['writes', 'writes']);
  one.assertMemory();
  one.end();
  one.assertRoom();
  one.begin();
});

test('OL1 a request of many messages is let in while there is any room, and counts whole', () => {
  const { load: one } = load();
  one.begin();
  one.begin(limits.multicastChannels);
  expect(() => one.begin()).toThrow('more to do');
  one.end(limits.multicastChannels);
  one.begin();
});

test('OL1 what waits longer than it should is kept now, whoever comes next', () => {
  const { load: one, heard } = load();
  one.begin();
  heard.now = limits.writesWaitMs;
  one.assertRoom();
  expect(heard.hurried).toBe(0);
  heard.now += 1;
  one.assertRoom();
  one.assertRoom();
  expect(heard.hurried).toBe(1);
  one.end();
  heard.now += 10 * limits.writesWaitMs;
  one.assertRoom();
  expect(heard.hurried).toBe(1);
});
