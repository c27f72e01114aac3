import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { SmallTown, type SmallTownOptions } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { limits } from '../../../protocol/limits.ts';
import { CHANNEL_SCOPE } from '../../core/sender.ts';
import { type Events, silentEvents } from '../../observe/events.ts';
import { MESSAGE_PATHS } from './send-door.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;
const foreignApp = 'fboilmbenheemaomgaeehigklolhkhnf' as AppId;
const PATH = '/gcm_for_chrome/v1/messages';

/** A town with Ann, who owns the app and may send by the token "good", and Bob, who uses it. */
async function town(options: SmallTownOptions = {}) {
  const small = new SmallTown(options);
  small.rights.groups.set('ann-and-friends', new Set(['ann']));
  small.rights.groups.set('others', new Set(['eve']));
  small.rights.app(app, 'ann-and-friends');
  small.rights.app(foreignApp, 'others');
  small.rights.token('good');
  const channel = await small.receiving.open('bob', app);
  const { device } = await small.devices.register({ account: 'bob', app, name: 'laptop' });
  const waiting = async () => (await small.devices.missed(device)).kept;
  const post = (
    body: unknown,
    init: { path?: string; headers?: Record<string, string>; method?: string } = {},
  ) =>
    fetch(`${small.origin}${init.path ?? PATH}`, {
      method: init.method ?? 'POST',
      headers: { Authorization: 'Bearer good', 'Content-Type': 'application/json', ...init.headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const message = { channelId: channel.id, subchannelId: 1, payload: 'hello' };
  return {
    small,
    channel,
    message,
    post,
    waiting,
    [Symbol.asyncDispose]: () => small[Symbol.asyncDispose](),
  };
}

interface Envelope {
  error: {
    errors: { domain: string; reason: string; message: string; location?: string }[];
    code: number;
    message: string;
  };
}
async function errorOf(answer: Response): Promise<Envelope['error'] & { reason: string | undefined }> {
  const { error } = (await answer.json()) as Envelope;
  return { ...error, reason: error.errors[0]?.reason };
}

describe('an accepted message', () => {
  test('IN1 is answered 204 with an empty body and its version, and is kept', async () => {
    await using t = await town();
    const answer = await t.post(t.message);
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe('');
    const [kept] = await t.waiting();
    expect(answer.headers.get('reveille-message')).toBe(String(kept?.version));
    expect([kept?.slot, kept?.payload]).toEqual(['1', 'hello']);
  });

  for (const path of [...MESSAGE_PATHS, '//gcm_for_chrome/v1/messages', '/gcm_for_chrome//v1///messages']) {
    test(`IN6 ${path} is the same door`, async () => {
      await using t = await town();
      expect((await t.post(t.message, { path })).status).toBe(204);
    });
  }

  test('IN1 a body in single quotes with a number is accepted, as senders of the time wrote it', async () => {
    await using t = await town();
    const body = `{'channelId': '${t.channel.id}', 'subchannelId': '3', 'payload': 1.50}`;
    expect((await t.post(body)).status).toBe(204);
    expect((await t.waiting())[0]?.payload).toBe('1.50');
  });

  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'text/json',
  ]) {
    test(`IN6 the type ${type} is JSON`, async () => {
      await using t = await town();
      expect((await t.post(t.message, { headers: { 'Content-Type': type } })).status).toBe(204);
    });
  }

  test('IN6 a body of no type is JSON', async () => {
    await using t = await town();
    const body = new TextEncoder().encode(JSON.stringify(t.message));
    const answer = await fetch(`${t.small.origin}${PATH}`, {
      method: 'POST',
      headers: { Authorization: 'Bearer good' },
      body,
    });
    expect(answer.status).toBe(204);
  });

  test("IN6 Google's other query parameters change nothing", async () => {
    await using t = await town();
    const path = `${PATH}?alt=json&callback=f&fields=id&key=k&prettyPrint=true&quotaUser=q&userIp=1.2.3.4&trace=t`;
    expect((await t.post(t.message, { path })).status).toBe(204);
  });
});

describe('the state of a channel', () => {
  test('AC3 a channel that its user paused, or that has no device, takes messages', async () => {
    await using t = await town();
    await t.small.receiving.pause('bob', app);
    expect((await t.post(t.message)).status).toBe(204);
    const { id } = await t.small.receiving.open('carol', app);
    expect((await t.post({ ...t.message, channelId: id })).status).toBe(204);
  });

  test('AC3 a channel that its user removed is invalid, and the answer says why', async () => {
    await using t = await town();
    await t.small.receiving.remove('bob', app);
    const answer = await t.post(t.message);
    expect(answer.status).toBe(400);
    const { message } = await errorOf(answer);
    expect(message).toStartWith('Channel ID is invalid. The user removed the app');
  });
});

describe('access tokens', () => {
  const forms: readonly [string, string, string | undefined][] = [
    ['Bearer', PATH, 'Bearer good'],
    ['bearer in small letters', PATH, 'bearer good'],
    ['OAuth', PATH, 'OAuth good'],
    ['access_token=', `${PATH}?access_token=good`, undefined],
    ['oauth_token=', `${PATH}?oauth_token=good`, undefined],
    ['the header before the query', `${PATH}?access_token=bad`, 'Bearer good'],
  ];
  for (const [what, path, authorization] of forms) {
    test(`IN5 ${what} carries a token`, async () => {
      await using t = await town();
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const answer = await fetch(`${t.small.origin}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(t.message),
      });
      expect(answer.status).toBe(204);
    });
  }

  for (const authorization of [undefined, 'Bearer', 'Bearer ', 'Basic YTpi', 'good', 'Bearer a b']) {
    test(`IN5 ${authorization ?? 'no header'} is no token`, async () => {
      await using t = await town();
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const answer = await fetch(`${t.small.origin}${PATH}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(t.message),
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="reveille"');
      expect((await errorOf(answer)).reason).toBe('required');
      expect(await t.waiting()).toEqual([]);
    });
  }

  for (const token of ['bad', 'x'.repeat(3_000)]) {
    test(`IN5 a wrong token of ${token.length} characters is 401 authError`, async () => {
      await using t = await town();
      const answer = await t.post(t.message, { headers: { Authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      expect((await errorOf(answer)).reason).toBe('authError');
    });
  }

  test('IN12 a cookie is no token', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}${PATH}`, {
      method: 'POST',
      headers: { Cookie: 'access_token=good; Authorization=Bearer good' },
      body: JSON.stringify(t.message),
    });
    expect(answer.status).toBe(401);
  });
});

describe('the order of the checks', () => {
  test('IN7 the first step that fails is the answer, whatever else is wrong', async () => {
    await using t = await town();
    const { rights } = t.small;
    rights.token('reader', { scopes: new Set([CHANNEL_SCOPE]) });
    rights.token('of-a-sleeping-project', { project: 'asleep' });
    rights.projectsOff.add('asleep');
    rights.token('poor', { dailyQuota: 1, project: 'poor' });
    const strange = t.small.strangeChannel(app);
    const foreign = t.small.strangeChannel(foreignApp);
    const huge = 'x'.repeat(limits.jsonBodyBytes + 1);
    const steps: readonly [string, unknown, number, string][] = [
      ['bad', huge, 401, 'authError'],
      ['reader', huge, 403, 'insufficientPermissions'],
      ['of-a-sleeping-project', huge, 403, 'accessNotConfigured'],
      ['good', huge, 413, 'uploadTooLarge'],
      ['good', '{', 400, 'parseError'],
      ['good', { channelId: foreign, subchannelId: 7 }, 400, 'invalid'],
      ['good', { channelId: foreign, subchannelId: 0 }, 403, 'forbidden'],
      ['good', { channelId: strange, subchannelId: 0 }, 400, 'invalid'],
      ['poor', t.message, 204, ''],
      ['poor', { ...t.message, channelId: strange }, 400, 'invalid'],
      ['poor', t.message, 403, 'dailyLimitExceeded'],
    ];
    for (const [token, body, status, reason] of steps) {
      const answer = await t.post(body, { headers: { Authorization: `Bearer ${token}` } });
      expect([token, answer.status]).toEqual([token, status]);
      if (status !== 204) expect((await errorOf(answer)).reason).toBe(reason);
    }
    expect((await t.waiting()).length).toBe(1);
  });

  test('IN7 who does not own the app gets the same answer for a user who exists and one who does not', async () => {
    await using t = await town();
    t.small.rights.token('of-eve', { account: 'eve' });
    const answers = await Promise.all(
      [t.channel.id, t.small.strangeChannel(app)].map(async (channelId) => {
        const answer = await t.post(
          { ...t.message, channelId },
          { headers: { Authorization: 'Bearer of-eve' } },
        );
        return [answer.status, await answer.text()];
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.[0]).toBe(403);
  });

  test('OW1 an app registered by its key alone may not reach users outside of its group', async () => {
    await using t = await town();
    t.small.rights.app(app, 'ann-and-friends', { proven: false });
    const answer = await t.post(t.message);
    expect(answer.status).toBe(403);
    expect((await errorOf(answer)).message).toContain('Prove that you hold its private key');
  });
});

describe('errors', () => {
  test('IN8 the envelope is laid out as Google did', async () => {
    await using t = await town();
    const text = await (await t.post({ ...t.message, subchannelId: 4 })).text();
    const sentence =
      'Subchannel is invalid (four subchannels available; subchannel value must be 0, 1, 2, or 3). Send \\"subchannelId\\" as 0, 1, 2 or 3.';
    expect(text).toBe(
      `{\n "error": {\n  "errors": [\n   {\n    "domain": "global",\n    "reason": "invalid",\n    "message": "${sentence}",\n    "location": "subchannelId"\n   }\n  ],\n  "code": 400,\n  "message": "${sentence}"\n }\n}\n`,
    );
  });

  for (const query of ['prettyPrint=false', 'pp=0']) {
    test(`IN6 ${query} puts an error on one line`, async () => {
      await using t = await town();
      const text = await (await t.post('{', { path: `${PATH}?${query}` })).text();
      expect(text).toMatch(/^\{"error":\{"errors":\[.*\}$/);
    });
  }

  test('IN8 an error of ours shows nothing of its inside and is told to the events', async () => {
    const failed: unknown[] = [];
    const events: Events = { ...silentEvents, failed: (where, error) => failed.push([where, String(error)]) };
    await using t = await town({ events });
    t.small.rights.tokens.set('odd', null as never);
    const answer = await t.post(t.message, { headers: { Authorization: 'Bearer odd' } });
    expect(answer.status).toBe(500);
    const { message } = await errorOf(answer);
    expect(message).toStartWith('An internal error has occurred.');
    expect(message).not.toContain('null');
    expect(JSON.stringify(failed)).toContain('TypeError');
  });

  test('IN8 what is told of a refusal holds no token and no payload', async () => {
    const told: unknown[] = [];
    const events: Events = { ...silentEvents, refused: (...what) => told.push(what) };
    await using t = await town({ events });
    await t.post(
      { ...t.message, payload: 'private words', channelId: 'x' },
      { headers: { Authorization: 'Bearer good' } },
    );
    await t.post(t.message, { headers: { Authorization: 'Bearer secret-token' } });
    expect(told).toHaveLength(2);
    expect(JSON.stringify(told)).not.toMatch(/private words|secret-token|good/);
  });

  test('IN9 over the quota the limit, the reset and the wait are told', async () => {
    await using t = await town();
    t.small.rights.token('poor', { dailyQuota: 2 });
    const headers = { Authorization: 'Bearer poor' };
    expect((await t.post(t.message, { headers })).status).toBe(204);
    expect((await t.post(t.message, { headers })).status).toBe(204);
    const answer = await t.post(t.message, { headers });
    expect(answer.status).toBe(403);
    // The town's clock stands at eight in the morning of UTC.
    expect(answer.headers.get('retry-after')).toBe(String(16 * 3_600));
    const error = await errorOf(answer);
    expect(error.errors[0]?.domain).toBe('usageLimits');
    expect(error.message).toContain('Daily message quota exceeded');
    expect(error.message).toContain(
      'The limit of this project is 2 a day; it resets at 2026-11-25T00:00:00.000Z.',
    );
  });
});

describe('limits of refused requests', () => {
  test('IN10 a client that is refused again and again is told to wait, and its good messages still go through', async () => {
    await using t = await town();
    const foreign = { ...t.message, channelId: t.small.strangeChannel(foreignApp) };
    for (let n = 0; n < limits.refusedPerClient; n++) {
      const answer = await t.post(foreign);
      if (answer.status !== 403) throw new Error(`refusal ${n} was answered ${answer.status}`);
    }
    const limited = await t.post(foreign);
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('1');
    expect((await errorOf(limited)).message).toContain('does not own the app');
    expect((await t.post(t.message)).status).toBe(204);
    t.small.rights.token('other', { client: 'another' });
    expect((await t.post(foreign, { headers: { Authorization: 'Bearer other' } })).status).toBe(403);
    t.small.clock.advance(1_000);
    expect((await t.post(foreign)).status).toBe(403);
    expect((await t.post(foreign)).status).toBe(429);
  }, 30_000);

  test('IN10 accepted messages do not count', async () => {
    await using t = await town();
    t.small.rights.token('busy', { dailyQuota: 0 });
    for (let n = 0; n < limits.refusedPerClient + 1; n++) {
      const answer = await t.post(t.message, { headers: { Authorization: 'Bearer busy' } });
      if (answer.status !== 204) throw new Error(`message ${n} was answered ${answer.status}`);
    }
    expect((await t.post('{', { headers: { Authorization: 'Bearer busy' } })).status).toBe(400);
  }, 30_000);

  test('IN10 an address without a good token has a limit too', async () => {
    await using t = await town();
    const headers = { Authorization: 'Bearer bad' };
    const statuses = new Map<number, number>();
    for (let n = 0; n < limits.refusedPerAddress + 5; n++) {
      const { status } = await t.post('', { headers });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(Object.fromEntries(statuses)).toEqual({ 401: limits.refusedPerAddress, 429: 5 });
    expect((await t.post(t.message)).status).toBe(204);
  }, 60_000);
});

describe('requests of another form', () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD']) {
    test(`IN11 ${method} is answered 405 with what the address takes`, async () => {
      await using t = await town();
      const answer = await fetch(`${t.small.origin}${PATH}`, {
        method,
        headers: { Authorization: 'Bearer good' },
      });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
    });
  }

  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain;charset=UTF-8',
    'application/json; charset=latin1',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ]) {
    test(`IN11 the type ${type} is answered 415 and named`, async () => {
      await using t = await town();
      const answer = await t.post(t.message, { headers: { 'Content-Type': type } });
      expect(answer.status).toBe(415);
      expect((await errorOf(answer)).message).toContain(type);
    });
  }

  test('IN11 a body at the limit is read, one byte more is answered 413, announced or not', async () => {
    await using t = await town();
    const body = JSON.stringify(t.message);
    expect((await t.post(body.padEnd(limits.jsonBodyBytes))).status).toBe(204);
    expect((await t.post(body.padEnd(limits.jsonBodyBytes + 1))).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 20; n++) controller.enqueue(new Uint8Array(1_024).fill(32));
        controller.close();
      },
    });
    const headers = { Authorization: 'Bearer good', 'Content-Type': 'application/json' };
    const answer = await fetch(`${t.small.origin}${PATH}`, { method: 'POST', headers, body: stream });
    expect(answer.status).toBe(413);
  });

  test('IN11 a body in pieces without a length is read', async () => {
    await using t = await town();
    const pieces = JSON.stringify(t.message).match(/.{1,7}/g) ?? [];
    const stream = new ReadableStream({
      async start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    const headers = { Authorization: 'Bearer good', 'Content-Type': 'application/json' };
    expect((await fetch(`${t.small.origin}${PATH}`, { method: 'POST', headers, body: stream })).status).toBe(
      204,
    );
  });

  test('IN11 bytes that are no UTF-8 are refused, not mended', async () => {
    await using t = await town();
    const bytes = Buffer.from(JSON.stringify({ ...t.message, payload: '\u00e9' }), 'latin1');
    const headers = { Authorization: 'Bearer good', 'Content-Type': 'application/json' };
    const answer = await fetch(`${t.small.origin}${PATH}`, { method: 'POST', headers, body: bytes });
    expect(answer.status).toBe(400);
    expect((await errorOf(answer)).message).toContain('not UTF-8');
  });

  for (const framing of ['Content-Length: 90', 'Transfer-Encoding: chunked']) {
    test(`IN11 a body that does not arrive is answered 408 (${framing})`, async () => {
      await using t = await town();
      const waits = Promise.withResolvers<void>();
      const after = t.small.clock.after.bind(t.small.clock);
      t.small.clock.after = (ms, run) => {
        if (ms === limits.bodyMs) waits.resolve();
        return after(ms, run);
      };
      const socket = connect(t.small.port, '127.0.0.1');
      const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
      const beginning = framing.startsWith('Content') ? '{' : '1\r\n{\r\n';
      socket.write(
        `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\n${framing}\r\n\r\n${beginning}`,
      );
      await waits.promise;
      t.small.clock.advance(limits.bodyMs);
      expect(await answered).toStartWith('HTTP/1.1 408');
      socket.destroy();
    });
  }
});

describe('cross-origin calls', () => {
  test('IN12 a preflight of any origin is answered', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}${PATH}`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://example.com', 'Access-Control-Request-Method': 'POST' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST');
    expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
  });

  test('IN12 answers and errors can be read by any origin, with the headers that matter', async () => {
    await using t = await town();
    for (const body of [t.message, {}]) {
      const answer = await t.post(body, { headers: { Origin: 'https://example.com' } });
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-expose-headers')).toContain('Reveille-Message');
    }
  });
});

describe('compat 2013', () => {
  const bare = '{\n "error": {\n  "code": 500,\n  "message": null\n }\n}\n';

  const cases: readonly [string, string | undefined, 'own' | 'foreign'][] = [
    ['a missing token', undefined, 'own'],
    ['an app that is not owned', 'Bearer good', 'foreign'],
  ];
  for (const [what, authorization, whose] of cases) {
    test(`IN13 ${what} is answered with the 52 bytes of the capture`, async () => {
      await using t = await town({ compat: '2013' });
      const channelId = whose === 'own' ? t.channel.id : t.small.strangeChannel(foreignApp);
      const answer = await fetch(`${t.small.origin}${PATH}`, {
        method: 'POST',
        headers: authorization === undefined ? {} : { Authorization: authorization },
        body: JSON.stringify({ ...t.message, channelId }),
      });
      expect(answer.status).toBe(500);
      expect(await answer.text()).toBe(bare);
      const { headers } = answer;
      expect(headers.get('content-length')).toBe('52');
      expect(headers.get('content-type')).toBe('application/json; charset=UTF-8');
      expect(headers.get('cache-control')).toBe('private, max-age=0');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('x-xss-protection')).toBe('1; mode=block');
      expect(headers.get('server')).toBe('GSE');
    });
  }

  test('IN13 everything else is answered as by default', async () => {
    await using historic = await town({ compat: '2013' });
    await using today = await town();
    const requests: readonly [unknown, Record<string, string>][] = [
      [{ channelId: 'x' }, {}],
      ['{', {}],
      [{ ...today.message, subchannelId: 5 }, {}],
      [{ ...today.message, payload: 'x'.repeat(257) }, {}],
      [{ ...today.message, channelId: today.small.strangeChannel(app) }, {}],
      [today.message, { Authorization: 'Bearer bad' }],
      [today.message, { 'Content-Type': 'text/plain' }],
    ];
    for (const [body, headers] of requests) {
      const [then, now] = await Promise.all([
        historic.post(body, { headers }),
        today.post(body, { headers }),
      ]);
      expect([then.status, await then.text()]).toEqual([now.status, await now.text()]);
      expect(then.status).toBeGreaterThanOrEqual(400);
    }
    expect((await historic.post(historic.message)).status).toBe(204);
  });

  test('IN13 the bare 500 is told to the events with its reason', async () => {
    const codes: string[] = [];
    await using t = await town({
      compat: '2013',
      events: { ...silentEvents, refused: (_, code) => codes.push(code) },
    });
    await t.post({ ...t.message, channelId: t.small.strangeChannel(foreignApp) });
    expect(codes).toEqual(['app-not-owned']);
  });
});
