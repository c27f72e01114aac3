import { describe, expect, test } from 'bun:test';
import { McsTown } from '../../../dev-env/mcs-town.ts';
import { limits } from '../../../protocol/limits.ts';
import { ManualClock, seededRandom } from '../../core/manual-clock.ts';
import { MemoryStore } from '../../stores/memory.ts';
import { readName } from './names.ts';

const PATH = '/register3';
const APP = 'mfaehphpebmlbfdiegjnpidmibldjbjk';
const SENDER_KEY = `B${'a'.repeat(86)}`;

async function registering(town: McsTown) {
  const device = town.device();
  const authorization = `AidLogin ${device.id}:${device.token}`;
  const post = async (form: Record<string, string>, authorized = authorization) => {
    const body = new URLSearchParams({ device: device.id, ...form });
    const answer = await town.post(PATH, body, { Authorization: authorized });
    return { status: answer.status, text: await answer.text(), retry: answer.headers.get('retry-after') };
  };
  const register = async (form: Record<string, string>) => {
    const { status, text } = await post(form);
    expect(status).toBe(200);
    expect(text).toMatch(/^token=[\w-]+$/);
    return text.slice('token='.length);
  };
  return { device, post, register };
}

const gcm = { app: APP, sender: '111,222' };
const push = {
  app: 'org.chromium.linux',
  'X-subtype': 'wp:https://site.example/#1-V2',
  scope: 'GCM',
  'X-scope': 'GCM',
  gmsv: '156',
  appid: 'abcdefghijk',
  sender: SENDER_KEY,
};
const instance = {
  app: APP,
  scope: 'GCM',
  'X-scope': 'GCM',
  gmsv: '156',
  appid: 'abcdefghijk',
  sender: '333',
};

describe('registering', () => {
  test('MC8 chrome.gcm, chrome.instanceID and the Push API get an endpoint of their own, the same when asked again', async () => {
    await using town = await McsTown.start();
    const { device, register } = await registering(town);
    const tokens = new Set<string>();
    for (const form of [gcm, push, instance]) {
      const token = await register(form);
      expect(await register(form)).toBe(token);
      const { subscription } = await town.pushes.pushes.open(token);
      expect(subscription.holder).toBe(device.holder);
      tokens.add(token);
    }
    expect(tokens.size).toBe(3);
    expect(await town.pushes.store.subscriptionsOf(device.holder)).toHaveLength(3);
  });

  test('MC8 a Push API endpoint is bound to its sender key, others take any sender', async () => {
    await using town = await McsTown.start();
    const { register } = await registering(town);
    const opened = async (form: Record<string, string>) =>
      (await town.pushes.pushes.open(await register(form))).senderKey;
    expect(await opened(push)).toBe(SENDER_KEY);
    expect(await opened({ ...push, sender: '4711' })).toBeNull();
    expect(await opened(gcm)).toBeNull();
  });

  test('MC8 a sender may be one character', async () => {
    await using town = await McsTown.start();
    const { register } = await registering(town);
    const { subscription } = await town.pushes.pushes.open(await register({ ...gcm, sender: '7' }));
    expect(readName(subscription.name)).toMatchObject({ category: APP, sender: '7' });
  });

  test('MC8 the browser itself gets a token that is nobody', async () => {
    await using town = await McsTown.start();
    const { device, post } = await registering(town);
    const answer = await post({ app: 'com.google.android.gms', sender: '745476177629' });
    expect(answer).toMatchObject({ status: 200, text: 'token=none' });
    expect(await town.pushes.store.subscriptionsOf(device.holder)).toEqual([]);
  });

  test('MC8 a token outlives the database', async () => {
    await using town = await McsTown.start();
    const { device, register } = await registering(town);
    const token = await register(push);
    await using later = await McsTown.start();
    expect((await later.pushes.pushes.open(token)).subscription.holder).toBe(device.holder);
  });
});

