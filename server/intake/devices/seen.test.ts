import { afterEach, beforeEach, expect, test } from 'bun:test';
import { Device } from '../../../client/device.ts';
import type { Seen } from '../../../client/ports.ts';
import { SmallTown } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;

let town: SmallTown;

beforeEach(() => {
  town = new SmallTown();
  town.rights.groups.set('group', new Set(['ann']));
  town.rights.app(app, 'group');
  town.rights.token('good');
});
afterEach(() => town[Symbol.asyncDispose]());

async function register(name: string) {
  const { device, token } = await town.devices.register({ account: 'bob', app, name });
  return { deviceId: device.id, deviceToken: token, channelId: device.channel.id };
}

const post = (path: string, token: string, body: unknown) =>
  fetch(`${town.origin}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

const get = async (path: string, token: string) =>
  (await fetch(`${town.origin}${path}`, { headers: { Authorization: `Bearer ${token}` } })).json();

/** One message to subchannel 2 of Bob. */
async function send(channel: string) {
  const body = { channels: [channel], subchannel: 2 };
  const { id, targets } = (await (await post('/v2/messages', 'good', body)).json()) as never;
  return { id, version: (targets as { version: number }[])[0]?.version as Seen['version'] };
}

test('VT20 VT21 VT22 what is seen on one device reaches the others of its user, and the sender', async () => {
  const [laptop, phone] = [await register('laptop'), await register('phone')];
  const told = Promise.withResolvers<Seen>();
  const device = new Device({
    origin: town.origin,
    credentials: phone,
    onMessage() {},
    onSeen: ({ subchannelId, version }) => told.resolve({ subchannelId, version }),
  });
  await device.connect();
  const { id, version } = await send(laptop.channelId);
  const state = async () =>
    ((await get(`/v2/messages/${id}`, 'good')) as { targets: { seenAt?: string }[] }).targets[0]?.seenAt;
  expect(await state()).toBeUndefined();
  const other = new Device({ origin: town.origin, credentials: laptop, onMessage() {} });
  await expect(
    new Device({ origin: town.origin, onMessage() {} }).seen({ subchannelId: 2, version }),
  ).rejects.toThrow();
  await other.seen({ subchannelId: 2, version });
  expect(await told.promise).toEqual({ subchannelId: 2, version });
  expect(await state()).toBe(new Date(town.clock.now()).toISOString());
  device.close();

  const missed = await get(`/v2/devices/${laptop.deviceId}/missed`, laptop.deviceToken);
  expect((missed as { seen: unknown }).seen).toEqual([{ subchannelId: 2, version }]);
  const late = Promise.withResolvers<Seen>();
  const again = new Device({ origin: town.origin, credentials: phone, onMessage() {}, onSeen: late.resolve });
  await again.connect();
  expect(await late.promise).toMatchObject({ subchannelId: 2, version });
  again.close();
});

test('VT20 a wrong subchannel or version is refused with its name, another device by its token', async () => {
  const laptop = await register('laptop');
  const path = `/v2/devices/${laptop.deviceId}/seen`;
  for (const [body, field] of [
    [{ subchannelId: 32, version: 1 }, 'subchannelId'],
    [{ subchannelId: 0, version: 0 }, 'version'],
    [{ subchannelId: 0 }, 'version'],
  ] as const) {
    const answer = await post(path, laptop.deviceToken, body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(field);
  }
  expect((await post(path, 'wrong', { subchannelId: 0, version: 1 })).status).toBe(401);
  expect((await post(path, laptop.deviceToken, { subchannelId: 0, version: 1 })).status).toBe(204);
});
