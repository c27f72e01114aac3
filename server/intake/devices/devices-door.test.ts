import { describe, expect, test } from 'bun:test';
import { SmallTown, type SmallTownOptions } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { CHANNEL_SCOPE } from '../../core/sender.ts';
import type { Device } from '../../core/store.ts';
import { silentEvents } from '../../observe/events.ts';
import type { RegisteredDevice } from './register.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;
const foreignApp = 'fboilmbenheemaomgaeehigklolhkhnf' as AppId;

interface Call {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function town(options: SmallTownOptions = {}) {
  const small = new SmallTown(options);
  const { rights } = small;
  rights.groups.set('anns', new Set(['ann']));
  rights.app(app, 'anns', { origins: ['https://hello.example'] });
  rights.app(foreignApp, 'others');
  rights.token('sends');
  rights.appToken('of-the-app', 'bob', app);
  rights.token('of-a-project', { scopes: new Set([CHANNEL_SCOPE]) });
  const call = (method: string, path: string, { token, body, headers }: Call = {}) =>
    fetch(`${small.origin}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        'Content-Type': 'application/json',
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const register = async (body: unknown = {}, token = 'of-the-app') => {
    const answer = await call('POST', '/v2/devices', { token, body });
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()) as RegisteredDevice;
  };
  const send = async (channelId: string, subchannelId: number, payload: string) => {
    const answer = await call('POST', '/gcm_for_chrome/v1/messages', {
      token: 'sends',
      body: { channelId, subchannelId, payload },
    });
    if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
    return Number(answer.headers.get('reveille-message'));
  };
  const at = (device: RegisteredDevice, method: string, rest: string, made: Call = {}) =>
    call(method, `/v2/devices/${device.deviceId}${rest}`, { token: device.deviceToken, ...made });
  const missed = async (device: RegisteredDevice, query = '') =>
    (await (await at(device, 'GET', `/missed${query}`)).json()) as {
      messages: { version: number; subchannelId: number; payload: string }[];
      more: boolean;
    };
  return {
    small,
    rights,
    call,
    register,
    send,
    at,
    missed,
    [Symbol.asyncDispose]: () => small[Symbol.asyncDispose](),
  };
}

async function errorOf(answer: Response) {
  const { error } = (await answer.json()) as {
    error: { errors: { reason: string; location?: string }[]; message: string };
  };
  return {
    status: answer.status,
    reason: error.errors[0]?.reason,
    location: error.errors[0]?.location,
    message: error.message,
  };
}

describe('registration', () => {
  test('DV1 a device gets an id, a token of 256 bits and its channel', async () => {
    await using t = await town();
    const device = await t.register({ name: 'laptop' });
    expect(Buffer.from(device.deviceToken, 'base64url').length).toBe(32);
    expect(device.channelId).toBe((await t.small.receiving.open('bob', app)).id);
    const [kept] = await t.small.store.devicesOf((await t.small.receiving.open('bob', app)).key);
    expect([kept?.id, kept?.name]).toEqual([device.deviceId, 'laptop']);
    expect(kept?.tokenHash).not.toContain(device.deviceToken);
  });

  test('FO2 what is sent once the answer is there arrives', async () => {
    await using t = await town();
    const first = await t.register();
    await t.send(first.channelId, 0, 'before');
    const later = await t.register();
    expect((await t.missed(later)).messages).toEqual([]);
    await t.send(first.channelId, 1, 'after');
    expect((await t.missed(later)).messages.map(({ payload }) => payload)).toEqual(['after']);
    expect((await t.missed(first)).messages.map(({ payload }) => payload)).toEqual(['before', 'after']);
  });

  test('DV1 a device without a name gets one from its browser', async () => {
    await using t = await town();
    const agents = {
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36':
        'Chrome 128 on Linux',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:130.0) Gecko/20100101 Firefox/130.0':
        'Firefox 130 on macOS',
      'Mozilla/5.0 (Windows NT 10.0) Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0': 'Edge 128 on Windows',
      'curl/8.0': 'unnamed device',
    };
    for (const [agent, name] of Object.entries(agents)) {
      const answer = await t.call('POST', '/v2/devices', {
        token: 'of-the-app',
        body: {},
        headers: { 'User-Agent': agent },
      });
      const { deviceId } = (await answer.json()) as RegisteredDevice;
      expect((await t.small.store.findDevice(deviceId))?.name).toBe(name);
    }
  });

  test('DV1 the client of a project names an app of its account', async () => {
    await using t = await town();
    expect((await t.register({ appId: app }, 'of-a-project')).channelId).toEndWith(`/${app}`);
    expect((await t.register({}, 'of-a-project')).channelId).toEndWith(`/${app}`);
    const refused = await errorOf(
      await t.call('POST', '/v2/devices', { token: 'of-a-project', body: { appId: foreignApp } }),
    );
    expect([refused.status, refused.location]).toEqual([403, 'appId']);
    const strange = await errorOf(
      await t.call('POST', '/v2/devices', { token: 'of-the-app', body: { appId: foreignApp } }),
    );
    expect(strange.status).toBe(400);
  });

  test('DV1 no token, a wrong one, and the sending scope alone are refused', async () => {
    await using t = await town();
    expect((await errorOf(await t.call('POST', '/v2/devices', { body: {} }))).reason).toBe('required');
    expect((await errorOf(await t.call('POST', '/v2/devices', { token: 'bad', body: {} }))).reason).toBe(
      'authError',
    );
    const sends = await errorOf(await t.call('POST', '/v2/devices', { token: 'sends', body: {} }));
    expect(sends.reason).toBe('insufficientPermissions');
  });

  test('DV2 the id and token of before renew the same device, and the old token is void', async () => {
    await using t = await town();
    const before = await t.register({ name: 'laptop' });
    await t.send(before.channelId, 0, 'waits');
    const { deviceId, deviceToken } = before;
    const renewed = await t.register({ deviceId, deviceToken });
    expect(renewed.deviceId).toBe(deviceId);
    expect(renewed.deviceToken).not.toBe(deviceToken);
    expect((await t.missed(renewed)).messages.length).toBe(1);
    expect((await errorOf(await t.at(before, 'GET', '/missed'))).reason).toBe('deviceUnknown');
  });

  test('DV2 credentials that are not good make another device', async () => {
    await using t = await town();
    const { deviceId } = await t.register();
    const other = await t.register({ deviceId, deviceToken: 'guessed' });
    expect(other.deviceId).not.toBe(deviceId);
    expect((await t.register({ deviceId: 'nobody', deviceToken: 'guessed' })).deviceId).not.toBe(deviceId);
  });

  test("DV2 another user's credentials renew nothing of theirs", async () => {
    await using t = await town();
    const { deviceId, deviceToken } = await t.register();
    t.rights.appToken('of-carol', 'carol', app);
    const carols = await t.register({ deviceId, deviceToken }, 'of-carol');
    expect(carols.deviceId).not.toBe(deviceId);
    expect(carols.channelId).toBe((await t.small.receiving.open('carol', app)).id);
  });

  test('DV10 an account that registers again and again is told to wait', async () => {
    await using t = await town();
    for (let n = 0; n < limits.registrationsPerApp; n++) await t.register();
    const answer = await t.call('POST', '/v2/devices', { token: 'of-the-app', body: {} });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    t.rights.appToken('of-carol', 'carol', app);
    await t.register({}, 'of-carol');
    t.small.clock.advance(limits.refusedMs / limits.registrationsPerApp);
    await t.register();
  });

  test('DV10 guessing device tokens has a limit per address', async () => {
    await using t = await town();
    const device = await t.register();
    for (let n = 0; n < limits.refusedPerAddress; n++) {
      const { status } = await t.at(device, 'GET', '/missed', { token: 'guessed' });
      if (status !== 401) throw new Error(`guess ${n} was answered ${status}`);
    }
    expect((await t.at(device, 'GET', '/missed', { token: 'guessed' })).status).toBe(429);
    expect((await t.at(device, 'GET', '/missed')).status).toBe(200);
  }, 30_000);
});

describe('the device token', () => {
  const addresses = [
    ['GET', '/missed', undefined],
    ['POST', '/confirm', { acks: [{ version: 1, outcome: 'handled' }] }],
    ['PUT', '/transport', { transport: null }],
    ['DELETE', '', undefined],
  ] as const;
  for (const [method, rest, body] of addresses) {
    test(`DV3 ${method} …${rest} needs it, and tells nobody whether a device exists`, async () => {
      await using t = await town();
      const device = await t.register();
      const other = await t.register();
      const call = (path: string, token?: string) =>
        t.call(method, `/v2/devices/${path}${rest}`, { ...(token !== undefined && { token }), body });
      expect((await errorOf(await call(device.deviceId))).reason).toBe('required');
      const wrong = await Promise.all([
        call(device.deviceId, other.deviceToken),
        call(device.deviceId, 'of-the-app'),
        call('nobody', device.deviceToken),
      ]);
      const answers = await Promise.all(wrong.map(errorOf));
      expect(answers[0]?.status).toBe(401);
      expect(answers[0]?.reason).toBe('deviceUnknown');
      expect(answers[1]).toEqual(answers[0] as never);
      expect(answers[2]).toEqual(answers[0] as never);
      expect((await call(device.deviceId, device.deviceToken)).status).toBeLessThan(300);
    });
  }

  test('DV3 it is no access token', async () => {
    await using t = await town();
    const device = await t.register();
    const answer = await t.call('POST', '/gcm_for_chrome/v1/messages', {
      token: device.deviceToken,
      body: {},
    });
    expect(answer.status).toBe(401);
  });

  test('DV3 when the user removes the app the token is void', async () => {
    await using t = await town();
    const device = await t.register();
    await t.small.receiving.remove('bob', app);
    expect((await errorOf(await t.at(device, 'GET', '/missed'))).reason).toBe('deviceUnknown');
  });

  test('DV7 DELETE ends the device, its token and its connection', async () => {
    await using t = await town();
    const device = await t.register();
    const socket = t.small.connect();
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener('close', ({ code }) => resolve(code)),
    );
    const live = new Promise<void>((resolve) => {
      socket.addEventListener('message', ({ data }) => String(data).includes('"live"') && resolve());
    });
    socket.addEventListener('open', () =>
      socket.send(
        JSON.stringify({
          type: 'hello',
          protocol: 1,
          client: 'test/1',
          device: device.deviceId,
          token: device.deviceToken,
        }),
      ),
    );
    await live;
    expect((await t.at(device, 'DELETE', '')).status).toBe(204);
    expect(await closed).toBe(4410);
    expect((await t.at(device, 'GET', '/missed')).status).toBe(401);
    expect((await t.at(device, 'DELETE', '')).status).toBe(401);
  });
});

describe('what waits', () => {
  test('DV4 is the newest message of each subchannel, oldest first', async () => {
    await using t = await town();
    const device = await t.register();
    await t.send(device.channelId, 0, 'old');
    await t.send(device.channelId, 3, 'three');
    const version = await t.send(device.channelId, 0, 'new');
    const { messages, more } = await t.missed(device);
    expect(messages.map(({ subchannelId, payload }) => [subchannelId, payload])).toEqual([
      [3, 'three'],
      [0, 'new'],
    ]);
    expect(messages[1]?.version).toBe(version);
    expect(more).toBe(false);
  });

  test('DV12 ?urgency= leaves out what is less urgent, of that answer alone', async () => {
    await using t = await town();
    const device = await t.register();
    const { channel } = (await t.small.store.findDevice(device.deviceId)) as Device;
    const rest = { channel: channel.key, project: 'p', dailyQuota: 0, quotaDay: '2026-11-24' };
    const expiresAt = t.small.clock.now() + 60_000;
    await t.small.store.keep({ ...rest, slot: '1', payload: 'low', expiresAt, urgency: 'low' });
    await t.send(device.channelId, 0, 'normal');
    const payloads = async (query: string) =>
      (await t.missed(device, query)).messages.map(({ payload }) => payload);
    expect(await payloads('?urgency=high')).toEqual([]);
    expect(await payloads('?urgency=normal')).toEqual(['normal']);
    expect(await payloads('?urgency=low')).toEqual(['low', 'normal']);
    expect(await payloads('')).toEqual(['low', 'normal']);
    for (const wrong of ['', 'High', 'urgent', '1']) {
      const error = await errorOf(await t.at(device, 'GET', `/missed?urgency=${wrong}`));
      expect([error.status, error.location]).toEqual([400, 'urgency']);
      expect(error.message).toContain('very-low, low, normal and high');
    }
  });

  test('DV4 ?after= must be a version', async () => {
    await using t = await town();
    const device = await t.register();
    expect((await t.at(device, 'GET', '/missed?after=12')).status).toBe(200);
    for (const wrong of ['', '0', '-1', 'x', '1.5']) {
      expect((await errorOf(await t.at(device, 'GET', `/missed?after=${wrong}`))).location).toBe('after');
    }
  });

  test('WK23 what is answered here counts like what is answered over a connection', async () => {
    const told: unknown[] = [];
    const confirmed = (version: number) => told.push(['confirmed', version]);
    const runFailed = (...facts: [number, string, number, string]) => told.push(['failed', ...facts]);
    await using t = await town({ events: { ...silentEvents, confirmed, runFailed } });
    const device = await t.register();
    const version = await t.send(device.channelId, 0, 'a');
    const acks = [
      { version, outcome: 'failed', reason: 'no network' },
      { version, outcome: 'handled' },
    ];
    expect((await t.at(device, 'POST', '/confirm', { body: { acks } })).status).toBe(204);
    expect(told).toEqual([
      ['failed', version, device.deviceId, 1, 'no network'],
      ['confirmed', version],
    ]);
  });

  test('DV5 what was handled does not wait any more, what failed does', async () => {
    await using t = await town();
    const device = await t.register();
    const handled = await t.send(device.channelId, 0, 'a');
    const failed = await t.send(device.channelId, 1, 'b');
    const unheard = await t.send(device.channelId, 2, 'c');
    const acks = [
      { version: handled, outcome: 'taken' },
      { version: handled, outcome: 'handled' },
      { version: failed, outcome: 'failed', reason: 'x'.repeat(5_000) },
      { version: unheard, outcome: 'no-listener' },
    ];
    expect((await t.at(device, 'POST', '/confirm', { body: { acks } })).status).toBe(204);
    expect((await t.missed(device)).messages.map(({ version }) => version)).toEqual([failed, unheard]);
  });

  test('HA2 eight failed runs told over HTTP end a version', async () => {
    await using t = await town();
    const device = await t.register();
    const version = await t.send(device.channelId, 0, 'a');
    const acks = Array.from({ length: limits.failedRuns }, () => ({ version, outcome: 'failed' }));
    await t.at(device, 'POST', '/confirm', { body: { acks } });
    expect((await t.missed(device)).messages).toEqual([]);
  });

  test('DV5 confirming again, or a version that never was, changes nothing', async () => {
    await using t = await town();
    const device = await t.register();
    const version = await t.send(device.channelId, 0, 'a');
    const acks = [
      { version, outcome: 'handled' },
      { version, outcome: 'handled' },
      { version: 5, outcome: 'handled' },
    ];
    expect((await t.at(device, 'POST', '/confirm', { body: { acks } })).status).toBe(204);
    expect((await t.missed(device)).messages).toEqual([]);
  });

  test("DV5 one device's confirm leaves the other's message waiting", async () => {
    await using t = await town();
    const [one, other] = [await t.register(), await t.register()];
    const version = await t.send(one.channelId, 0, 'a');
    await t.at(one, 'POST', '/confirm', { body: { acks: [{ version, outcome: 'handled' }] } });
    expect((await t.missed(other)).messages.length).toBe(1);
  });
});

describe('the transport', () => {
  const keys = { p256dh: `B${'A'.repeat(86)}`, auth: 'c2l4dGVlbiBieXRlcyEhIQ' };
  const good = { kind: 'push', endpoint: 'https://push.example/1', ...keys };

  test('DV6 is kept as it was given, and taken back with null', async () => {
    await using t = await town();
    const device = await t.register();
    const put = (transport: unknown) => t.at(device, 'PUT', '/transport', { body: { transport } });
    expect((await put(good)).status).toBe(204);
    const kept = async () => (await t.small.store.findDevice(device.deviceId))?.transport;
    expect(JSON.parse((await kept()) ?? '')).toEqual(good);
    await put({ ...good, auth: `${keys.auth}==`, more: 'is dropped' });
    expect(JSON.parse((await kept()) ?? '')).toEqual(good);
    await put(null);
    expect(await kept()).toBeNull();
  });

  test('DV11 names the lowest urgency to be woken for; without it all wake again', async () => {
    await using t = await town();
    const device = await t.register();
    const put = async (body: Record<string, unknown>) =>
      (await t.at(device, 'PUT', '/transport', { body })).status;
    const bound = async () => (await t.small.store.findDevice(device.deviceId))?.lowestUrgency;
    expect([await put({ transport: good, urgency: 'high' }), await bound()]).toEqual([204, 'high']);
    expect([await put({ transport: good, urgency: 'now' }), await bound()]).toEqual([400, 'high']);
    expect([await put({ transport: good }), await bound()]).toEqual([204, 'very-low']);
  });

  const bad: Readonly<Record<string, unknown>> = {
    'a text': 'text',
    'a list': [],
    nothing: {},
    'another kind': { ...good, kind: 'pigeon' },
    'an endpoint that is no URL': { ...good, endpoint: 'push.example/1' },
    'an endpoint of another scheme': { ...good, endpoint: 'file:///etc/passwd' },
    'an endpoint of 3 kB': { ...good, endpoint: `https://push.example/${'x'.repeat(3_000)}` },
    'a point that is compressed': { ...good, p256dh: `A${'A'.repeat(43)}` },
    'a point of another form': { ...good, p256dh: `C${'A'.repeat(86)}` },
    'a secret that is short': { ...good, auth: 'c2hvcnQ' },
    'a secret in another alphabet': { ...good, auth: 'c2l4dGVlbi*ieXRlcyEhIQ' },
  };
  for (const [what, transport] of Object.entries(bad)) {
    test(`DV6 ${what} is no transport`, async () => {
      await using t = await town();
      const device = await t.register();
      const error = await errorOf(await t.at(device, 'PUT', '/transport', { body: { transport } }));
      expect(error.status).toBe(400);
      expect(error.location).toStartWith('transport');
    });
  }

