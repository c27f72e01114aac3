import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { PushKeys, SenderKeys } from '../../../dev-env/push-crypto.ts';
import { PushTown } from '../../../dev-env/push-town.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { MemoryStore } from '../../stores/memory.ts';

let town: PushTown;
beforeEach(() => {
  town = new PushTown();
});
afterEach(() => town[Symbol.asyncDispose]());

/** An encrypted body of `bytes` in all; nobody can read it, which no door can know. */
const sealed = (bytes = 120): Buffer<ArrayBuffer> => {
  const body = Buffer.alloc(bytes, 7);
  body.writeUInt32BE(4_096, 16);
  body[20] = 65;
  body[21] = 4;
  return body;
};

const encrypted = { TTL: '60', 'Content-Encoding': 'aes128gcm' };

const post = (url: string, headers: Record<string, string> = encrypted, body: BodyInit | null = sealed()) =>
  fetch(url, { method: 'POST', headers, body });

const located = (answer: Response): string => answer.headers.get('location') ?? '';

/** What an error says. */
interface Envelope {
  readonly code: number;
  readonly errno: number | null;
  readonly error: string;
  readonly message: string;
}
const envelope = async (answer: Response) => (await answer.json()) as Envelope;

describe('pushes', () => {
  test('WP1 a push is answered 201 with its address and the TTL, and offered as it came', async () => {
    const browser = await town.browser();
    const answer = await post(await town.endpoint());
    expect([answer.status, await answer.text(), answer.headers.get('ttl')]).toEqual([201, '', '60']);
    expect(located(answer)).toStartWith(`${town.origin}/m/`);
    const [kept] = await browser.has(1);
    expect(kept?.payload).toBe(sealed().toString('base64url'));
    expect(kept?.headers).toEqual({ encoding: 'aes128gcm' });
  });

  test('WP1 pushes wait for the browser and come in order', async () => {
    const endpoint = await town.endpoint();
    for (const bytes of [120, 121, 122]) await post(endpoint, encrypted, sealed(bytes));
    const offered = await (await town.browser()).has(3);
    expect(offered.map((kept) => Buffer.from(kept.payload, 'base64url').length)).toEqual([120, 121, 122]);
  });

  test('WP2 every path leads to the same subscription', async () => {
    const token = await town.pushes.subscribe('mcs:1', 'a', null);
    const paths = ['/wpush', '/wpush/v1', '/wpush/v2', '/fcm/send', '/wp', '/preprod/wp', '//fcm//send'];
    for (const path of paths) expect((await post(`${town.origin}${path}/${token}`)).status).toBe(201);
    expect(await (await town.browser()).has(paths.length)).toHaveLength(paths.length);
  });

  test('WP3 a removed subscription is gone for a day, and stays gone', async () => {
    const endpoint = await town.endpoint();
    await town.pushes.unsubscribe('mcs:1', 'wp:a');
    for (const _ of [1, 2]) {
      const answer = await post(endpoint);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([410, 'max-age=86400']);
      expect(await envelope(answer)).toMatchObject({ code: 410, errno: 106, error: 'Gone' });
    }
  });

  test('WP4 the granted TTL is told: what was asked for, at most 28 days', async () => {
    const endpoint = await town.endpoint();
    const granted = async (ttl: string) =>
      (await post(endpoint, { ...encrypted, TTL: ttl })).headers.get('ttl');
    expect(await granted('0')).toBe('0');
    expect(await granted('86400')).toBe('86400');
    expect(await granted('2592000')).toBe(String(28 * 86_400));
    expect(await granted('9'.repeat(40))).toBe(String(28 * 86_400));
  });

  test('WP4 a TTL of 0 reaches a browser that is connected', async () => {
    const browser = await town.browser();
    expect((await post(await town.endpoint(), { ...encrypted, TTL: '0' })).status).toBe(201);
    expect(await browser.has(1)).toHaveLength(1);
  });

  test('WP5 a topic replaces what waits under it', async () => {
    const endpoint = await town.endpoint();
    for (const bytes of [120, 121]) await post(endpoint, { ...encrypted, Topic: 'up_date-1' }, sealed(bytes));
    const [kept] = await (await town.browser()).has(1);
    expect(Buffer.from(kept?.payload ?? '', 'base64url')).toHaveLength(121);
  });

  test('WP6 every urgency is taken, in any case', async () => {
    const endpoint = await town.endpoint();
    for (const urgency of ['very-low', 'low', 'normal', 'HIGH'])
      expect((await post(endpoint, { ...encrypted, Urgency: urgency })).status).toBe(201);
    const kept = await (await town.browser()).has(4);
    expect(kept.map((one) => one.urgency)).toEqual(['very-low', 'low', undefined, 'high']);
    expect(kept.every((one) => JSON.stringify(one.headers) === '{"encoding":"aes128gcm"}')).toBe(true);
  });

  test('WP7 an empty body is a push without data', async () => {
    expect((await post(await town.endpoint(), { TTL: '60' }, null)).status).toBe(201);
    const [kept] = await (await town.browser()).has(1);
    expect([kept?.payload, kept && 'headers' in kept]).toEqual(['', false]);
  });

  test('WP7 aesgcm goes on with the salt and the key of its headers', async () => {
    const { p256dh } = PushKeys.make().json;
    const salt = Buffer.alloc(16, 1).toString('base64url');
    const headers = {
      TTL: '60',
      'Content-Encoding': 'aesgcm',
      Encryption: `salt=${salt}`,
      'Crypto-Key': `dh=${p256dh}`,
    };
    expect((await post(await town.endpoint(), headers)).status).toBe(201);
    const [kept] = await (await town.browser()).has(1);
    expect(kept?.headers).toEqual({
      encoding: 'aesgcm',
      encryption: `salt=${salt}`,
      cryptoKey: `dh=${p256dh}`,
    });
  });

  test('WP16 4,096 bytes are taken and so are 5,630, one more is not', async () => {
    const endpoint = await town.endpoint();
    expect((await post(endpoint, encrypted, sealed(4_096))).status).toBe(201);
    expect((await post(endpoint, encrypted, sealed(limits.pushBodyBytes))).status).toBe(201);
    const answer = await post(endpoint, encrypted, sealed(limits.pushBodyBytes + 1));
    expect(await envelope(answer)).toMatchObject({ code: 413, errno: 104, error: 'Payload Too Large' });
  });
});

