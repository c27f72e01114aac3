import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PushMessage } from '../protocol/message.ts';
import type { Version } from '../protocol/version.ts';
import { createListeners, type Listener } from './listeners.ts';

const offer = { version: 1 as Version, subchannelId: 3, payload: 'hello' };

function event() {
  const reported: unknown[] = [];
  const counts: number[] = [];
  const listeners = createListeners(
    (error) => reported.push(error),
    (count) => counts.push(count),
  );
  return { ...listeners, reported, counts };
}

test('CL2 onMessage has the four historic methods and nothing else', () => {
  assert.deepEqual(Object.keys(event().event).sort(), [
    'addListener',
    'hasListener',
    'hasListeners',
    'removeListener',
  ]);
});

test('CL2 a listener is there from addListener to removeListener, once however often it was added', () => {
  const { event: onMessage, counts } = event();
  const listener: Listener = () => {};
  onMessage.addListener(listener);
  onMessage.addListener(listener);
  assert.equal(onMessage.hasListener(listener), true);
  assert.equal(onMessage.hasListeners(), true);
  onMessage.removeListener(listener);
  onMessage.removeListener(listener);
  assert.equal(onMessage.hasListener(listener), false);
  assert.equal(onMessage.hasListeners(), false);
  assert.deepEqual(counts, [1, 0]);
});

test('CL2 addListener with something else than a function does nothing, as natively', () => {
  const { event: onMessage } = event();
  onMessage.addListener('listener' as unknown as Listener);
  assert.equal(onMessage.hasListeners(), false);
});

test('CL21 every listener gets an object of its own with exactly subchannelId and payload', async () => {
  const { event: onMessage, run } = event();
  const got: PushMessage[] = [];
  onMessage.addListener((message) => got.push(message));
  onMessage.addListener((message) => got.push(message));
  await run(offer);
  assert.deepEqual(got, [
    { subchannelId: 3, payload: 'hello' },
    { subchannelId: 3, payload: 'hello' },
  ]);
  assert.notEqual(got[0], got[1]);
});

test('CL21 all listeners are called and waited for even when one throws; the first failure is the outcome, each is reported', async () => {
  const { event: onMessage, run, reported } = event();
  let slowEnded = false;
  onMessage.addListener(() => {
    throw new Error('first');
  });
  onMessage.addListener(() => Promise.reject(new Error('second')));
  onMessage.addListener(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    slowEnded = true;
  });
  await assert.rejects(run(offer), /first/);
  assert.equal(slowEnded, true);
  assert.deepEqual(reported.map(String), ['Error: first', 'Error: second']);
});
