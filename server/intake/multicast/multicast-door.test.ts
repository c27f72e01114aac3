import { describe, expect, test } from 'bun:test';
import { SmallTown } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import type { Device } from '../../core/store.ts';
import { channelAnswer, messageAnswer, messageState, problem } from './shapes.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;
const foreignApp = 'fboilmbenheemaomgaeehigklolhkhnf' as AppId;
const DAY = '2026-11-24';

/** A town with Ann, who owns the app and may send by the token "good", and Bob and Carol, who use it. */
async function town() {
  const small = new SmallTown();
  small.rights.groups.set('ann-and-friends', new Set(['ann']));
  small.rights.groups.set('others', new Set(['eve']));
  small.rights.app(app, 'ann-and-friends');
  small.rights.app(foreignApp, 'others');
  small.rights.token('good');
  const bob = await small.receiving.open('bob', app);
  const carol = await small.receiving.open('carol', app);
  const { device } = await small.devices.register({ account: 'bob', app, name: 'laptop' });
  const waiting = async (of: Device = device) => (await small.devices.missed(of)).kept;
  const call = (path: string, init: { body?: unknown; token?: string; key?: string; method?: string } = {}) =>
    fetch(`${small.origin}${path}`, {
      method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
      headers: {
        Authorization: `Bearer ${init.token ?? 'good'}`,
        ...(init.key !== undefined && { 'Idempotency-Key': init.key }),
        ...(init.body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(init.body !== undefined && { body: JSON.stringify(init.body) }),
    });
  const send = async (body: Record<string, unknown>, init: { token?: string; key?: string } = {}) => {
    const answer = await call('/v2/messages', { body: { channels: [bob.id], ...body }, ...init });
    expect(answer.status).toBe(200);
    return messageAnswer.parse(await answer.json());
  };
  const refused = async (answer: Response) => {
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const told = problem.parse(await answer.json());
    expect(told.status).toBe(answer.status);
    return told;
  };
  const accepted = () => small.store.acceptedOn('project-of-ann', DAY);
  const close = () => small[Symbol.asyncDispose]();
  return { small, bob, carol, device, waiting, call, send, refused, accepted, [Symbol.asyncDispose]: close };
}

describe('one message for many channels', () => {
  test('VT1 is answered with an id and a version for each channel, in order, and is kept', async () => {
    await using t = await town();
    const answer = await t.send({ channels: [t.carol.id, t.bob.id], payload: 'hello' });
    expect(answer).toMatchObject({ accepted: 2, refused: 0 });
    expect(answer.targets.map((one) => one.channelId)).toEqual([t.carol.id, t.bob.id]);
    const [kept] = await t.waiting();
    expect(kept).toMatchObject({ version: answer.targets[1]?.version, payload: 'hello', slot: '0' });
  });

  test('VT3 subchannel, ttl and urgency are kept with the message', async () => {
    await using t = await town();
    await t.send({ subchannel: 2, ttl: 60, urgency: 'high' });
    const [kept] = await t.waiting();
    expect(kept).toMatchObject({ slot: '2', urgency: 'high' });
    expect((kept?.expiresAt ?? 0) - (kept?.acceptedAt ?? 0)).toBe(60_000);
    t.small.clock.advance(60_000);
    expect(await t.waiting()).toEqual([]);
    await t.send({ ttl: 0 });
    t.small.clock.advance(5_000);
    expect(await t.waiting()).toEqual([]);
  });

  test('DV13 what a device withholds stands as accepted there, until it is superseded', async () => {
    await using t = await town();
    await t.small.devices.setLowestUrgency(t.device, 'high');
    const state = async (id: string | null) => {
      const answer = messageState.parse(await (await t.call(`/v2/messages/${id}`)).json());
      return answer.targets[0]?.devices?.[0]?.state;
    };
    const { id } = await t.send({ urgency: 'low' });
    expect(await state(id)).toBe('accepted');
    const newer = await t.send({ urgency: 'high' });
    await t.small.devices.missed(t.device, { lowest: 'high' });
    expect([await state(id), await state(newer.id)]).toEqual(['superseded', 'accepted']);
  });

  test('VT4 each channel that is refused says why, the others get the message', async () => {
    await using t = await town();
    await t.small.receiving.remove('carol', app);
    const foreign = await t.small.receiving.open('bob', foreignApp);
    const strange = [t.small.strangeChannel(app), t.small.strangeChannel(foreignApp)];
    const channels = ['no id', t.carol.id, foreign.id, ...strange, t.bob.id];
    const { targets, accepted, refused } = await t.send({ channels });
    const codes = targets.map((one) => one.error?.code ?? one.state);
    const invalid = 'channel-invalid';
    expect(codes).toEqual([invalid, invalid, 'app-not-owned', invalid, 'app-not-owned', 'accepted']);
    expect([accepted, refused]).toEqual([1, 5]);
  });

  test('VT5 with validateOnly all of it is checked and nothing sent', async () => {
    await using t = await town();
    const answer = await t.send({ channels: [t.bob.id, 'no id'], validateOnly: true });
    expect(answer).toMatchObject({ id: null, accepted: 1, refused: 1 });
    expect(await t.waiting()).toEqual([]);
    expect(await t.accepted()).toBe(0);
  });

  test('TP5 the answer names the page of its trace; a dry run has none', async () => {
    await using t = await town();
    const { id, trace } = await t.send({ payload: 'a' });
    expect(trace).toBe(`https://push.example/console/trace?of=${id}`);
    expect((await t.send({ validateOnly: true })).trace).toBe(null);
  });

  test('VT6 a repeat under a key gets the same answer and sends nothing; another body is refused', async () => {
    await using t = await town();
    const first = await t.send({ payload: 'a' }, { key: 'order-7' });
    expect(await t.send({ payload: 'a' }, { key: 'order-7' })).toEqual(first);
    expect(await t.accepted()).toBe(1);
    const body = { channels: [t.bob.id], payload: 'b' };
    const other = await t.call('/v2/messages', { body, key: 'order-7' });
    expect(other.status).toBe(409);
    expect((await t.refused(other)).code).toBe('idempotency-conflict');
    expect((await t.call('/v2/messages', { body, key: 'a b' })).status).toBe(400);
  });

  test('VT7 a request counts once, and over the quota it is refused with the time of the reset', async () => {
    await using t = await town();
    t.small.rights.token('last', { dailyQuota: 1 });
    await t.send({ channels: [t.bob.id, t.carol.id] }, { token: 'last' });
    expect(await t.accepted()).toBe(1);
    const over = await t.call('/v2/messages', { body: { channels: [t.bob.id] }, token: 'last' });
    expect([over.status, Number(over.headers.get('retry-after')) > 0]).toEqual([403, true]);
    const { code, detail } = await t.refused(over);
    expect(code).toBe('quota-exceeded');
    expect(detail).toContain('The limit of this project is 1 a day; it resets at 2026-11-25T00:00:00.000Z.');
  });

  test('VT7 the limit of channels is that of the project', async () => {
    await using t = await town();
    t.small.rights.token('narrow', { dailyTargets: 1 });
    const body = { channels: [t.bob.id, t.carol.id] };
    const over = await t.call('/v2/messages', { body, token: 'narrow' });
    const { code, detail } = await t.refused(over);
    expect([code, detail.includes('The limit of this project is 1 a day')]).toEqual([
      'targets-exceeded',
      true,
    ]);
    expect(await t.accepted()).toBe(0);
    await t.send({ channels: [t.bob.id] }, { token: 'narrow' });
    expect(await t.accepted()).toBe(1);
  });
});

describe('names of subchannels', () => {
  const subchannelNames = new Map([
    ['news', 2],
    ['alerts', 9],
  ]);

  test('SB1 a name sends to the number that each app gave it', async () => {
    await using t = await town();
    t.small.rights.app(app, 'ann-and-friends', { subchannelNames });
    const other = t.small.rights.app(foreignApp, 'ann-and-friends', {
      subchannelNames: new Map([['news', 1]]),
    });
    const there = await t.small.receiving.open('bob', other);
    const { device } = await t.small.devices.register({ account: 'bob', app: other, name: 'laptop' });
    await t.send({ channels: [t.bob.id, there.id], subchannel: 'news' });
    expect([(await t.waiting())[0]?.slot, (await t.waiting(device))[0]?.slot]).toEqual(['2', '1']);
  });

  test('SB2 a name that there is not is refused with those that there are, channel by channel', async () => {
    await using t = await town();
    t.small.rights.app(app, 'ann-and-friends', { subchannelNames });
    for (const subchannel of ['sport', 'alerts'])
      for (const validateOnly of [true, false]) {
        const { targets } = await t.send({ subchannel, validateOnly });
        expect(targets[0]?.error?.code).toBe('subchannel-unknown');
        expect(targets[0]?.error?.detail).toContain('It has: news.');
      }
    expect(await t.waiting()).toEqual([]);
    const over = await t.call('/v2/messages', { body: { channels: [t.bob.id], subchannel: 4 } });
    expect((await t.refused(over)).detail).toContain('this project may use 0 to 3');
  });

  test('SB3 a project whose limit was raised uses more, by number and by name', async () => {
    await using t = await town();
    t.small.rights.app(app, 'ann-and-friends', { subchannelNames });
    t.small.rights.token('wide', { subchannels: 32 });
    await t.send({ subchannel: 'alerts' }, { token: 'wide' });
    await t.send({ subchannel: 31, collapse: false }, { token: 'wide' });
    expect((await t.waiting()).map(({ slot }) => slot)).toEqual(['9', 'q:31']);
  });
});

describe('longer payloads', () => {
  test('ME1 a project whose limit was raised sends a thousand bytes through both doors, others are told their limit', async () => {
    await using t = await town();
    t.small.rights.token('long', { payloadBytes: 1_024 });
    const payload = 'x'.repeat(1_000);
    const both = (token: string) => [
      t.call('/v2/messages', { body: { channels: [t.bob.id], subchannel: 1, payload }, token }),
      t.call('/gcm_for_chrome/v1/messages', {
        body: { channelId: t.bob.id, subchannelId: 2, payload },
        token,
      }),
    ];
    expect((await Promise.all(both('long'))).map(({ status }) => status)).toEqual([200, 204]);
    expect((await t.waiting()).map((one) => one.payload)).toEqual([payload, payload]);
    for (const answer of await Promise.all(both('good'))) {
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('It has 1000 bytes; the limit of this project is 256.');
    }
  });
});

describe('what is refused whole', () => {
  const cases: readonly [string, Record<string, unknown>, string][] = [
    ['an unknown field', { validateonly: true }, ''],
    ['no channels', { channels: [] }, 'channels'],
    ['too many channels', { channels: Array.from({ length: 1_001 }, String) }, 'channels'],
    ['a channel twice', { channels: ['a', 'a'] }, 'channels'],
    ['a subchannel that there is not', { subchannel: 4 }, 'subchannel'],
    ['a payload that is no text', { payload: 1 }, 'payload'],
    ['half of a surrogate pair', { payload: '\ud800' }, 'payload'],
    ['a ttl below zero', { ttl: -1 }, 'ttl'],
    ['an urgency of no such name', { urgency: 'urgent' }, 'urgency'],
    ['a payload over the limit', { payload: 'x'.repeat(257) }, 'payload'],
  ];
  for (const [what, wrong, location] of cases) {
    test(`VT2 ${what}`, async () => {
      await using t = await town();
      const answer = await t.call('/v2/messages', { body: { channels: [t.bob.id], ...wrong } });
      expect(answer.status).toBe(400);
      expect((await t.refused(answer)).location).toBe(location);
      expect(await t.accepted()).toBe(0);
    });
  }

  test('VT11 tokens, scopes, methods and addresses are refused as problems with their headers', async () => {
    await using t = await town();
    t.small.rights.appToken('reader', 'bob', app);
    const body = { channels: [t.bob.id] };
    const unsigned = await t.call('/v2/messages', { body, token: 'bad' });
    expect([unsigned.status, unsigned.headers.has('www-authenticate')]).toEqual([401, true]);
    expect((await t.refused(unsigned)).code).toBe('token-invalid');
    const reader = await t.call('/v2/messages', { body, token: 'reader' });
    expect((await t.refused(reader)).code).toBe('scope-insufficient');
    const method = await t.call('/v2/messages');
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await t.refused(await t.call('/v2/messages/a/b'))).code).toBe('not-found');
    const large = await t.call('/v2/messages', { body: { ...body, payload: 'x'.repeat(200_000) } });
    expect((await t.refused(large)).code).toBe('body-too-large');
  });
});