describe('signed pushes', () => {
  const keys = new SenderKeys();
  const signed = (aud: string, by = keys) => {
    const token = by.token({ aud, exp: town.clock.now() / 1_000 + 3_600 });
    return { ...encrypted, Authorization: `vapid t=${token}, k=${by.publicText}` };
  };

  test('WP9 a subscription for a key takes what its holder signed, and nothing else', async () => {
    const endpoint = await town.endpoint('mcs:1', 'a', keys.publicText);
    expect((await post(endpoint, signed(town.origin))).status).toBe(201);
    const unsigned = await post(endpoint);
    expect([unsigned.status, unsigned.headers.get('www-authenticate')]).toEqual([401, 'vapid']);
    const foreign = await post(endpoint, signed(town.origin, new SenderKeys()));
    expect(await envelope(foreign)).toMatchObject({ code: 403, errno: 109 });
  });

  test('WP10 a sender that replaced only the host signs for the host that it was given, or for another of ours', async () => {
    const token = await town.pushes.subscribe('mcs:1', 'a', keys.publicText);
    for (const host of ['https://fcm.googleapis.com', 'https://jmt17.google.com'])
      expect((await post(`${town.origin}/fcm/send/${token}`, signed(host))).status).toBe(201);
    const alias = await post(`${town.origin}/wpush/${token}`, signed('https://push.alias.example'));
    expect(alias.status).toBe(201);
    const elsewhere = await post(`${town.origin}/fcm/send/${token}`, signed('https://elsewhere.example'));
    expect((await envelope(elsewhere)).message).toContain(town.origin);
  });

  test('WP8 a wrong signature is refused also where none is needed', async () => {
    const answer = await post(await town.endpoint(), { ...encrypted, Authorization: 'key=AIza' });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'vapid']);
  });
});

