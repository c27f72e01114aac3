import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Version } from '../protocol/version.ts';
import { createSeen } from './seen.ts';
import { type KeyValue, memoryStorage } from './storage.ts';

interface World {
  readonly storage?: KeyValue;
  readonly status?: number;
  readonly seen?: readonly object[];
}

/** The script in one context of a registered profile. */
async function seen({ storage = memoryStorage(), status = 200, seen: state = [] }: World = {}) {
  const asked: { path: string; token: unknown; body: unknown }[] = [];
  const posted: unknown[] = [];
  const reported: unknown[] = [];
  const heard: number[] = [];
  const device = { origin: 'https://push.test', deviceId: 'd', deviceToken: 't', channelId: 'c' };
  await storage.set('reveille.device', device);
  const broadcast = {
    onmessage: null as BroadcastChannel['onmessage'],
    postMessage: (event: unknown) => void posted.push(event),
  };
  const part = createSeen({
    storage,
    broadcast,
    report: (error) => reported.push(error),
    fetch: async (url, { headers, body }) => {
      const token = (headers as Record<string, string>).Authorization;
      asked.push({ path: url.slice(device.origin.length), token, body: body && JSON.parse(String(body)) });
      return Response.json(status === 200 ? { messages: [], seen: state } : { error: { message: 'No.' } }, {
        status,
      });
    },
  });
  const listener = ({ subchannelId }: { readonly subchannelId: number }): void =>
    void heard.push(subchannelId);
  part.api.onSeen.addListener(listener);
  const marks = (kept: Record<string, number | number[]>, channelId = 'c') =>
    storage.set('reveille.marks', { channelId, marks: kept });
  const hears = async (subchannelId: number, version: number): Promise<void> => {
    part.hook.hears({ subchannelId, version: version as Version });
    // An answer without any: settles when what came before it is decided.
    await part.look();
  };
  const runs = (subchannelId: number, version: number): (() => void) =>
    part.hook.runs({ subchannelId, version: version as Version, payload: '' });
  return { ...part, storage, broadcast, listener, asked, posted, reported, heard, marks, hears, runs };
}

const bodies = (asked: readonly { readonly body: unknown }[]) => asked.map(({ body }) => body);

test('CL38 markSeen tells the newest version that was handled, of the queue as well', async () => {
  const { api, asked, marks } = await seen();
  await marks({ '0': 7, '1': 3, q1: [4, 9] });
  await api.markSeen(0);
  await api.markSeen(1);
  assert.deepEqual(asked, [
    { path: '/v2/devices/d/seen', token: 'Bearer t', body: { subchannelId: 0, version: 7 } },
    { path: '/v2/devices/d/seen', token: 'Bearer t', body: { subchannelId: 1, version: 9 } },
  ]);
});

test('CL38 within the run of a listener it tells the version that runs', async () => {
  const { api, asked, marks, runs } = await seen();
  await marks({ '0': 7 });
  runs(0, 8);
  await api.markSeen(0);
  assert.deepEqual(bodies(asked), [{ subchannelId: 0, version: 8 }]);
});

test('CL38 where nothing was given nothing is told; marks of another channel are none', async () => {
  const { api, asked, marks } = await seen();
  await api.markSeen(0);
  await marks({ '0': 7 }, 'of another user');
  await api.markSeen(0);
  assert.deepEqual(asked, []);
});

test('CL38 before getChannelId, and where the service refuses, it rejects with a sentence', async () => {
  const { api, storage, marks } = await seen({ status: 403 });
  await marks({ '0': 7 });
  await assert.rejects(api.markSeen(0), /^Error: No\.$/);
  await storage.set('reveille.device', null);
  await assert.rejects(api.markSeen(0), /call getChannelId first/);
});

test('CL39 a subchannel is told once all that was given of it was seen, and once', async () => {
  const { heard, posted, marks, hears } = await seen();
  await hears(0, 5);
  assert.deepEqual(heard, []);
  await marks({ '0': 7 });
  await hears(0, 6);
  assert.deepEqual(heard, []);
  await hears(0, 7);
  await hears(0, 7);
  await hears(0, 8);
  assert.deepEqual(heard, [0]);
  assert.deepEqual(posted, [{ subchannelId: 0 }]);
});

test('CL39 what came since, and what runs, is not taken for seen', async () => {
  const { heard, marks, hears, runs } = await seen();
  await marks({ '0': 7, '1': 7 });
  await hears(0, 7);
  const ended = runs(0, 9);
  await hears(0, 8);
  assert.deepEqual(heard, [0]);
  ended();
  await marks({ '0': 9, '1': 7 });
  await hears(0, 9);
  await hears(1, 9);
  assert.deepEqual(heard, [0, 0, 1]);
});

test('CL39 what was seen elsewhere before it ran here is told once its run has ended', async () => {
  const { runs, hears, look, heard } = await seen();
  await hears(0, 9);
  const ended = runs(0, 9);
  await hears(0, 9);
  assert.deepEqual(heard, []);
  ended();
  await look();
  assert.deepEqual(heard, [0]);
  runs(0, 9)();
  await look();
  assert.deepEqual(heard, [0]);
});

test('CL39 what another context tells is heard here', async () => {
  const { heard, broadcast } = await seen();
  broadcast.onmessage?.call(undefined as never, { data: { subchannelId: 3 } } as MessageEvent);
  assert.deepEqual(heard, [3]);
});

test('CL40 a listener that is stopped while it hears of it hears of it again, and one that ended does not', async () => {
  const storage = memoryStorage();
  const stopped = await seen({ storage });
  await stopped.marks({ '0': 7 });
  await new Promise<void>((begun) => {
    stopped.api.onSeen.addListener(() => {
      begun();
      return new Promise(() => {});
    });
    stopped.hook.hears({ subchannelId: 0, version: 7 as Version });
  });
  for (const expected of [[0], []]) {
    const next = await seen({ storage });
    await next.hears(0, 7);
    assert.deepEqual(next.heard, expected);
  }
});

test('CL40 a listener that throws is reported, and the others hear', async () => {
  const { api, heard, listener, reported, marks, hears } = await seen();
  api.onSeen.removeListener(listener);
  assert.equal(api.onSeen.hasListeners(), false);
  api.onSeen.addListener(() => {
    throw new Error('on purpose');
  });
  api.onSeen.addListener(listener);
  assert.equal(api.onSeen.hasListener(listener), true);
  await marks({ '2': 7 });
  await hears(2, 7);
  assert.deepEqual(heard, [2]);
  assert.deepEqual(reported.map(String), ['Error: on purpose']);
});

test('WA7 a client without a connection asks the service, for no message', async () => {
  const { asked, heard, look, marks } = await seen({ seen: [{ subchannelId: 1, version: 7 }] });
  await marks({ '1': 7 });
  await look();
  assert.deepEqual(heard, [1]);
  assert.deepEqual(asked, [
    { path: '/v2/devices/d/missed?after=9007199254740991', token: 'Bearer t', body: undefined },
  ]);
});

test('WA7 a service that does not answer is reported', async () => {
  const { look, reported } = await seen({ status: 503 });
  await look();
  assert.deepEqual(reported.map(String), ['Error: No.']);
});