describe('the state of a message', () => {
  test('VT8 goes from accepted over received to confirmed, with times', async () => {
    await using t = await town();
    const { id, targets } = await t.send({ channels: [t.bob.id, 'no id'] });
    const version = targets[0]?.version as never;
    const look = async () => {
      const answer = await t.call(`/v2/messages/${id}`);
      return messageState.parse(await answer.json());
    };
    const start = t.small.clock.now();
    const iso = (ms: number) => new Date(start + ms).toISOString();
    expect((await look()).targets[0]?.devices).toMatchObject([{ state: 'accepted', acceptedAt: iso(0) }]);
    t.small.clock.advance(10);
    await t.small.devices.acknowledge(t.device, [{ outcome: 'taken', version }]);
    expect((await look()).targets[0]?.devices).toMatchObject([{ state: 'received', receivedAt: iso(10) }]);
    t.small.clock.advance(10);
    await t.small.devices.acknowledge(t.device, [{ outcome: 'handled', version }]);
    const [of, refused] = (await look()).targets;
    expect(of?.devices).toMatchObject([{ state: 'confirmed', receivedAt: iso(10), endedAt: iso(20) }]);
    expect(refused?.error?.code).toBe('channel-invalid');
  });

  test('VT9 is for its project and the owners of its apps only', async () => {
    await using t = await town();
    const { id } = await t.send({});
    t.small.rights.token('elsewhere', { project: 'project-of-eve' });
    t.small.rights.token('colleague', { account: 'dan' });
    expect((await t.refused(await t.call(`/v2/messages/${id}`, { token: 'elsewhere' }))).code).toBe(
      'not-found',
    );
    expect((await t.refused(await t.call(`/v2/messages/${id}`, { token: 'colleague' }))).code).toBe(
      'app-not-owned',
    );
    expect((await t.call('/v2/messages/none')).status).toBe(404);
  });
});