describe('refusing', () => {
  test('MC9 no credentials, and those of another device', async () => {
    await using town = await McsTown.start();
    const { post, device } = await registering(town);
    const other = town.device();
    for (const authorization of [
      '',
      'AidLogin',
      `AidLogin ${device.id}:${other.token}`,
      `AidLogin 0:0`,
      `Bearer ${device.id}:${device.token}`,
    ])
      expect(await post(gcm, authorization)).toMatchObject({
        status: 200,
        text: 'Error=AUTHENTICATION_FAILED',
      });
  });

  test('MC9 no sender, and names that cannot be', async () => {
    await using town = await McsTown.start();
    const { post } = await registering(town);
    for (const sender of ['', '*', '-', 'a b', 'x'.repeat(401)])
      expect((await post({ ...gcm, sender })).text).toBe('Error=INVALID_SENDER');
    for (const form of [
      { ...gcm, app: '' },
      { ...gcm, app: 'a b' },
      { ...gcm, app: '-' },
      { ...push, 'X-subtype': 'wp: x' },
      { ...instance, appid: 'a b' },
      { ...push, 'X-subtype': 'x'.repeat(401) },
      { ...push, 'X-subtype': 'x'.repeat(400), sender: 'y'.repeat(400), app: 'z'.repeat(400) },
    ])
      expect((await post(form)).text).toBe('Error=INVALID_PARAMETERS');
  });

  test('MC9 a body that is too long, and another method', async () => {
    await using town = await McsTown.start();
    const { post } = await registering(town);
    expect((await post({ ...gcm, pad: 'x'.repeat(10_000) })).status).toBe(503);
    const [, door] = town.room.doors.find(([at]) => at === PATH) ?? [];
    const request = new Request(`http://a${PATH}`);
    expect((await door?.(request, new URL(request.url), { address: 'a' }))?.status).toBe(405);
  });

  test('MC9 one registration too many of a device is told to come later', async () => {
    await using town = await McsTown.start();
    const { post } = await registering(town);
    let answer = await post(gcm);
    for (let n = 0; n < limits.registrationsPerDevice; n++) answer = await post(gcm);
    expect(answer).toMatchObject({ status: 503, retry: '30' });
  });

  test('MC9 what fails on our side is told to come later, and to the events', async () => {
    const failed: unknown[] = [];
    const store = new MemoryStore({ clock: new ManualClock(), random: seededRandom(1) });
    store.renewSubscription = () => Promise.reject(new Error('the disk'));
    await using town = await McsTown.start({ store, events: { failed: (_, error) => failed.push(error) } });
    const { post } = await registering(town);
    expect((await post(gcm)).status).toBe(503);
    expect(failed).toEqual([new Error('the disk')]);
  });
});

describe('deleting', () => {
  const gone = (town: McsTown, token: string) =>
    town.pushes.pushes.open(token).then(
      () => 'there',
      ({ code }) => code as string,
    );

  test('MC10 chrome.gcm.unregister ends the app and is answered in its own form', async () => {
    await using town = await McsTown.start();
    const { post, register } = await registering(town);
    const [token, other] = [await register(gcm), await register(push)];
    const answer = await post({ app: APP, delete: 'true', gcm_unreg_caller: 'false' });
    expect(answer).toMatchObject({ status: 200, text: `deleted=${APP}` });
    expect(await gone(town, token)).toBe('endpoint-gone');
    expect(await gone(town, other)).toBe('there');
  });

  test('MC10 chrome.gcm and each instance of chrome.instanceID end their own, of the same sender too', async () => {
    await using town = await McsTown.start();
    const { post, register } = await registering(town);
    const other = { ...instance, appid: 'another-one' };
    const [one, two, three] = [
      await register({ ...gcm, sender: '333' }),
      await register(instance),
      await register(other),
    ];
    expect(new Set([one, two, three]).size).toBe(3);
    await post({ app: APP, delete: 'true', gcm_unreg_caller: 'false' });
    expect([await gone(town, one), await gone(town, two), await gone(town, three)]).toEqual([
      'endpoint-gone',
      'there',
      'there',
    ]);
    await register({ ...gcm, sender: '333' });
    await post({ ...instance, sender: '*', scope: '*', 'X-scope': '*', delete: 'true' });
    expect([await gone(town, one), await gone(town, two), await gone(town, three)]).toEqual([
      'there',
      'endpoint-gone',
      'there',
    ]);
  });

  test('MC10 a star ends every sender, a name one of them', async () => {
    await using town = await McsTown.start();
    const { post, register } = await registering(town);
    const { app, 'X-subtype': subtype } = push;
    const ending = { app, 'X-subtype': subtype, delete: 'true', scope: '*', 'X-scope': '*' };
    const [one, two] = [await register(push), await register({ ...push, sender: '4711' })];
    expect((await post({ ...ending, sender: '4711' })).text).toBe('token=none');
    expect([await gone(town, one), await gone(town, two)]).toEqual(['there', 'endpoint-gone']);
    await post({ ...ending, sender: '*' });
    expect(await gone(town, one)).toBe('endpoint-gone');
  });

  test('MC10 what was not there, and what is another device, changes nothing', async () => {
    await using town = await McsTown.start();
    const [first, second] = [await registering(town), await registering(town)];
    const token = await first.register(gcm);
    const answer = await second.post({ app: APP, delete: 'true', gcm_unreg_caller: 'false' });
    expect(answer.text).toBe(`deleted=${APP}`);
    expect(await gone(town, token)).toBe('there');
  });
});
