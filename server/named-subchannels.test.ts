import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { DeviceCredentials } from '../client/ports.ts';
import { PageVisitor } from '../dev-env/page-visitor.ts';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { messageAnswer } from './intake/multicast/shapes.ts';

let town: Town;
let token: string;
let owner: PageVisitor;

beforeAll(async () => {
  town = await Town.start();
  token = await town.accessToken();
  owner = new PageVisitor(town, town.seed.cookie);
}, 60_000);
afterAll(() => town[Symbol.asyncDispose]());

async function name(subchannels: string): Promise<void> {
  const home = `/console/apps/${town.seed.app.id}`;
  const settings = { title: 'Hello', channelConsent: 'none', origins: '', redirectUris: '' };
  expect((await owner.send(home, home, { ...settings, subchannels })).status).toBe(200);
}

async function limit(subchannels: string, payloadBytes: string): Promise<void> {
  const limits = { dailyQuota: '', dailyTargets: '', subchannels, payloadBytes };
  const action = `/console/projects/${town.seed.project.id}/limits`;
  expect((await owner.send('/console/limits', action, limits)).status).toBe(200);
}

const send = (subchannel: number | string, payload: string): Promise<Response> =>
  town.fetch('/v2/messages', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ channels: [town.seed.channel_id], subchannel, payload }),
  });

/** What became of it on the one channel: 'accepted', or why not. */
async function sent(subchannel: number | string, payload = ''): Promise<string> {
  const answer = await send(subchannel, payload);
  if (!answer.ok) return await answer.text();
  const [target] = messageAnswer.parse(await answer.json()).targets;
  return target?.error?.detail ?? target?.state ?? '';
}

test('SB3 SB4 names and limits that change count for the next request of the same token', async () => {
  expect(await sent('alerts')).toContain('It has none yet.');
  await name('0 news\n5 alerts');
  expect(await sent('alerts')).toContain('It has: news.');
  expect(await sent(5)).toContain('this project may use 0 to 3');
  await limit('8', '');
  expect([await sent('alerts'), await sent(7)]).toEqual(['accepted', 'accepted']);
  expect(await sent(8)).toContain('this project may use 0 to 7');
  await name('0 news\n6 warnings');
  expect(await sent('alerts')).toContain('It has: news, warnings.');
  await limit('', '');
  expect(await sent('warnings')).toContain('It has: news.');
  expect(await sent(7)).toContain('this project may use 0 to 3');
});

test('SB3 the historic door stays with four for a project that may use more', async () => {
  await limit('32', '');
  expect(await sent(4)).toBe('accepted');
  for (const subchannelId of [4, '4', 31]) {
    const refused = await town.send(token, { channelId: town.seed.channel_id, subchannelId, payload: '' });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('subchannel value must be 0, 1, 2, or 3');
  }
});

test('SB3 ME1 a thousand bytes on a subchannel above 3 reach a device that is connected, and one that was away', async () => {
  await name('5 alerts');
  await limit('32', '1024');
  const payload = 'é'.repeat(500);
  let got = Promise.withResolvers<readonly [number, string]>();
  let credentials: DeviceCredentials | undefined;
  const open = async () => {
    const device = townDevice(town, {
      onMessage: (message) => got.resolve([message.subchannelId, message.payload]),
      onCredentials: (registered) => {
        credentials = registered;
      },
      ...(credentials && { credentials }),
    });
    await device.connect();
    return device;
  };
  const connected = await open();
  expect(await sent('alerts', payload)).toBe('accepted');
  expect(await got.promise).toEqual([5, payload]);
  await connected.close();

  got = Promise.withResolvers();
  expect(await sent(31, payload)).toBe('accepted');
  const back = await open();
  expect(await got.promise).toEqual([31, payload]);
  await back.close();
  expect(await sent('alerts', 'x'.repeat(1_025))).toContain('the limit of this project is 1024');
});
