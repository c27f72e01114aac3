import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { McsTown } from '../../../dev-env/mcs-town.ts';
import { PushKeys, SenderKeys } from '../../../dev-env/push-crypto.ts';
import { PushTown } from '../../../dev-env/push-town.ts';
import type { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import { issueCertificate, makeAuthority } from '../../config/certificates.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import type { ChannelKey, Kept } from '../../core/store.ts';
import { silentEvents } from '../../observe/events.ts';
import { httpsPost, type Said } from '../../outgoing/https-post.ts';
import { tags } from '../mcs/codec.ts';
import { nameOf } from '../mcs/names.ts';
import { PushWaker } from './push-waker.ts';

const signer = () => {
  const keys = new SenderKeys();
  return { publicKey: keys.publicText, privateKey: keys.privateText, subject: 'mailto:push@example.org' };
};

let town: PushTown;
let keys: PushKeys;
let ours: ReturnType<typeof signer>;
let failures: string[];
/** What was posted, and what the push service answers to it. */
let posted: { url: URL; headers: Record<string, string>; body: Uint8Array }[];
let said: Said | Error;

beforeEach(() => {
  town = new PushTown();
  keys = PushKeys.make();
  ours = signer();
  failures = [];
  posted = [];
  said = { status: 201, retryAfter: undefined };
});
afterEach(() => town[Symbol.asyncDispose]());

const waker = (hosts: readonly string[] = ['push.example'], { endpoints, pushes } = town) =>
  new PushWaker({
    endpoints,
    pushes,
    signer: ours,
    hosts: { hosts, privateAddresses: false },
    post: async (url, headers, body) => {
      posted.push({ url, headers, body });
      if (said instanceof Error) throw said;
      return said;
    },
    clock: town.clock,
    events: { ...silentEvents, failed: (where, error) => failures.push(`${where}: ${error}`) },
  });

const transport = (endpoint: string): string => JSON.stringify({ kind: 'push', endpoint, ...keys.json });

const kept = (payload = 'hello', clock = town.clock): Kept => ({
  version: 42 as Version,
  channel: 1 as ChannelKey,
  slot: '3',
  payload,
  acceptedAt: clock.now(),
  expiresAt: clock.now() + 60_000,
});

const text = (body: string | Uint8Array) =>
  JSON.parse(
    keys.decrypt(typeof body === 'string' ? Buffer.from(body, 'base64url') : Buffer.from(body), {
      encoding: 'aes128gcm',
    }),
  );

const wakeText = { version: 42, subchannelId: 3, payload: 'hello' };

describe('a subscription of this server', () => {
  const subscribed = (senderKey: string | null = ours.publicKey) =>
    town.pushes.subscribe('mcs:1', 'wp:app', senderKey);

  for (const place of [
    'https://jmt17.google.com/fcm/send/',
    'https://fcm.googleapis.com/preprod/wp/',
    'http://127.0.0.1:8030/wpush/',
  ]) {
    test(`WK14 is recognised behind ${place} and reached without a call`, async () => {
      const browser = await town.browser();
      const endpoint = place + (await subscribed());
      waker([]).assertUsable(transport(endpoint));
      expect(await waker([]).wake(transport(endpoint), kept())).toBe('sent');
      const [push] = await browser.has(1);
      expect([push?.slot, push?.urgency, push?.headers]).toEqual([
        't:reveille-3',
        'high',
        { encoding: 'aes128gcm' },
      ]);
      expect(push?.expiresAt).toBe(town.clock.now() + 60_000);
      expect(text(push?.payload ?? '')).toEqual(wakeText);
      expect(posted).toEqual([]);
    });
  }

  test('WK13 a newer wake-up of a subchannel replaces the one that waits there', async () => {
    const json = transport(`https://any.example/${await subscribed()}`);
    await waker().wake(json, kept('first'));
    await waker().wake(json, kept('second'));
    const browser = await town.browser();
    await browser.has(1);
    expect(browser.offered.map((push) => text(push.payload).payload)).toEqual(['second']);
  });

  test('SB3 WK14 a thousand bytes on subchannel 31 wake a Chromium that is connected', async () => {
    await using chromium = await McsTown.start();
    const { id, token, holder } = chromium.device();
    const name = nameOf({ category: 'org.chromium.linux', subtype: 'wp:app', sender: 'key', instance: '' });
    const subscription = await chromium.pushes.pushes.subscribe(holder, name, ours.publicKey);
    const client = await chromium.connect();
    await client.login(id, token);
    const message = { ...kept('x'.repeat(1_000), chromium.pushes.clock), slot: '31' };
    const json = transport(`https://any.example/${subscription}`);
    expect(await waker([], chromium.pushes).wake(json, message)).toBe('sent');
    const [push] = await client.until(tags.data);
    expect(text(push?.body ?? '')).toEqual({ version: 42, subchannelId: 31, payload: 'x'.repeat(1_000) });
    await client.cut();
  });

  test('WK13 a text too long for one push goes without data', async () => {
    const browser = await town.browser();
    const json = transport(`https://any.example/${await subscribed()}`);
    expect(await waker().wake(json, kept('x'.repeat(4_000)))).toBe('sent');
    const [push] = await browser.has(1);
    expect([push?.payload, push?.headers]).toEqual(['', undefined]);
  });

  test('WK18 one that the browser gave up is gone', async () => {
    const json = transport(`https://any.example/${await subscribed()}`);
    await town.pushes.unsubscribe('mcs:1', 'wp:app');
    expect(await waker().wake(json, kept())).toBe('gone');
  });

  test('WK14 one that was made for another sender, or for any, is not ours to push to', async () => {
    for (const senderKey of [signer().publicKey, null]) {
      const json = transport(`https://any.example/${await subscribed(senderKey)}`);
      expect(() => waker().assertUsable(json)).toThrow();
      expect(await waker().wake(json, kept())).toMatchObject({ laterMs: limits.reofferMsMax });
    }
  });

  test('WK7 a store that cannot keep the push says later', async () => {
    const json = transport(`https://any.example/${await subscribed()}`);
    await town.store.close();
    expect(await waker().wake(json, kept())).toMatchObject({ laterMs: undefined, why: expect.any(String) });
  });
});

describe('a subscription elsewhere', () => {
  const json = () => transport('https://push.example/send/abc');

  test('WK13 is sent an encrypted, signed push with topic, urgency and the time that is left', async () => {
    town.clock.advance(0);
    expect(await waker().wake(json(), kept())).toBe('sent');
    const [push] = posted;
    expect(push?.url.href).toBe('https://push.example/send/abc');
    expect(push?.headers).toMatchObject({
      TTL: '60',
      Topic: 'reveille-3',
      Urgency: 'high',
      'Content-Encoding': 'aes128gcm',
      'Content-Length': '4096',
    });
    expect(text(push?.body ?? '')).toEqual(wakeText);
    const [, token = '', key] = /^vapid t=(.+), k=(.+)$/.exec(push?.headers.Authorization ?? '') ?? [];
    expect(key).toBe(ours.publicKey);
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      aud: 'https://push.example',
      sub: 'mailto:push@example.org',
    });
  });

  test('VT16 for the queue of a subchannel it is without data, under a topic of its own', async () => {
    await waker().wake(json(), { ...kept(), slot: 'q:3' });
    expect(posted[0]?.body.length).toBe(0);
    expect(posted[0]?.headers).toMatchObject({ Topic: 'reveille-q3' });
  });

  test('VT19 for a message to any one device it is without data', async () => {
    await waker().wake(json(), { ...kept(), deliver: 'any' });
    expect(posted[0]?.body.length).toBe(0);
    expect(posted[0]?.headers).toMatchObject({ Topic: 'reveille-3' });
  });

  test('WK13 without data it says nothing of an encoding', async () => {
    await waker().wake(json(), kept('x'.repeat(4_000)));
    expect(posted[0]?.body.length).toBe(0);
    expect(posted[0]?.headers).not.toContainKeys(['Content-Encoding', 'Content-Type']);
  });

  test('WK15 a host that is not allowed is refused when it is registered', async () => {
    const elsewhere = transport('https://elsewhere.example/1');
    let refusal: ReveilleError | undefined;
    try {
      waker().assertUsable(elsewhere);
    } catch (error) {
      refusal = error as ReveilleError;
    }
    expect([refusal?.code, refusal?.facts.location]).toEqual(['input-invalid', 'transport.endpoint']);
    expect(refusal?.sentence).toContain('--push-hosts');
    waker().assertUsable(json());
  });

  test('WK15 WK21 one that is not allowed any more is not called, and its subscription is not given up', async () => {
    for (const endpoint of ['https://elsewhere.example/1', 'http://push.example/1']) {
      const { host } = new URL(endpoint);
      const why = `This server does not push to ${host}: its operator can allow it with --push-hosts.`;
      expect(await waker().wake(transport(endpoint), kept())).toEqual({ laterMs: limits.reofferMsMax, why });
      expect(failures.at(-1)).toContain(why);
    }
    expect(posted).toEqual([]);
  });

  for (const [status, woken] of [
    [200, 'sent'],
    [202, 'sent'],
    [404, 'gone'],
    [410, 'gone'],
    [307, { laterMs: limits.reofferMsMax, why: 'push.example answered 307.' }],
    [401, { laterMs: limits.reofferMsMax, why: 'push.example answered 401.' }],
    [403, { laterMs: limits.reofferMsMax, why: 'push.example answered 403.' }],
    [413, { laterMs: limits.reofferMsMax, why: 'push.example answered 413.' }],
  ] as const) {
    test(`WK18 ${status} means ${JSON.stringify(woken)}`, async () => {
      said = { status, retryAfter: undefined };
      expect(await waker().wake(json(), kept())).toEqual(woken);
      expect(failures.length).toBe(typeof woken === 'string' ? 0 : 1);
    });
  }

  test('WK18 after 429 and 503 the push service rests as long as it asked, and is not called', async () => {
    const one = waker();
    for (const status of [429, 503]) {
      said = { status, retryAfter: '7' };
      posted = [];
      const refused = { laterMs: 7_000, why: `push.example answered ${status}.` };
      expect(await one.wake(json(), kept())).toEqual(refused);
      expect(await one.wake(json(), kept())).toEqual(refused);
      expect(posted.length).toBe(1);
      town.clock.advance(7_000);
    }
    said = { status: 201, retryAfter: undefined };
    expect(await one.wake(json(), kept())).toBe('sent');
  });

  test('WK18 one that cannot be reached rests, is reported, and gives its place back', async () => {
    const one = waker();
    said = Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' });
    const why = 'push.example could not be reached (EHOSTUNREACH).';
    for (let n = 0; n <= limits.pushesPerHost; n++) {
      expect(await one.wake(json(), kept())).toEqual({ laterMs: Math.min(30_000 * 2 ** n, 3_600_000), why });
      town.clock.advance(limits.pushRestMsMax);
    }
    expect(failures[0]).toBe('push to push.example: Error: no route');
    said = { status: 201, retryAfter: undefined };
    expect(await one.wake(json(), kept())).toBe('sent');
  });

  test('WK18 keys that nobody can have are gone', async () => {
    const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 7)]).toString('base64url');
    const bad = JSON.stringify({ ...JSON.parse(json()), p256dh: point });
    expect(await waker().wake(bad, kept())).toBe('gone');
    expect(await waker().wake('{"kind":"other"}', kept())).toBe('gone');
  });
});

