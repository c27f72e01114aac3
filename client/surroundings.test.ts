import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from './backoff.ts';
import { missingPermissions, readConfiguration } from './configuration.ts';
import { createKeepAwake, touchMs } from './keep-awake.ts';
import { ManualTimers } from './manual-timers.ts';
import { installNotifications } from './notifications.ts';
import { areaStorage } from './storage.ts';

test('CL11 the address of the script names the service before the manifest does; only an http or https origin counts', () => {
  const manifest = { push_messaging: { server: 'https://push.example.org/path' } };
  const server = (scriptUrl?: string, of: object = manifest): string | undefined =>
    readConfiguration(of, scriptUrl).server;
  assert.equal(
    server('chrome-extension://a/push-messaging.js?server=http://127.0.0.1:8030'),
    'http://127.0.0.1:8030',
  );
  assert.equal(server('chrome-extension://a/push-messaging.js'), 'https://push.example.org');
  assert.equal(server(undefined), 'https://push.example.org');
  assert.equal(server(undefined, {}), undefined);
  assert.equal(server(undefined, { push_messaging: { server: 'ftp://x' } }), undefined);
  assert.equal(server(undefined, { push_messaging: { server: 'no address' } }), undefined);
});

test('CL10 for each missing permission one line says what to add and what it costs', () => {
  const lines = (permissions?: string[]): readonly string[] =>
    missingPermissions(readConfiguration({ permissions }, ''), false);
  assert.deepEqual(lines(['pushMessaging', 'identity', 'storage', 'alarms']), []);
  assert.deepEqual(lines(['pushMessaging', 'identity', 'storage']), [
    'Add "alarms" to "permissions" in manifest.json: without it a stopped app stays so.',
  ]);
  assert.equal(lines().length, 3);
});

test('FE7 in Firefox `webRequest` belongs to what an app needs, and the manifest names the app', () => {
  const manifest = {
    permissions: ['identity', 'storage', 'alarms'],
    push_messaging: { app: 'abcdefghijklmnopabcdefghijklmnop' },
  };
  const read = readConfiguration(manifest, undefined);
  assert.equal(read.app, 'abcdefghijklmnopabcdefghijklmnop');
  assert.deepEqual(missingPermissions(read, true), [
    'Add "webRequest" to "permissions" in manifest.json: without it no message wakes a stopped app.',
  ]);
});

test('CL18 an extension API is called every 20 seconds while any reason stands, and not after', async () => {
  const timers = new ManualTimers();
  let touches = 0;
  const awake = createKeepAwake(() => {
    touches += 1;
  }, timers);
  const first = awake();
  const second = awake();
  await timers.pass(touchMs);
  assert.equal(touches, 1);
  first();
  await timers.pass(touchMs);
  assert.equal(touches, 2);
  second();
  await timers.pass(10 * touchMs);
  assert.equal(touches, 2);
});

test('CL23 waits double from the first to the longest, with up to half of it taken off at random', () => {
  const waits = (random: number): number[] =>
    [1, 2, 3, 4, 5, 6].map((n) => backoff(n, 1_000, 20_000, () => random));
  assert.deepEqual(waits(0), [1_000, 2_000, 4_000, 8_000, 16_000, 20_000]);
  assert.deepEqual(waits(1), [500, 1_000, 2_000, 4_000, 8_000, 10_000]);
  assert.equal(
    backoff(1e9, 1_000, 20_000, () => 0),
    20_000,
  );
});

test('CL9 values are kept one by one in the storage of the extension', async () => {
  const items: Record<string, unknown> = {};
  const storage = areaStorage({
    get: async (key) => (key in items ? { [key]: items[key] } : {}),
    set: async (more) => void Object.assign(items, more),
  });
  assert.equal(await storage.get('a'), undefined);
  await storage.set('a', { b: 1 });
  assert.deepEqual(items, { a: { b: 1 } });
  assert.deepEqual(await storage.get('a'), { b: 1 });
});

/** The global object of a worker, as far as notifications go. */
function workerScope() {
  const shown: { title: string; options: NotificationOptions | undefined; closed: boolean }[] = [];
  const hearers = new Map<string, (event: { notification: { tag: string } }) => void>();
  const scope = {
    registration: {
      showNotification: async (title: string, options?: NotificationOptions) => {
        shown.push({ title, options, closed: false });
      },
      getNotifications: async (filter?: GetNotificationOptions) =>
        shown
          .filter(({ options }) => options?.tag === filter?.tag)
          .map((one) => ({ close: () => Object.assign(one, { closed: true }) })) as unknown as Notification[],
    },
    addEventListener: (type: string, hear: (event: { notification: { tag: string } }) => void) =>
      void hearers.set(type, hear),
  };
  installNotifications(scope);
  return { scope: scope as typeof scope & { window: { webkitNotifications: Historic } }, shown, hearers };
}

interface Historic {
  checkPermission(): number;
  requestPermission(callback: () => void): void;
  createNotification(
    icon: string,
    title: string,
    body: string,
  ): Record<string, unknown> & { show(): void; cancel(): void };
}

test("CL34 the guide's example shows a notification through window.webkitNotifications", async () => {
  const { scope, shown } = workerScope();
  const notification = scope.window.webkitNotifications.createNotification('', 'New notification', 'Hi [1]');
  const displayed = new Promise<void>((resolve) => Object.assign(notification, { ondisplay: resolve }));
  notification.show();
  await displayed;
  assert.equal(shown[0]?.title, 'New notification');
  assert.equal(shown[0]?.options?.body, 'Hi [1]');
  assert.equal('icon' in (shown[0]?.options ?? {}), false);
  assert.equal(scope.window.webkitNotifications.checkPermission(), 0);
});

test('CL34 clicks and closes reach the notification they belong to, and cancel takes it away', async () => {
  const { scope, shown, hearers } = workerScope();
  const heard: string[] = [];
  const notification = scope.window.webkitNotifications.createNotification('icon.png', 'T', 'B');
  Object.assign(notification, {
    replaceId: 'mail',
    onclick: () => heard.push('click'),
    onclose: () => heard.push('close'),
  });
  notification.show();
  hearers.get('notificationclick')?.({ notification: { tag: 'other' } });
  hearers.get('notificationclick')?.({ notification: { tag: 'mail' } });
  hearers.get('notificationclose')?.({ notification: { tag: 'mail' } });
  assert.deepEqual(heard, ['click', 'close']);
  assert.deepEqual([shown[0]?.options?.tag, shown[0]?.options?.icon], ['mail', 'icon.png']);
  notification.cancel();
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(shown[0]?.closed, true);
});

test('CL34 a notification that cannot be shown says so', async () => {
  const { scope } = workerScope();
  scope.registration.showNotification = () => Promise.reject(new TypeError('no permission'));
  const notification = scope.window.webkitNotifications.createNotification('', 'T', 'B');
  const failed = new Promise<void>((resolve) => Object.assign(notification, { onerror: resolve }));
  notification.show();
  await failed;
});