describe('receipts', () => {
  const asked = { ...encrypted, Prefer: 'wait=10, respond-async' };
  const linked = (answer: Response) => /^<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
  const list = async (url: string) =>
    (await (await fetch(url)).json()) as { receipts: { message: string; status: number }[]; waiting: number };

  test('WP11 a push is answered 202 with the address of its receipts', async () => {
    const answer = await post(await town.endpoint(), asked);
    expect([answer.status, answer.headers.get('preference-applied')]).toEqual([202, 'respond-async']);
    expect(answer.headers.get('link')).toEndWith('; rel="urn:ietf:params:push:receipt"');
    expect(located(answer)).toStartWith(`${town.origin}/m/`);
    expect(await list(linked(answer))).toEqual({ receipts: [], waiting: 1 });
  });

  test('WP11 without the wish there are none, each wish has its own, and Push-Receipt joins them', async () => {
    const endpoint = await town.endpoint();
    expect((await post(endpoint, encrypted)).headers.get('link')).toBeNull();
    const first = linked(await post(endpoint, asked));
    expect(linked(await post(endpoint, asked))).not.toBe(first);
    expect(linked(await post(endpoint, { ...asked, 'Push-Receipt': first }))).toBe(first);
    expect(await list(first)).toMatchObject({ waiting: 2 });
  });

  test('WP11 receipts that this server did not give are refused', async () => {
    const endpoint = await town.endpoint();
    const given = linked(await post(endpoint, asked));
    for (const wrong of ['', 'nonsense', 'https://x.example/receipts/abc', `${given}x`]) {
      const answer = await post(endpoint, { ...asked, 'Push-Receipt': wrong });
      expect((await envelope(answer)).message).toContain('Push-Receipt');
    }
  });

  test('WP12 the list tells what was delivered and what will not be', async () => {
    const endpoint = await town.endpoint();
    const browser = await town.browser();
    const delivered = await post(endpoint, asked);
    const receipts = linked(delivered);
    const join = { ...asked, 'Push-Receipt': receipts };
    const [kept] = await browser.has(1);
    if (kept !== undefined) await browser.acknowledge('wp:a', kept);
    const expired = await post(endpoint, { ...join, TTL: '1' });
    town.clock.advance(1_000);
    const taken = await post(endpoint, join);
    await fetch(located(taken), { method: 'DELETE' });
    expect(await list(receipts)).toMatchObject({
      receipts: [
        { message: located(delivered), status: 204, state: 'delivered' },
        { message: located(expired), status: 410, state: 'expired' },
        { message: located(taken), status: 410, state: 'withdrawn' },
      ],
      waiting: 0,
    });
  });

  test('WP12 the stream tells what has ended and what ends while it is open', async () => {
    const endpoint = await town.endpoint();
    const browser = await town.browser();
    const first = await post(endpoint, asked);
    const receipts = linked(first);
    const [kept] = await browser.has(1);
    if (kept !== undefined) await browser.acknowledge('wp:a', kept);
    const stream = await fetch(receipts, { headers: { Accept: 'text/event-stream' } });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const events = eventsOf(stream);
    expect(await events()).toMatchObject({ message: located(first), status: 204 });
    const second = await post(endpoint, { ...asked, 'Push-Receipt': receipts });
    const [, next] = await browser.has(2);
    if (next !== undefined) await browser.acknowledge('wp:a', next);
    expect(await events()).toMatchObject({ message: located(second), status: 204 });
    town.clock.advance(limits.receiptStreamMs);
    expect(await events()).toBeUndefined();
  });

  test('WP25 a stream is told of each delivery as it is confirmed, by its own receipts alone', async () => {
    const endpoint = await town.endpoint();
    const browser = await town.browser();
    const receipts = linked(await post(endpoint, { ...asked, Topic: 'waits' }));
    const others = linked(await post(endpoint, asked));
    const open = async (url: string) =>
      eventsOf(await fetch(url, { headers: { Accept: 'text/event-stream' } }));
    const [events, ofOthers] = [await open(receipts), await open(others)];
    for (const _ of [1, 2, 3]) await post(endpoint, { ...asked, 'Push-Receipt': receipts });
    const [, other, ...mine] = await browser.has(5);
    for (const kept of mine) await browser.acknowledge('wp:a', kept);
    // Nobody turned the clock: no look was due.
    const told = [await events(), await events(), await events()] as { message: string; status: number }[];
    expect(told.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(new Set(told.map(({ message }) => message)).size).toBe(3);
    if (other !== undefined) await browser.acknowledge('wp:a', other);
    expect(await ofOthers()).toMatchObject({ status: 204 });
  });

  test('WP25 what ends without a word is told with the next look, and nothing is told twice', async () => {
    const endpoint = await town.endpoint();
    const browser = await town.browser();
    const brief = await post(endpoint, { ...asked, TTL: '1', Topic: 'brief' });
    const receipts = linked(brief);
    const lasting = await post(endpoint, { ...asked, 'Push-Receipt': receipts });
    const events = eventsOf(await fetch(receipts, { headers: { Accept: 'text/event-stream' } }));
    const [, kept] = await browser.has(2);
    if (kept !== undefined) await browser.acknowledge('wp:a', kept);
    expect(await events()).toMatchObject({ message: located(lasting), status: 204 });
    town.clock.advance(limits.receiptLookMs);
    expect(await events()).toMatchObject({ message: located(brief), status: 410, state: 'expired' });
    town.clock.advance(limits.receiptStreamMs);
    expect(await events()).toBeUndefined();
  });

  test('WP12 streams are limited, and one that is left makes room', async () => {
    const receipts = linked(await post(await town.endpoint(), asked));
    const open = () => fetch(receipts, { headers: { Accept: 'text/event-stream' } });
    const streams = await Promise.all(Array.from({ length: limits.receiptStreams }, open));
    const refused = await open();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '120']);
    await Promise.all(streams.map((stream) => stream.body?.cancel()));
    let status = 429;
    // The server learns of a closed connection when it next looks at it.
    while (status === 429) {
      town.clock.advance(limits.receiptLookMs);
      const again = await open();
      status = again.status;
      await again.body?.cancel();
    }
    expect(status).toBe(200);
  });

  test('WP12 an unknown receipt resource is not found', async () => {
    const answer = await fetch(`${town.origin}/receipts/${'A'.repeat(60)}`);
    expect(await envelope(answer)).toMatchObject({ code: 404, errno: 102 });
  });
});