describe('another Reveille as the push service', () => {
  test('WK13 takes the push at its own door over https, and its browser reads it', async () => {
    const authority = await makeAuthority(new Date());
    const certified = await issueCertificate(authority, ['localhost'], new Date());
    // VAPID is checked against the time of its signature, which is the real one.
    const clock = new ManualClock(Date.now());
    await using vendor = new PushTown({ clock, tls: { name: 'localhost', ...certified } });
    const browser = await vendor.browser('autopush:1');
    const endpoint = await vendor.endpoint('autopush:1', 'chid', ours.publicKey);
    const hosts = { hosts: [new URL(vendor.origin).host], privateAddresses: true };
    const { post, close } = httpsPost(hosts, authority.cert);
    const events = {
      ...silentEvents,
      failed: (where: string, error: unknown) => failures.push(`${where} ${error}`),
    };
    // The token is no token of this town: its ring is another one.
    const endpoints = { open: () => undefined };
    const one = new PushWaker({ endpoints, pushes: town.pushes, signer: ours, hosts, post, clock, events });
    one.assertUsable(transport(endpoint));
    expect([await one.wake(transport(endpoint), kept('hello', clock)), failures]).toEqual(['sent', []]);
    const [push] = await browser.has(1);
    expect([push?.slot, push?.urgency]).toEqual(['t:reveille-3', 'high']);
    expect(text(push?.payload ?? '')).toEqual(wakeText);
    await vendor.pushes.unsubscribe('autopush:1', 'chid');
    expect(await one.wake(transport(endpoint), kept('hello', clock))).toBe('gone');
    close();
  });
});
