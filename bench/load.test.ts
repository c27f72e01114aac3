import { expect, test } from 'bun:test';
import { measure } from './load.ts';

test('BE1 a load counts good answers by the second and bad ones apart', async () => {
  using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request) => new Response(null, { status: request.url.endsWith('bad') ? 500 : 204 }),
  });
  const good = await measure(0.2, 2, () => fetch(server.url));
  expect(good.perSecond).toBeGreaterThan(0);
  expect(good.p99Ms).toBeGreaterThanOrEqual(good.p50Ms);
  expect(good.failed).toBe(0);
  const bad = await measure(0.2, 2, () => fetch(`${server.url}bad`));
  expect(bad.perSecond).toBe(0);
  expect(bad.failed).toBeGreaterThan(0);
});