describe('messages', () => {
  test('WP13 its address tells how a push stands', async () => {
    const endpoint = await town.endpoint();
    const sent = await post(endpoint, { ...encrypted, Topic: 't' });
    const state = async (answer: Response) => (await fetch(located(answer))).json();
    const now = town.clock.now();
    expect(await state(sent)).toEqual({
      message: located(sent),
      state: 'waiting',
      acceptedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + 60_000).toISOString(),
      endedAt: null,
    });
    const newer = await post(endpoint, { ...encrypted, Topic: 't' });
    const browser = await town.browser();
    const [kept] = await browser.has(1);
    if (kept !== undefined) await browser.acknowledge('wp:a', kept);
    expect(await state(newer)).toMatchObject({
      state: 'delivered',
      endedAt: new Date(town.clock.now()).toISOString(),
    });
    expect(await state(sent)).toMatchObject({ state: 'replaced' });
  });

  test('WP13 DELETE takes a push back, once or twice', async () => {
    const sent = await post(await town.endpoint());
    const take = async () => (await fetch(located(sent), { method: 'DELETE' })).status;
    expect([await take(), await take()]).toEqual([204, 204]);
    expect(await (await fetch(located(sent))).json()).toMatchObject({ state: 'withdrawn' });
    const later = await post(await town.endpoint(), encrypted, sealed(130));
    const [kept] = await (await town.browser()).has(1);
    expect(Buffer.from(kept?.payload ?? '', 'base64url')).toHaveLength(130);
    expect((await fetch(`${located(later)}x`, { method: 'DELETE' })).status).toBe(404);
  });

  test('WP13 a name is not to be counted up from another', async () => {
    const name = located(await post(await town.endpoint())).split('/m/')[1] ?? '';
    const bytes = Buffer.from(name, 'base64url');
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    expect((await fetch(`${town.origin}/m/${bytes.toString('base64url')}`)).status).toBe(404);
  });
});