test('VT10 a channel says whether it exists, its devices and its last confirm, to the owner of the app', async () => {
  await using t = await town();
  const look = async (path: string) =>
    channelAnswer.parse(await (await t.call(`/v2/channels/${path}`)).json());
  const nobodys = { exists: false, devices: 0, lastConfirmed: null };
  expect(await look(t.bob.id)).toEqual({
    channelId: t.bob.id,
    exists: true,
    devices: 1,
    lastConfirmed: null,
  });
  const { targets } = await t.send({});
  await t.small.devices.acknowledge(t.device, [
    { outcome: 'handled', version: targets[0]?.version as never },
  ]);
  const lastConfirmed = new Date(t.small.clock.now()).toISOString();
  expect(await look(encodeURIComponent(t.bob.id))).toMatchObject({ exists: true, lastConfirmed });
  expect(await look(t.small.strangeChannel(app))).toMatchObject(nobodys);
  await t.small.receiving.remove('bob', app);
  expect(await look(t.bob.id)).toMatchObject(nobodys);
  const foreign = await t.call(`/v2/channels/${t.small.strangeChannel(foreignApp)}`);
  expect((await t.refused(foreign)).code).toBe('app-not-owned');
  expect((await t.refused(await t.call('/v2/channels/1'))).code).toBe('channel-invalid');
});
