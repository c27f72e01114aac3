import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { WebhookReceiver } from '../../dev-env/webhook-receiver.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import { parseSubchannel, type Subchannel } from '../../protocol/subchannel.ts';
import type { Version } from '../../protocol/version.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { SEND_SCOPE } from '../core/sender.ts';
import type { Device, Kept } from '../core/store.ts';
import { type Events, silentEvents } from '../observe/events.ts';
import { Metrics } from '../observe/metrics.ts';
import { DeliveryQueue } from './queue.ts';
import { checkedTarget, eventTypes, type Owner } from './webhook.ts';

let receiver: WebhookReceiver;
let clock: ManualClock;
let town: ConsoleTown;
let ann: Account;
let eve: Account;
let app: AppId;
let group: string;
let project: string;
let laptop: Device;
let phone: Device;
let channel: string;
/** Told of each call. */
let counted = silentEvents.webhookCalled;

/** One town for the file: making accounts takes most of the time. Each test has an app, a project and devices of its own. */
beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  clock = new ManualClock(Date.now());
  const events: Events = { ...silentEvents, webhookCalled: (...call) => counted(...call) };
  town = await ConsoleTown.open({ clock, ca: receiver.ca, events });
  [ann, eve] = [await account('ann'), await account('eve')];
  group = await town.webstore.groups.create(ann.id, 'Ann');
  await town.webhooks.start();
});
afterAll(async () => {
  await town[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

beforeEach(async () => {
  receiver.calls.length = 0;
  receiver.answer = () => new Response(null, { status: 204 });
  ({ id: app } = await town.webstore.apps.register(ann.id, group, 'Reader', { kind: 'made' }));
  ({ id: project } = await town.oauth.projects.create(ann, 'Paper'));
  await town.oauth.projects.setMessaging(ann, project, true);
  laptop = await device('laptop');
  phone = await device('phone');
  channel = laptop.channel.id;
});
afterEach(async () => {
  await town.control.db.deleteFrom('webhooks').execute();
  await town.webhooks.webhooks.refresh();
});

async function account(name: string): Promise<Account> {
  await town.accounts.create(`${name}@example.com`, 'correct horse battery', name);
  return (await town.accounts.signIn(`${name}@example.com`, 'correct horse battery')).account;
}

const device = async (name: string) => (await town.devices.register({ account: ann.id, app, name })).device;

const ofApp = (): Owner => ({ kind: 'app', id: app });
const ofProject = (): Owner => ({ kind: 'project', id: project });

const hook = (
  owner = ofApp(),
  change: Partial<{ url: string; events: readonly string[]; all: boolean }> = {},
) =>
  town.webhooks.webhooks.create(ann, owner, {
    url: receiver.url(),
    events: eventTypes,
    all: true,
    ...change,
  });

const subchannel = parseSubchannel(0) as Subchannel;

/** Sends by the historic door's own way in. */
async function send(payload = 'hello'): Promise<Kept> {
  const sender = {
    ...{ account: ann.id, client: 'c', project, signIn: null },
    ...{
      scopes: new Set([SEND_SCOPE]),
      dailyQuota: 0,
      payloadBytes: limits.payloadBytes,
      dailyTargets: 0,
      subchannels: 4,
    },
  };
  return await town.send(sender, { channel: laptop.channel.id, subchannel, payload });
}

const confirm = (on: Device, version: Version) =>
  town.devices.acknowledge(on, [{ outcome: 'handled', version }]);

/** What was told, without the times. */
const told = () =>
  receiver.calls.map(({ body }) => {
    const { type, data } = JSON.parse(body);
    return [type, data.device ?? data.devices];
  });

const shown = async (id: string) => (await town.webhooks.webhooks.deliveries(ann, id)).recent;

/** Waits until the newest delivery stands as `state`, with as many tries. */
async function stands(id: string, state: string, attempts: number): Promise<void> {
  for (;;) {
    const [newest] = await shown(id);
    if (newest?.state === state && newest.attempts === attempts) return;
    await Bun.sleep(5);
  }
}

describe('what is told', () => {
  test('WH4 each step of a message on each device, once', async () => {
    await hook();
    const { version } = await send();
    await confirm(laptop, version);
    await receiver.has(2);
    await town.devices.acknowledge(phone, [{ outcome: 'taken', version }]);
    await receiver.has(3);
    await confirm(phone, version);
    await receiver.has(4);
    expect(told().sort()).toEqual(
      [laptop, phone]
        .flatMap(({ id }) => [
          ['message.confirmed', id],
          ['message.received', id],
        ])
        .sort(),
    );
    const { data } = JSON.parse(receiver.calls[0]?.body ?? '');
    expect(data).toMatchObject({ message: null, channelId: channel, version });
    expect(new Date(data.at).getTime()).toBe(clock.now());
    expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(4);
  });

  test('WH4 only the chosen events, and without "all" only messages that ask for it', async () => {
    await hook(ofProject(), { all: false, events: ['message.confirmed', 'message.expired'] });
    const quiet = await send();
    await confirm(laptop, quiet.version);
    const { version } = await town.store.keep({
      ...{ channel: laptop.channel.key, slot: '1', payload: 'asked for', project },
      ...{ expiresAt: clock.now() + 60_000, dailyQuota: 0, quotaDay: '2026-11-24' },
    });
    const targets = [{ channelId: laptop.channel.id, version }];
    await town.webhooks.followers.follow({ id: 'request-1', project, targets, asked: true });
    await confirm(laptop, version);
    await receiver.has(1);
    clock.advance(60_000 + limits.webhookLookMs);
    await receiver.has(2);
    expect(told()).toEqual([
      ['message.confirmed', laptop.id],
      ['message.expired', phone.id],
    ]);
    expect(JSON.parse(receiver.calls[0]?.body ?? '').data.message).toBe('request-1');
  });

  test('WH4 a message of another project, or to another app, is not told', async () => {
    const { id: other } = await town.oauth.projects.create(ann, 'Other');
    await hook({ kind: 'project', id: other });
    const mine = await hook(ofApp(), { url: receiver.url('/mine') });
    const { version } = await send();
    await confirm(laptop, version);
    await receiver.has(2);
    await stands(mine.id, 'delivered', 1);
    expect(receiver.calls.map(({ path }) => path)).toEqual(['/mine', '/mine']);
  });

  test('WH10 a device that left its channel is told to the webhooks of the app, however it left', async () => {
    await hook(ofApp(), { all: false, events: ['device.gone'] });
    await town.devices.remove(laptop);
    await receiver.has(1);
    await town.receiving.remove(ann.id, app);
    await receiver.has(2);
    expect(receiver.calls.map(({ body }) => JSON.parse(body).data)).toEqual([
      { channelId: channel, exists: true, devices: 1 },
      { channelId: channel, exists: false, devices: 0 },
    ]);
  });
});

describe('how it is told', () => {
  test('WH3 the library that receivers use takes the signature, and not that of another secret or body', async () => {
    const { id } = await hook();
    const secret = await town.webhooks.webhooks.secretOf(ann, id);
    await town.webhooks.webhooks.test(ann, id);
    const [call] = await receiver.has(1);
    const { headers = {}, body = '' } = call ?? {};
    expect(new StandardWebhook(secret).verify(body, headers)).toMatchObject({ type: 'webhook.test' });
    expect(() => new StandardWebhook(secret).verify(`${body} `, headers)).toThrow();
    await town.webhooks.webhooks.renewSecret(ann, id);
    const fresh = await town.webhooks.webhooks.secretOf(ann, id);
    expect(() => new StandardWebhook(fresh).verify(body, headers)).toThrow();
    const row = await town.control.db.selectFrom('webhooks').selectAll().executeTakeFirstOrThrow();
    expect(row.secret_sealed).not.toContain(fresh.slice(6, 20));
  });

  test('WH6 what is not answered with 2xx is tried again, later and later, with the same id, then given up', async () => {
    const { id } = await hook();
    receiver.answer = () => new Response(null, { status: 503 });
    await town.webhooks.webhooks.test(ann, id);
    for (const [tries, wait] of limits.webhookRetryMs.entries()) {
      await stands(id, 'waiting', tries + 1);
      clock.advance(wait - 1);
      expect(receiver.calls.length).toBe(tries + 1);
      clock.advance(1);
    }
    await stands(id, 'given-up', limits.webhookRetryMs.length + 1);
    expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect((await shown(id))[0]).toMatchObject({ lastAnswer: '503', nextAt: null });
  });

  test('WH6 Retry-After is waited for, and a redirect is followed nowhere', async () => {
    const { id } = await hook();
    receiver.answer = () =>
      new Response(null, {
        status: 302,
        headers: { Location: receiver.url('/elsewhere'), 'Retry-After': '60' },
      });
    await town.webhooks.webhooks.test(ann, id);
    await stands(id, 'waiting', 1);
    clock.advance(59_999);
    expect(receiver.calls.length).toBe(1);
    receiver.answer = () => new Response(null, { status: 200 });
    clock.advance(1);
    await stands(id, 'delivered', 2);
    expect(receiver.calls.map(({ path }) => path)).toEqual(['/hook', '/hook']);
  });

  test('WH6 a slow webhook does not take the places of others', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    receiver.answer = ({ path }) => (path === '/slow' ? promise : new Response(null, { status: 204 }));
    const slow = await hook(ofApp(), { url: receiver.url('/slow') });
    for (let n = 0; n < limits.webhookCalls + 5; n++) await town.webhooks.webhooks.test(ann, slow.id);
    const quick = await hook(ofApp(), { url: receiver.url('/quick') });
    await town.webhooks.webhooks.test(ann, quick.id);
    await stands(quick.id, 'delivered', 1);
    resolve(new Response(null, { status: 204 }));
    await receiver.has(limits.webhookCalls + 6);
  });
});

describe('how it ends', () => {
  test('WH7 one that has failed for five days is switched off; switched on again it goes on with what waits', async () => {
    const { id } = await hook();
    receiver.answer = () => new Response(null, { status: 500 });
    await town.webhooks.webhooks.test(ann, id);
    await stands(id, 'waiting', 1);
    const failing_since = clock.now() - limits.webhookFailingDays * 86_400_000;
    await town.control.db.updateTable('webhooks').set({ failing_since }).execute();
    clock.advance(limits.webhookRetryMs[0] ?? 0);
    await stands(id, 'waiting', 2);
    const off = await town.webhooks.webhooks.get(ann, id);
    expect(off.disabled?.why).toBe('No call has succeeded for 5 days.');
    await town.webhooks.webhooks.refresh();
    expect(town.webhooks.followers.followsAll(project, app)).toBe(false);
    receiver.answer = () => new Response(null, { status: 204 });
    clock.advance(limits.webhookRetryMs[1] ?? 0);
    await town.webhooks.webhooks.enable(ann, id);
    await stands(id, 'delivered', 3);
    expect(await town.webhooks.webhooks.get(ann, id)).toMatchObject({ disabled: null, failingSince: null });
  });

  test('OB5 how calls end is counted, and what waits is measured until its webhook is switched off', async () => {
    const metrics = new Metrics(() => clock.now());
    metrics.watchWebhooks(town.webhooks.backlog);
    const figures = async () =>
      Object.fromEntries(
        [...(await metrics.page()).text.matchAll(/^reveille_webhook_(\S+) (\S+)$/gm)].map((one) => [
          one[1],
          one[2],
        ]),
      );
    const { id } = await hook();
    // Calls of the tests before may still be under way.
    counted = (webhook, ...how) => webhook === id && metrics.events.webhookCalled(webhook, ...how);
    expect(await figures()).toEqual({ waiting: '0', oldest_seconds: '0' });
    receiver.answer = () => new Response(null, { status: 500 });
    await town.webhooks.webhooks.test(ann, id);
    await stands(id, 'waiting', 1);
    clock.advance(2_000);
    expect(await figures()).toEqual({
      'calls_total{outcome="failed"}': '1',
      waiting: '1',
      oldest_seconds: '2',
    });
    receiver.answer = () => new Response(null, { status: 410 });
    clock.advance((limits.webhookRetryMs[0] ?? 0) - 2_000);
    await stands(id, 'waiting', 2);
    expect(await figures()).toMatchObject({
      'calls_total{outcome="gone"}': '1',
      waiting: '0',
      oldest_seconds: '0',
    });
    receiver.answer = () => new Response(null, { status: 204 });
    clock.advance(limits.webhookRetryMs[1] ?? 0);
    await town.webhooks.webhooks.enable(ann, id);
    await stands(id, 'delivered', 3);
    expect(await figures()).toMatchObject({ 'calls_total{outcome="delivered"}': '1', waiting: '0' });
    counted = silentEvents.webhookCalled;
  });

  test('WH7 one that answers 410 is switched off at once', async () => {
    const { id } = await hook();
    receiver.answer = () => new Response(null, { status: 410 });
    await town.webhooks.webhooks.test(ann, id);
    await stands(id, 'waiting', 1);
    expect((await town.webhooks.webhooks.get(ann, id)).disabled?.why).toContain('410');
  });

  test('WH8 beyond 10,000 waiting events the further are dropped and counted', async () => {
    const { id } = await hook();
    const row = { webhook: id, type: 'webhook.test', body: '{}' };
    const many = Array.from({ length: limits.webhookQueue + 3 }, (_, n) => ({ ...row, id: `msg_${n}` }));
    await new DeliveryQueue({ db: town.control.db, clock }).add(many);
    expect((await town.webhooks.webhooks.deliveries(ann, id)).waiting).toBe(limits.webhookQueue);
    expect((await town.webhooks.webhooks.get(ann, id)).dropped).toBe(3);
  });

  test('WH11 a webhook ends with its project or app, and when the app moves to another group', async () => {
    const [one, two] = [await hook(ofProject()), await hook()];
    await town.oauth.projects.remove(ann, project);
    const other = await town.webstore.groups.create(ann.id, 'Others');
    await town.webstore.apps.transfer(ann.id, app, other);
    for (const { id } of [one, two])
      expect(await town.webhooks.webhooks.get(ann, id).catch((error) => error.code)).toBe('not-found');
    expect(await town.webhooks.webhooks.list(ann, ofApp())).toEqual([]);
    await town.devices.remove(laptop);
    const mine = await hook();
    await town.devices.remove(phone);
    await stands(mine.id, 'delivered', 1);
    expect(receiver.calls.length).toBe(1);
  });
});

describe('who names it', () => {
  test('WH1 editors of a project and members of the publisher group; a viewer sees it, a stranger does not', async () => {
    const { webhooks } = town.webhooks;
    const wanted = { url: receiver.url(), events: eventTypes, all: false };
    const { id } = await hook(ofProject());
    const byEve = () => webhooks.create(eve, ofProject(), wanted).catch((error) => error.code);
    expect(await byEve()).toBe('not-found');
    expect(await webhooks.get(eve, id).catch((error) => error.code)).toBe('not-found');
    expect(await webhooks.create(eve, ofApp(), wanted).catch((error) => error.code)).toBe('not-found');
    await town.control.db
      .insertInto('project_members')
      .values({ project, account: eve.id, role: 'viewer' })
      .execute();
    expect(await byEve()).toBe('forbidden');
    expect((await webhooks.get(eve, id)).url).toBe(receiver.url());
    expect(await webhooks.remove(eve, id).catch((error) => error.code)).toBe('forbidden');
    expect(await webhooks.secretOf(eve, id).catch((error) => error.code)).toBe('forbidden');
  });

  const bad = [
    'http://example.org/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://ann:word@example.org/',
    'ftp://example.org',
    'nonsense',
    `https://example.org/${'x'.repeat(limits.webhookUrlCharacters)}`,
  ];
  for (const url of bad)
    test(`WH2 ${url.slice(0, 40)} is no address of a webhook`, () => {
      expect(() => checkedTarget({ url, events: eventTypes, all: true })).toThrow('https address');
    });

  test('WH1 a project or an app has at most 10, each told of at least one event', async () => {
    expect(await hook(ofApp(), { events: ['nonsense'] }).catch((error) => error.facts.location)).toBe(
      'events',
    );
    for (let n = 0; n < limits.webhooksEach; n++) await hook();
    expect(await hook().catch((error) => error.detail)).toContain('at most 10 webhooks');
    await hook(ofProject());
  });
});

// Last: the room of the town is closed by it.
test('WH5 what happened while the server was down is told after the start, and nothing twice', async () => {
  const { id } = await hook();
  receiver.answer = () => new Response(null, { status: 500 });
  const { version } = await send();
  await confirm(laptop, version);
  await receiver.has(2);
  await stands(id, 'waiting', 1);
  await town.webhooks.stop();
  await confirm(phone, version);
  receiver.answer = () => new Response(null, { status: 204 });
  clock.advance(limits.webhookRetryMs[0] ?? 0);
  const again = town.openWebhooksAgain();
  await again.start();
  await receiver.has(6);
  await stands(id, 'delivered', 1);
  await again.stop();
  const ids = receiver.calls.map(({ headers }) => headers['webhook-id']);
  expect(ids.length).toBe(6);
  expect(new Set(ids).size).toBe(4);
  expect(new Set(ids.slice(0, 2))).toEqual(new Set(ids.filter((one, i) => ids.indexOf(one) < i)));
});

// The town's own room would call as well, were it not closed by now.
test('WH2 an address that is not public is not called, and the page says why', async () => {
  const room = await town.openWebhooksAgain({ privateAddresses: false });
  await room.start();
  const { id } = await room.webhooks.create(ann, ofApp(), {
    url: receiver.url(),
    events: eventTypes,
    all: true,
  });
  await room.webhooks.test(ann, id);
  await stands(id, 'waiting', 1);
  expect((await shown(id))[0]?.lastAnswer).toBe('its address is not public');
  expect(receiver.calls).toEqual([]);
  await room.stop();
});

test('WH14 a device whose leaving a kill cut off is told at the next start, once, and to whom there was then', async () => {
  const { id } = await hook(ofApp(), { events: ['device.gone'] });
  const tablet = await device('tablet');
  const first = town.openWebhooksAgain();
  await first.start();
  clock.advance(1);
  await town.devices.remove(tablet);
  await stands(id, 'delivered', 1);
  await first.stop();
  // What a kill between the two commits leaves.
  await town.store.removeDevice(laptop.key);
  await town.store.removeDevice(phone.key);
  clock.advance(1);
  await hook(ofApp(), { url: receiver.url('/late'), events: ['device.gone'] });
  const again = town.openWebhooksAgain();
  await again.start();
  await receiver.has(3);
  await again.stop();
  const onceMore = town.openWebhooksAgain();
  await onceMore.start();
  expect((await shown(id)).length).toBe(3);
  await onceMore.stop();
  // A call that a stop cut off is made again.
  const calls = new Map(receiver.calls.map((call) => [call.headers['webhook-id'], call]));
  expect([...calls.values()].map(({ path, body }) => [path, JSON.parse(body).data])).toEqual([
    ['/hook', { channelId: channel, exists: true, devices: 2 }],
    ['/hook', { channelId: channel, exists: true, devices: 0 }],
    ['/hook', { channelId: channel, exists: true, devices: 0 }],
  ]);
});