  test('WK15 one that this server would never call is refused, and the earlier one stays', async () => {
    await using t = await town({
      assertUsable: (json) => {
        if (json.includes('elsewhere')) throw new ReveilleError('input-invalid', 'Not there.');
      },
    });
    const device = await t.register();
    const put = (transport: unknown) => t.at(device, 'PUT', '/transport', { body: { transport } });
    await put(good);
    expect((await put({ ...good, endpoint: 'https://elsewhere.example/1' })).status).toBe(400);
    expect((await t.small.store.findDevice(device.deviceId))?.transport).toContain('push.example');
  });
});

describe('origins', () => {
  const good = [
    `chrome-extension://${app}`,
    'https://hello.example',
    'moz-extension://3c2f8a9e-0000-4000-8000-000000000000',
  ];
  for (const origin of good) {
    test(`DV8 ${origin} is an origin of the app`, async () => {
      await using t = await town();
      const answer = await t.call('POST', '/v2/devices', {
        token: 'of-the-app',
        body: {},
        headers: { Origin: origin },
      });
      expect(answer.status).toBe(200);
      const device = (await answer.json()) as RegisteredDevice;
      expect((await t.at(device, 'GET', '/missed', { headers: { Origin: origin } })).status).toBe(200);
    });
  }

  const foreign = [
    `chrome-extension://${foreignApp}`,
    'https://hello.example.evil',
    'http://hello.example',
    'null',
    'https://evil',
  ];
  for (const origin of foreign) {
    test(`DV8 ${origin} is refused, with a good token only`, async () => {
      await using t = await town();
      const device = await t.register();
      const headers = { Origin: origin };
      const registered = await errorOf(
        await t.call('POST', '/v2/devices', { token: 'of-the-app', body: {}, headers }),
      );
      expect([registered.status, registered.message.includes('not an origin of the app')]).toEqual([
        403,
        true,
      ]);
      expect((await t.at(device, 'GET', '/missed', { headers })).status).toBe(403);
      expect((await t.at(device, 'GET', '/missed', { headers, token: 'bad' })).status).toBe(401);
    });
  }
});

