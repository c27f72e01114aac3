import { expect, test } from 'bun:test';
import { Handling } from './handling.ts';

test('CI10 a stop waits for what is being handled, and for nothing else', async () => {
  const handling = new Handling();
  await handling.idle(60_000);
  handling.begin();
  handling.begin();
  let idle = false;
  const stopped = handling.idle(60_000).then(() => {
    idle = true;
  });
  handling.end();
  await Promise.resolve();
  expect(idle).toBe(false);
  handling.end();
  await stopped;
  expect(idle).toBe(true);
  handling.end();
  await handling.idle(60_000);
});

test('CI10 a stop does not wait for ever', async () => {
  const handling = new Handling();
  handling.begin();
  const before = performance.now();
  await handling.idle(20);
  expect(performance.now() - before).toBeGreaterThanOrEqual(15);
});