describe('any origin', () => {
  test('WP14 preflights name the methods and every header of a push', async () => {
    const token = await town.pushes.subscribe('mcs:1', 'a', null);
    const methods = { [`/wpush/${token}`]: 'POST', '/m/x': 'GET, DELETE', '/receipts/x': 'GET' };
    for (const [path, allowed] of Object.entries(methods)) {
      const answer = await fetch(`${town.origin}${path}`, { method: 'OPTIONS' });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-methods')).toBe(allowed);
      for (const header of ['Authorization', 'Content-Encoding', 'Crypto-Key', 'TTL', 'Topic', 'Urgency'])
        expect(answer.headers.get('access-control-allow-headers')).toContain(header);
    }
  });

  test('WP14 answers and refusals may be read by any page', async () => {
    const endpoint = await town.endpoint();
    for (const answer of [await post(endpoint), await post(endpoint, {}), await post(`${endpoint}x`)]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-expose-headers')).toContain('Location');
    }
  });
});

describe('refusals', () => {
  interface Row {
    readonly name: string;
    readonly to?: string;
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: BodyInit;
    readonly want: readonly [status: number, errno: number | null];
    readonly says: RegExp;
  }
  const rows: readonly Row[] = [
    { name: 'a strange token', to: '/wpush/abc', want: [404, 102], says: /endpoint exactly as/ },
    { name: 'an unknown version', to: '/wpush/v3/abc', want: [404, 102], says: /address is incomplete/ },
    { name: 'no token', to: '/wpush/', want: [404, 102], says: /address is incomplete/ },
    { name: 'GET', method: 'GET', want: [405, null], says: /takes POST/ },
    { name: 'no TTL', headers: { TTL: '' }, want: [400, 111], says: /TTL: <seconds>/ },
    { name: 'a TTL that is no number', headers: { TTL: '1.5' }, want: [400, 111], says: /It was "1.5"/ },
    { name: 'a negative TTL', headers: { TTL: '-1' }, want: [400, 114], says: /0 or more/ },
    { name: 'a long topic', headers: { Topic: 'x'.repeat(33) }, want: [400, 113], says: /1 to 32 char/ },
    { name: 'a topic with a dot', headers: { Topic: 'a.b' }, want: [400, 113], says: /It was "a.b"/ },
    { name: 'an empty topic', headers: { Topic: '' }, want: [400, 113], says: /or no Topic/ },
    { name: 'an urgency', headers: { Urgency: 'now' }, want: [400, null], says: /very-low, low, normal/ },
    { name: 'no encoding', headers: { 'Content-Encoding': '' }, want: [400, 110], says: /aes128gcm/ },
    { name: 'a plain body', body: 'hello', want: [400, 110], says: /library for web push/ },
    { name: 'a scheme', headers: { Authorization: 'Basic eDp5' }, want: [401, 109], says: /scheme vapid/ },
  ];
  for (const { name, to, method = 'POST', headers, body = sealed(), want, says } of rows) {
    test(`WP15 ${name} is answered ${want[0]} with errno ${want[1]}`, async () => {
      const url = to === undefined ? await town.endpoint() : `${town.origin}${to}`;
      const answer = await fetch(url, {
        method,
        headers: { ...encrypted, ...headers },
        ...(method === 'POST' && { body }),
      });
      expect(answer.headers.get('content-type')).toStartWith('application/json');
      const { code, errno, error, message } = await envelope(answer);
      expect([answer.status, code, errno]).toEqual([want[0], want[0], want[1]]);
      expect(error).not.toBe('');
      expect(message).toMatch(says);
    });
  }

  test('WP15 a wrong method is answered with those that are right', async () => {
    const message = located(await post(await town.endpoint()));
    const answer = await fetch(message, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, DELETE']);
  });

  test('WP17 a full queue is answered 429 with the seconds to wait', async () => {
    const target = await town.pushes.open(await town.pushes.subscribe('mcs:1', 'wp:a', null));
    const push = {
      body: sealed(),
      headers: null,
      ttl: 60,
      topic: null,
      urgency: 'normal',
      receipts: null,
    } as const;
    for (let i = 0; i < limits.queuedPerChannel; i++) await town.pushes.accept(target, push);
    const answer = await post(await town.endpoint());
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '600']);
    expect((await post(await town.endpoint(), { ...encrypted, Topic: 'still' })).status).toBe(201);
  });

  test('WP17 a store that takes nothing is answered 503 with the seconds to wait', async () => {
    const endpoint = await town.endpoint();
    await town.store.close();
    const answer = await post(endpoint);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '120']);
    expect((await envelope(answer)).errno).toBe(201);
  });

  test('WP15 what nobody foresaw is told to the events and not to the sender', async () => {
    const told: unknown[] = [];
    await using broken = new PushTown({
      events: { failed: (where, error) => told.push([where, String(error)]) },
      store: (clock) => {
        const store = new MemoryStore({ clock, random: (bytes) => new Uint8Array(bytes) });
        store.keep = () => Promise.reject(new TypeError('the inside'));
        return store;
      },
    });
    const answer = await post(await broken.endpoint());
    const { code, errno, message } = await envelope(answer);
    expect([code, errno, message.includes('inside')]).toEqual([500, 999, false]);
    expect(told).toEqual([['webpush', 'TypeError: the inside']]);
  });

  test('WP20 who hammers is told to wait, who is told of an end is not, and a good push goes through', async () => {
    const endpoint = await town.endpoint();
    await town.pushes.subscribe('mcs:1', 'gone', null);
    const gone = await town.endpoint('mcs:1', 'gone');
    await town.pushes.unsubscribe('mcs:1', 'gone');
    const hammer = async (url: string) => {
      const statuses = new Set<number>();
      for (let i = 0; i <= limits.refusedPerAddress; i++) statuses.add((await post(url, {}, null)).status);
      return [...statuses];
    };
    expect(await hammer(gone)).toEqual([410]);
    expect(await hammer(endpoint)).toEqual([400, 429]);
    expect((await post(endpoint)).status).toBe(201);
  }, 30_000);

  test('WP20 a refusal carries the seconds to wait once there are too many', async () => {
    const refused = new ReveilleError('rate-limited', undefined, { retryAfterSeconds: 7 });
    await using full = new PushTown({
      store: (clock) => {
        const store = new MemoryStore({
          clock,
          random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
        });
        store.openSubscription = () => Promise.reject(refused);
        return store;
      },
    });
    const answer = await post(await full.endpoint());
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
  });
});

/** The receipts of a stream, one at a call; undefined at its end. */
function eventsOf(stream: Response): () => Promise<unknown> {
  const reader = stream.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  return async () => {
    for (;;) {
      const found = /data: (.*)\n\n/.exec(text);
      if (found !== null) {
        text = text.slice(found.index + found[0].length);
        return JSON.parse(found[1] ?? '');
      }
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || value === undefined) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  };
}
