import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGetChannelId, type GetChannelId } from './get-channel-id.ts';
import { settle } from './manual-timers.ts';

const channelId = '01234567890123456789/abcdefghijklmnopabcdefghijklmnop';

/** getChannelId over a stand-in for `chrome.runtime` and `chrome.extension`. */
function api(find: (interactive: boolean) => Promise<string>) {
  const runtime: { lastError?: { message: string } } = {};
  const extension: { lastError?: { message: string } } = {};
  const unchecked: string[] = [];
  const uncaught: unknown[] = [];
  const getChannelId = createGetChannelId(find, {
    hosts: [runtime, extension],
    unchecked: (line) => unchecked.push(line),
    uncaught: (error) => uncaught.push(error),
  });
  return { getChannelId, runtime, extension, unchecked, uncaught };
}

const found = async (): Promise<string> => channelId;
const signedOut = (): Promise<string> => Promise.reject(new Error('The user is not signed in.'));

test('CL3 the callback forms: (callback), (boolean, callback), and undefined or null for what is left out', async () => {
  const asked: boolean[] = [];
  const { getChannelId, runtime } = api(async (interactive) => {
    asked.push(interactive);
    return channelId;
  });
  const got: unknown[] = [];
  const callback = (result: unknown): void => void got.push(result, 'lastError' in runtime);
  assert.equal(getChannelId(callback), undefined);
  getChannelId(false, callback);
  getChannelId(true, callback);
  getChannelId(null, callback);
  getChannelId(undefined, callback);
  await settle();
  assert.deepEqual(asked, [false, false, true, false, false]);
  assert.deepEqual(got, Array(5).fill([{ channelId }, false]).flat());
});

test('CL3 the promise forms: () and (boolean)', async () => {
  const { getChannelId } = api(found);
  assert.deepEqual(await getChannelId(), { channelId });
  assert.deepEqual(await getChannelId(true), { channelId });
});

test('CL3 wrong arguments throw a TypeError at once, in the words of native calls', () => {
  const { getChannelId } = api(found);
  const call = getChannelId as (...args: unknown[]) => unknown;
  const text =
    'Error in invocation of pushMessaging.getChannelId(optional boolean interactive, function callback): No matching signature.';
  for (const args of [['true'], [1], [{}], [true, 'callback'], [() => {}, true], [true, false, () => {}]]) {
    assert.throws(() => call(...args), { name: 'TypeError', message: text });
  }
});

test('CL4 a failure calls back with an empty channelId while lastError says why, on both historic places', async () => {
  const { getChannelId, runtime, extension } = api(signedOut);
  let seen: unknown;
  getChannelId((result) => {
    seen = [result, runtime.lastError?.message, extension.lastError?.message];
  });
  await settle();
  assert.deepEqual(seen, [{ channelId: '' }, 'The user is not signed in.', 'The user is not signed in.']);
});

test('CL4 lastError is gone before anything else runs', async () => {
  const { getChannelId, runtime } = api(signedOut);
  const later = new Promise<boolean>((resolve) => {
    getChannelId(() => {
      void runtime.lastError;
      void Promise.resolve().then(() => resolve('lastError' in runtime));
    });
  });
  assert.equal(await later, false);
});

test('CL5 an error that the callback did not read is shown in the native words, one that it read is not', async () => {
  const { getChannelId, runtime, unchecked } = api(signedOut);
  getChannelId(() => void runtime.lastError);
  await settle();
  assert.deepEqual(unchecked, []);
  getChannelId(() => {});
  await settle();
  assert.deepEqual(unchecked, [
    'Unchecked runtime.lastError while running pushMessaging.getChannelId: The user is not signed in.',
  ]);
});

test('CL5 an exception of the callback is reported, and lastError is gone all the same', async () => {
  for (const find of [found, signedOut]) {
    const { getChannelId, runtime, uncaught } = api(find);
    getChannelId(() => {
      throw new Error('mine');
    });
    await settle();
    assert.deepEqual(uncaught.map(String), ['Error: mine']);
    assert.equal('lastError' in runtime, false);
  }
});

test('CL6 the promise form rejects with the sentence, sets no lastError and prints nothing', async () => {
  const {
    getChannelId,
    runtime,
    unchecked,
  }: { getChannelId: GetChannelId; runtime: object; unchecked: string[] } = api(signedOut);
  await assert.rejects(getChannelId(false), { message: 'The user is not signed in.' });
  assert.equal('lastError' in runtime, false);
  assert.deepEqual(unchecked, []);
});
