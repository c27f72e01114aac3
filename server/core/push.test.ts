import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { PushTown } from '../../dev-env/push-town.ts';
import type { ReveilleError } from '../../protocol/errors.ts';
import { limits, retentionMs } from '../../protocol/limits.ts';
import { MemoryStore } from '../stores/memory.ts';
import { grantedTtl, PUSH_PROJECT, type Push } from './push.ts';

const push = (text: string, change: Partial<Push> = {}): Push => ({
  body: Buffer.from(text),
  headers: { encoding: 'aes128gcm' },
  ttl: 60,
  topic: null,
  urgency: 'normal',
  receipts: null,
  ...change,
});

const code = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: ReveilleError) => error.code,
  );

let town: PushTown;
beforeEach(() => {
  town = new PushTown();
});
afterEach(() => town[Symbol.asyncDispose]());

async function accept(token: string, one: Push) {
  return town.pushes.accept(await town.pushes.open(token), one);
}

describe('subscriptions', () => {
  test('WP21 the same name gets the same token, other names others', async () => {
    const token = await town.pushes.subscribe('mcs:1', 'a', null);
    expect(await town.pushes.subscribe('mcs:1', 'a', null)).toBe(token);
    expect(await town.pushes.subscribe('mcs:1', 'b', null)).not.toBe(token);
    expect(await town.pushes.subscribe('mcs:2', 'a', null)).not.toBe(token);
    expect((await town.pushes.open(token)).senderKey).toBeNull();
    expect((await town.pushes.open(await town.pushes.subscribe('mcs:1', 'a', 'key'))).senderKey).toBe('key');
  });

  test('WP21 names too long for a token are refused, and nothing is made', async () => {
    expect(await code(town.pushes.subscribe('mcs:1', 'a'.repeat(2_000), null))).toBe('input-invalid');
    expect(await town.store.subscriptionsOf('mcs:1')).toEqual([]);
  });

  test('WP21 a subscription made while the browser is connected is served at once', async () => {
    const browser = await town.browser();
    await accept(await town.pushes.subscribe('mcs:1', 'a', null), push('x'));
    expect(await browser.has(1)).toMatchObject([{ payload: Buffer.from('x').toString('base64url') }]);
  });

  test('WP3 a token of before a lost database is opened, for a connected browser too', async () => {
    const token = await new PushTown().pushes.subscribe('mcs:1', 'a', 'key');
    const browser = await town.browser();
    await accept(token, push('x'));
    expect(await browser.has(1)).toHaveLength(1);
    expect(await code(town.pushes.open(`${token.slice(0, -1)}_`))).toBe('endpoint-unknown');
  });

  test('WP23 tokens of one browser have nothing in common, and show neither holder nor name', async () => {
    const [one, two] = await Promise.all(
      ['a', 'b'].map((name) => town.pushes.subscribe('mcs:1', name, 'key')),
    );
    const bytes = [one, two].map((token) => Buffer.from(token ?? '', 'base64url'));
    for (const each of bytes) for (const text of ['mcs', 'key']) expect(each.includes(text)).toBe(false);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = bytes;
    const windows = Array.from({ length: first.length - 3 }, (_, at) => first.subarray(at, at + 4));
    expect(windows.filter((window) => second.includes(window))).toEqual([]);
  });

  test('WP23 a token that was changed or written otherwise is not ours', async () => {
    const token = await town.pushes.subscribe('mcs:1', 'a', 'key');
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(town.endpoints.open(`${token.slice(0, at)}${other}${token.slice(at + 1)}`)).toBeUndefined();
    }
    for (const text of ['', token.slice(1), `${token}=`, `${token}A`, `${token} `, '~'])
      expect(town.endpoints.open(text)).toBeUndefined();
    expect(town.endpoints.open(token)).toMatchObject({ holder: 'mcs:1', name: 'a' });
  });

  test('WP22 what was given up is gone, also what was never heard of', async () => {
    const token = await town.pushes.subscribe('mcs:1', 'a', null);
    await town.pushes.unsubscribe('mcs:1', 'a');
    expect(await code(town.pushes.open(token))).toBe('endpoint-gone');
    const unheard = await new PushTown().pushes.subscribe('mcs:1', 'unheard', null);
    await town.pushes.unsubscribe('mcs:1', 'unheard');
    await town.pushes.unsubscribe('mcs:1', 'unheard');
    expect(await code(town.pushes.open(unheard))).toBe('endpoint-gone');
  });

  test('WP22 after giving up nothing is offered, after subscribing again what comes is', async () => {
    const browser = await town.browser();
    await town.pushes.subscribe('mcs:1', 'a', null);
    await town.pushes.unsubscribe('mcs:1', 'a');
    const token = await town.pushes.subscribe('mcs:1', 'a', null);
    await accept(token, push('again'));
    expect(await browser.has(1)).toHaveLength(1);
  });

  test('WP22 profiles that stayed away lose their subscriptions, a connected one does not', async () => {
    const away = await town.pushes.subscribe('away', 'a', null);
    const connected = await town.pushes.subscribe('connected', 'a', null);
    await town.browser('connected');
    const end = () => town.pushes.endSilent((holder) => town.holdings.isHeld(holder));
    town.clock.advance(limits.silentHolderDays * 86_400_000);
    expect(await end()).toBe(0);
    town.clock.advance(1);
    expect(await end()).toBe(1);
    expect(await end()).toBe(0);
    expect(await code(town.pushes.open(away))).toBe('endpoint-gone');
    expect(await code(town.pushes.open(connected))).toBe('done');
  });
});

