import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStorage } from '../storage.ts';
import { createWakeSite, type SeenRequest, siteKey } from './extension.ts';

const origin = 'https://push.example:8030';
const told = { endpoint: 'https://push.example:8030/wpush/v2/a', p256dh: 'key', auth: 'secret' };
const formData = Object.fromEntries(Object.entries(told).map(([name, value]) => [name, [value]]));
const toldBy = (originUrl: string): SeenRequest => ({
  url: `${origin}/wake/subscribed`,
  originUrl,
  tabId: 7,
  requestBody: { formData },
});

function open() {
  const seen: string[] = [];
  const storage = memoryStorage();
  let request = (_: SeenRequest): void => {};
  const site = createWakeSite({
    origin,
    storage,
    watch(listener, urls) {
      request = listener;
      seen.push(...urls);
    },
    openTab: (url) => seen.push(url),
    closeTab: (tabId) => seen.push(`close ${tabId}`),
    woken: () => seen.push('woken'),
    subscribed: () => seen.push('subscribed'),
  });
  return { site, storage, seen, request: (one: SeenRequest) => request(one) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('FE3 a subscription is taken from a page of the service, asked for once, and the tab that an extension opened is closed', async () => {
  const { site, storage, seen, request } = open();
  await site.ask();
  const manager = site.manager();
  request(toldBy(`${origin}/wake/?asked`));
  assert.deepEqual((await (await manager).getSubscription())?.toJSON(), {
    endpoint: told.endpoint,
    keys: { p256dh: told.p256dh, auth: told.auth },
  });
  assert.deepEqual(await storage.get(siteKey), told);
  await site.ask();
  // A pattern has no port; the tab of the page that the user opened stays.
  request(toldBy(`${origin}/wake/`));
  await settled();
  assert.deepEqual(seen, [
    'https://push.example/wake/*',
    `${origin}/wake/?asked`,
    'subscribed',
    'close 7',
    'subscribed',
  ]);
});

test('FE3 FE4 what another origin says is passed over', async () => {
  const { storage, seen, request } = open();
  for (const from of ['https://evil.example/', 'https://push.example/', 'moz-extension://1/', ''])
    request(toldBy(from));
  request({ url: `${origin}/wake/up`, originUrl: 'https://evil.example/', tabId: -1 });
  request({ ...toldBy(`${origin}/wake/`), url: 'https://push.example/wake/subscribed' });
  await settled();
  assert.equal(await storage.get(siteKey), undefined);
  assert.deepEqual(seen.slice(1), []);
  request({ url: `${origin}/wake/up`, originUrl: `${origin}/wake/worker.js`, tabId: -1 });
  assert.deepEqual(seen.slice(1), ['woken']);
});