describe('requests of another form', () => {
  const bodies: readonly [unknown, string][] = [
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(limits.deviceNameCharacters + 1) }, 'name'],
    [{ name: 7 }, 'name'],
    ['{"name":"\\ud83d"}', 'name'],
    [{ appId: 7 }, 'appId'],
    [{ appId: 'x' }, 'appId'],
    [{ deviceId: 'x' }, 'deviceToken'],
    [{ deviceToken: 'x' }, 'deviceToken'],
    [[], ''],
    ['null', ''],
  ];
  for (const [body, location] of bodies) {
    test(`DV9 the body ${JSON.stringify(body).slice(0, 40)} is refused with the name of the field`, async () => {
      await using t = await town();
      const error = await errorOf(await t.call('POST', '/v2/devices', { token: 'of-the-app', body }));
      expect([error.status, error.location]).toEqual([400, location]);
    });
  }

  const acks: readonly [unknown, string][] = [
    [undefined, 'acks'],
    [[], 'acks'],
    [
      Array.from({ length: limits.outcomesPerConfirm + 1 }, () => ({ version: 1, outcome: 'handled' })),
      'acks',
    ],
    [[{ version: 1, outcome: 'eaten' }], 'acks.0.outcome'],
    [
      [
        { version: 1, outcome: 'handled' },
        { version: 0, outcome: 'handled' },
      ],
      'acks.1.version',
    ],
    [[{ version: '1', outcome: 'handled' }], 'acks.0.version'],
    [[{ version: 1, outcome: 'failed', reason: 5 }], 'acks.0.reason'],
  ];
  for (const [list, location] of acks) {
    test(`DV9 the outcomes ${JSON.stringify(list)?.slice(0, 50)} are refused as a whole`, async () => {
      await using t = await town();
      const device = await t.register();
      const error = await errorOf(await t.at(device, 'POST', '/confirm', { body: { acks: list } }));
      expect([error.status, error.location]).toEqual([400, location]);
    });
  }

  test('DV9 a body that is no JSON, of another type, or too large is refused', async () => {
    await using t = await town();
    const post = (made: Call) => t.call('POST', '/v2/devices', { token: 'of-the-app', ...made });
    expect((await errorOf(await post({ body: "{'name':'x'}" }))).reason).toBe('parseError');
    expect((await post({ body: '' })).status).toBe(400);
    expect(
      (await post({ body: 'a=b', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })).status,
    ).toBe(415);
    expect((await post({ body: ' '.repeat(limits.jsonBodyBytes + 1) })).status).toBe(413);
  });

  test('DV9 wrong methods are told what the address takes', async () => {
    await using t = await town();
    const device = await t.register();
    expect((await t.call('GET', '/v2/devices')).headers.get('allow')).toBe('POST');
    for (const [rest, allow] of [
      ['', 'DELETE'],
      ['/missed', 'GET'],
      ['/confirm', 'POST'],
      ['/transport', 'PUT'],
    ] as const) {
      const answer = await t.at(device, 'PATCH', rest);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
    }
  });

  for (const path of [
    '/v2/devices/x/y',
    '/v2/devices/x/toString',
    '/v2/devices/',
    '/v2/devicesx',
    '/v2/devices/a.b',
    '/v2/devices/x/missed/z',
  ]) {
    test(`DV9 ${path} is not found`, async () => {
      await using t = await town();
      expect((await t.call('GET', path, { token: 'of-the-app' })).status).toBe(404);
    });
  }

  test('IN12 preflights of all methods are answered, and errors can be read', async () => {
    await using t = await town();
    const answer = await t.call('OPTIONS', '/v2/devices/x/missed', {
      headers: { Origin: `chrome-extension://${app}` },
    });
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, POST, PUT, DELETE');
    const refused = await t.call('GET', '/v2/devices/x/missed', { token: 'x' });
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  });

  test('IN12 a cookie has no authority over a device', async () => {
    await using t = await town();
    const device = await t.register();
    const answer = await t.call('GET', `/v2/devices/${device.deviceId}/missed`, {
      headers: { Cookie: `token=${device.deviceToken}` },
    });
    expect(answer.status).toBe(401);
  });
});
