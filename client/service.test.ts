import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Version } from '../protocol/version.ts';
import { acknowledge, createCall, missed, register } from './service.ts';
import { createUpstream } from './upstream.ts';

const origin = 'http://127.0.0.1:8030';
const device = { deviceId: 'd1', deviceToken: 't1', channelId: 'c' };

/** A service that answers everything alike and writes down what it was asked. */
function service(answer: () => Response | Promise<Response>) {
  const asked: { url: string; init: RequestInit }[] = [];
  const call = createCall(origin, async (url, init) => {
    asked.push({ url, init });
    return answer();
  });
  const [last] = [() => asked.at(-1) ?? { url: '', init: {} }];
  return { call, asked, last };
}

test('CL12 calls carry the token and no cookies; JSON is said to be JSON, a form leaves as a form', async () => {
  const { call, last } = service(() => Response.json({}));
  await call('/a', 'secret', { x: 1 });
  assert.equal(last().url, `${origin}/a`);
  assert.equal(last().init.credentials, 'omit');
  assert.equal(last().init.method, 'POST');
  assert.equal(last().init.body, '{"x":1}');
  assert.deepEqual(last().init.headers, {
    'Content-Type': 'application/json',
    Authorization: 'Bearer secret',
  });
  await call('/b', undefined, new URLSearchParams({ code: 'a b' }));
  assert.equal(new Headers(last().init.headers).get('content-type'), null);
  assert.equal(String(last().init.body), 'code=a+b');
  await call('/c');
  assert.deepEqual([last().init.method, last().init.body], ['GET', undefined]);
});

test('CL12 an answer without a body is an empty one', async () => {
  const { call } = service(() => new Response(null, { status: 204 }));
  assert.deepEqual(await call('/a'), {});
});

test("CL7 a refusal carries the service's own sentence, its status and its reason, in both layouts", async () => {
  const google = {
    error: { code: 401, message: 'The device is unknown.', errors: [{ reason: 'deviceUnknown' }] },
  };
  const one = service(() => Response.json(google, { status: 401 }));
  await assert.rejects(one.call('/a'), {
    status: 401,
    reason: 'deviceUnknown',
    message: 'The device is unknown.',
  });
  const oauth = { error: 'invalid_client', error_description: 'No such client.' };
  const two = service(() => Response.json(oauth, { status: 400 }));
  await assert.rejects(two.call('/a'), { status: 400, reason: 'invalid_client', message: 'No such client.' });
  const three = service(() => new Response('<h1>Bad gateway</h1>', { status: 502 }));
  await assert.rejects(three.call('/a'), {
    status: 502,
    message: `The push service at ${origin} answered 502.`,
  });
});

test('CL7 a service that cannot be reached is told apart by status 0 and named by its address', async () => {
  const { call } = service(() => Promise.reject(new TypeError('fetch failed')));
  await assert.rejects(call('/a'), {
    status: 0,
    message: /^The push service at http:\/\/127.0.0.1:8030 cannot be reached/,
  });
});

test('CL12 a registration sends only what is known', async () => {
  const { call, last } = service(() => Response.json(device));
  assert.deepEqual(await register(call, 'access', { name: undefined }), device);
  assert.equal(last().init.body, '{}');
  await register(call, 'access', { deviceId: 'd0', deviceToken: 't0' });
  assert.equal(last().init.body, '{"deviceId":"d0","deviceToken":"t0"}');
});

test('CL24 with a connection the outcome of a message goes over it, and nothing over HTTP', () => {
  const frames: unknown[] = [];
  const upstream = createUpstream(
    (frame) => {
      frames.push(frame);
      return true;
    },
    () => assert.fail('HTTP was used'),
  );
  upstream.taken(1 as Version);
  upstream.confirm(1 as Version);
  upstream.refuse(2 as Version, 'failed', 'x'.repeat(500));
  assert.deepEqual(frames, [
    { type: 'taken', version: 1 },
    { type: 'confirm', version: 1 },
    { type: 'refuse', version: 2, kind: 'failed', reason: 'x'.repeat(200) },
  ]);
});

test('CL24 without a connection confirm and refuse go over HTTP, taken goes nowhere', async () => {
  const { call, asked } = service(() => new Response(null, { status: 204 }));
  const upstream = createUpstream(
    () => false,
    (ack) => void acknowledge(call, device, ack),
  );
  upstream.taken(1 as Version);
  upstream.confirm(1 as Version);
  upstream.refuse(2 as Version, 'no-listener', 'why');
  assert.deepEqual(
    asked.map(({ url, init }) => [url, init.body]),
    [
      [`${origin}/v2/devices/d1/confirm`, '{"acks":[{"version":1,"outcome":"handled"}]}'],
      [`${origin}/v2/devices/d1/confirm`, '{"acks":[{"version":2,"outcome":"no-listener","reason":"why"}]}'],
    ],
  );
  assert.equal(new Headers(asked[0]?.init.headers).get('authorization'), 'Bearer t1');
});

test('CL28 what waits is read over HTTP with the device token', async () => {
  const messages = [{ version: 4, subchannelId: 0, payload: 'x' }];
  const { call, last } = service(() => Response.json({ messages }));
  assert.deepEqual(await missed(call, device), messages);
  assert.equal(last().url, `${origin}/v2/devices/d1/missed`);
  const none = service(() => Response.json({}));
  assert.deepEqual(await missed(none.call, device), []);
});