describe('pushes', () => {
  test('WP1 a push is kept as it is, and counts for no project of anybody', async () => {
    const kept = await accept(await town.pushes.subscribe('h', 'a', null), push('x'));
    const now = town.clock.now();
    expect(kept).toMatchObject({ slot: null, acceptedAt: now, expiresAt: now + 60_000 });
    expect(kept.headers).toEqual({ encoding: 'aes128gcm' });
    expect(await town.store.acceptedOn(PUSH_PROJECT, '2026-11-24')).toBe(1);
  });

  test('WP4 a TTL over the limit is cut, 0 waits a moment', async () => {
    const token = await town.pushes.subscribe('h', 'a', null);
    const long = await accept(token, push('x', { ttl: 1e20 }));
    const instant = await accept(token, push('y', { ttl: 0 }));
    expect(long.expiresAt - long.acceptedAt).toBe(retentionMs);
    expect(instant.expiresAt - instant.acceptedAt).toBe(limits.instantMs);
    expect([grantedTtl(0), grantedTtl(7), grantedTtl(1e20)]).toEqual([0, 7, retentionMs / 1_000]);
    town.clock.advance(limits.instantMs);
    expect((await (await town.browser('h')).has(1)).map((one) => one.version)).toEqual([long.version]);
  });

  test('WP5 a topic is a slot of its own, without one the queue keeps all', async () => {
    const token = await town.pushes.subscribe('h', 'a', null);
    for (const topic of ['news', null, 'news', null]) await accept(token, push(`${topic}`, { topic }));
    const slots = (await (await town.browser('h')).has(3)).map((one) => String(one.slot));
    expect(slots.toSorted()).toEqual(['null', 'null', 't:news']);
  });

  test('WP6 the urgency is kept', async () => {
    const token = await town.pushes.subscribe('h', 'a', null);
    expect((await accept(token, push('x', { urgency: 'high' }))).urgency).toBe('high');
    expect('urgency' in (await accept(token, push('x')))).toBe(false);
  });

  test('WP3 a subscription removed between opening and keeping is gone', async () => {
    const target = await town.pushes.open(await town.pushes.subscribe('h', 'a', null));
    await town.pushes.unsubscribe('h', 'a');
    expect(await code(town.pushes.accept(target, push('x')))).toBe('endpoint-gone');
  });

  test('WP17 a full queue says when to come again, other refusals of the store are as they are', async () => {
    const target = await town.pushes.open(await town.pushes.subscribe('h', 'a', null));
    for (let i = 0; i < limits.queuedPerChannel; i++) await town.pushes.accept(target, push('x'));
    const refused = await town.pushes.accept(target, push('x')).catch((error: ReveilleError) => error);
    expect(refused).toMatchObject({
      code: 'queue-full',
      facts: { retryAfterSeconds: limits.queueRetrySeconds },
    });
    await town.store.close();
    expect(await code(town.pushes.accept(target, push('x')))).toBe('unavailable');
  });

  test('WP13 what was taken back is not offered to a connected browser again', async () => {
    const token = await town.pushes.subscribe('h', 'a', null);
    const browser = await town.browser('h');
    const kept = await accept(token, push('x'));
    await browser.has(1);
    expect(await town.pushes.withdraw(kept.version)).toBe(true);
    expect(await town.pushes.withdraw(kept.version)).toBe(false);
    town.clock.advance(limits.reofferMs);
    await accept(token, push('y'));
    expect((await browser.has(2)).map((one) => one.payload)).toEqual(
      ['x', 'y'].map((text) => Buffer.from(text).toString('base64url')),
    );
  });

  test('WP3 a failure that the store did not foresee stays what it is', async () => {
    const failing = new PushTown({
      store: (clock) => {
        const store = new MemoryStore({ clock, random: (bytes) => new Uint8Array(bytes) });
        store.keep = () => Promise.reject(new TypeError('unforeseen'));
        return store;
      },
    });
    const target = await failing.pushes.open(await failing.pushes.subscribe('h', 'a', null));
    expect(failing.pushes.accept(target, push('x'))).rejects.toThrow(TypeError);
    await failing[Symbol.asyncDispose]();
  });
});
