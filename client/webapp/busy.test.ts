import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../manual-timers.ts';
import { createBusy } from './busy.ts';

test('WA1 an event of the worker lasts until everything that is under way has ended, however it ends', async () => {
  const busy = createBusy();
  await busy.idle();
  const ended: string[] = [];
  const end = busy.begin();
  let fail = (_: Error): void => {};
  busy.during(new Promise((_, reject) => (fail = reject)));
  for (const name of ['one', 'other']) void busy.idle().then(() => ended.push(name));
  end();
  await settle();
  assert.deepEqual(ended, []);
  fail(new Error('no network'));
  await settle();
  assert.deepEqual(ended, ['one', 'other']);
  await busy.idle();
});
