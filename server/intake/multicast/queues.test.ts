import { afterEach, beforeEach, expect, test } from 'bun:test';
import { Device } from '../../../client/device.ts';
import { createCall, missed } from '../../../client/service.ts';
import { SmallTown } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { limits } from '../../../protocol/limits.ts';
import { messageAnswer, messageState } from './shapes.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;
const most = limits.queuedPerSubchannel;

let town: SmallTown;

beforeEach(() => {
  town = new SmallTown();
  town.rights.groups.set('group', new Set(['ann']));
  town.rights.app(app, 'group');
  town.rights.token('good');
});
afterEach(() => town[Symbol.asyncDispose]());

/** A device of Bob's: what a client presents. */
async function register() {
  const { device, token } = await town.devices.register({ account: 'bob', app, name: 'laptop' });
  return { deviceId: device.id, deviceToken: token, channelId: device.channel.id };
}

async function send(channel: string, payload: string, more: Record<string, unknown> = {}) {
  const answer = await fetch(`${town.origin}/v2/messages`, {
    method: 'POST',
    headers: { Authorization: 'Bearer good', 'Content-Type': 'application/json' },
    body: JSON.stringify({ channels: [channel], payload, collapse: false, ...more }),
  });
  return messageAnswer.parse(await answer.json()).id ?? '';
}

async function stateOf(id: string) {
  const headers = { Authorization: 'Bearer good' };
  const answer = await fetch(`${town.origin}/v2/messages/${id}`, { headers });
  return messageState.parse(await answer.json()).targets[0]?.devices ?? [];
}

/** Connects the client that users have; answers what its handler got, once there are `count`. */
async function received(credentials: Awaited<ReturnType<typeof register>>, count: number) {
  const got: string[] = [];
  const all = Promise.withResolvers<void>();
  const device = new Device({
    origin: town.origin,
    credentials,
    onMessage: ({ payload }) => {
      if (got.push(payload) === count) all.resolve();
    },
  });
  await device.connect();
  return { got, all: all.promise, close: () => device.close() };
}

test('VT13 what does not collapse comes to each device in order, also over two connections', async () => {
  const [laptop, phone] = [await register(), await register()];
  const first = await received(laptop, 3);
  for (const payload of ['a', 'b', 'c']) await send(laptop.channelId, payload, { subchannel: 2 });
  await first.all;
  first.close();
  await send(laptop.channelId, 'collapses', { subchannel: 2, collapse: true });
  for (const payload of ['d', 'e']) await send(laptop.channelId, payload, { subchannel: 2 });
  const second = await received(phone, 6);
  await second.all;
  second.close();
  expect(first.got).toEqual(['a', 'b', 'c']);
  expect(second.got.filter((payload) => payload !== 'collapses')).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('VT14 the oldest of too many shows as superseded, with the reason', async () => {
  const bob = await register();
  const ids: string[] = [];
  for (let n = 0; n <= most; n++) ids.push(await send(bob.channelId, `${n}`));
  expect((await stateOf(ids[0] as string))[0]).toMatchObject({
    state: 'superseded',
    reason: 'queue-overflow',
  });
  const second = (await stateOf(ids[1] as string))[0];
  expect([second?.state, second?.reason]).toEqual(['accepted', undefined]);
});

test('VT14 a connected device is not offered any more what gave way', async () => {
  const bob = await register();
  const device = await town.store.findDevice(bob.deviceId);
  if (device === undefined) throw new Error('not registered');
  const outbox = town.deliveries.connect(device, { offer: () => 'full', caughtUp() {}, end() {} });
  for (let n = 0; n <= most; n++) await send(bob.channelId, `${n}`);
  expect(outbox.waiting()).toHaveLength(most);
  expect(outbox.waiting()[0]?.payload).toBe('1');
});

test('VT16 a client that fetches gets all pages, in order', async () => {
  const bob = await register();
  for (let n = 0; n < most; n++) await send(bob.channelId, `${n}`);
  for (let n = most; n < 2 * most; n++) await send(bob.channelId, `${n}`, { subchannel: 1 });
  await send(bob.channelId, 'collapses', { collapse: true });
  const call = createCall(town.origin, (url, init) => fetch(url, init));
  const offers = await missed(call, bob);
  const queued = offers.filter(({ collapse }) => collapse === false).map(({ payload }) => payload);
  expect(queued).toEqual(Array.from({ length: 2 * most }, (_, n) => `${n}`));
  expect(offers).toHaveLength(2 * most + 1);
});

test('VT17 what one device confirms shows as withdrawn on the others', async () => {
  const [laptop, phone] = [await register(), await register()];
  const id = await send(laptop.channelId, 'call', { collapse: true, deliver: 'any' });
  const confirmed = new Promise<void>((resolve) =>
    town.deliveries.moves.onMoved(async () => {
      if ((await stateOf(id))[0]?.state === 'confirmed') resolve();
    }),
  );
  const client = await received(laptop, 1);
  await confirmed;
  client.close();
  expect((await stateOf(id)).map(({ device, state }) => [device, state])).toEqual([
    [laptop.deviceId, 'confirmed'],
    [phone.deviceId, 'withdrawn'],
  ]);
});
