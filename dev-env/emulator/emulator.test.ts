import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device, type DeviceOptions } from '../../client/device.ts';
import { decideConfig } from '../../server/config/config.ts';
import { startServer } from '../../server/main.ts';
import { Emulator } from './emulator.ts';
import type { EmulatedUser } from './emulator-door.ts';

const emulator = await Emulator.start({ port: 0 });
const { origin } = emulator;
const first = emulator.town;
beforeEach(() => emulator.reset());
afterAll(() => emulator[Symbol.asyncDispose]());

interface Listed {
  readonly total: number;
  readonly messages: readonly {
    readonly payload: string;
    readonly channelId: string;
    readonly subchannel: string;
    readonly devices: readonly {
      readonly name: string;
      readonly state: string;
      readonly endedAt: string | null;
    }[];
  }[];
}

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const typed = { 'Content-Type': 'application/json', ...headers };
  return fetch(origin + path, {
    method,
    headers: typed,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function send(payload: string, more: Record<string, unknown> = {}): Promise<Response> {
  const body = { channels: [emulator.town.channel_id], payload, ...more };
  return await call('POST', '/v2/messages', body, { Authorization: `Bearer ${emulator.town.access_token}` });
}

const listed = async (query = ''): Promise<Listed> =>
  (await (await call('GET', `/emulator/messages${query}`)).json()) as Listed;
const advance = (advanceMs: number) => call('POST', '/emulator/clock', { advanceMs });

/** A device of the town, and what it was shown. */
function device(options: Partial<DeviceOptions> = {}) {
  const shown: string[] = [];
  const hearers = new Set<() => void>();
  const made = new Device({
    origin,
    name: 'phone',
    signIn: async () => emulator.town.receiver_token,
    onMessage: ({ payload }) => {
      shown.push(payload);
      for (const hear of hearers) hear();
    },
    ...options,
  });
  /** Settles once so many were shown. */
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (shown.length < count) return;
        hearers.delete(look);
        resolve();
      };
      hearers.add(look);
      look();
    });
  return { made, shown, until, [Symbol.dispose]: () => made.close() };
}

describe('the town', () => {
  test('EM2 is the same in another run and after a reset, but for the cookie', async () => {
    const { cookie: _cookie, ...town } = first;
    expect(emulator.town).toMatchObject(town);
    await using other = await Emulator.start({ port: 0 });
    const there = (text: string) => text.replaceAll(origin, other.origin);
    expect(other.town).toMatchObject(JSON.parse(there(JSON.stringify(town))) as object);
    await using stranger = await Emulator.start({ port: 0, seed: 'another' });
    for (const field of ['refresh_token', 'channel_id', 'access_token', 'receiver_token'] as const)
      expect(stranger.town[field]).not.toBe(town[field]);
    expect(stranger.town.app.id).not.toBe(town.app.id);
  });

  test('EM1 sends with its tokens, and its account signs in', async () => {
    const { client, refresh_token, access_token, account, channel_id } = emulator.town;
    const token = await fetch(`${origin}/o/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: client.client_id,
        client_secret: client.client_secret,
        refresh_token,
        grant_type: 'refresh_token',
      }),
    });
    expect(await token.json()).toMatchObject({ access_token });
    const message = { channelId: channel_id, subchannelId: '1', payload: 'as it was' };
    const authorization = { Authorization: `Bearer ${access_token}` };
    expect((await call('POST', '/gcm_for_chrome/v1/messages', message, authorization)).status).toBe(204);
    expect((await call('POST', '/accounts/api/sign-in/email', account)).status).toBe(200);
    expect(await (await call('GET', '/emulator')).json()).toMatchObject(emulator.town);
  });

  test('EM9 gets one more person at each request, whose devices hear only of their own channel', async () => {
    const answer = await call('POST', '/emulator/users');
    const user = (await answer.json()) as EmulatedUser;
    expect(user.channel_id).not.toBe(emulator.town.channel_id);
    expect(user.channel_id.split('/')[1]).toBe(emulator.town.app.id);
    expect((await call('POST', '/accounts/api/sign-in/email', user.account)).status).toBe(200);
    using theirs = device({ signIn: async () => user.receiver_token });
    await theirs.made.connect();
    await send('mine');
    await send('yours', { channels: [user.channel_id] });
    await theirs.until(1);
    expect(theirs.shown).toEqual(['yours']);
    await call('POST', '/emulator/users');
    await emulator.reset();
    expect((await (await call('POST', '/emulator/users')).json()) as EmulatedUser).toEqual(user);
  });
});

describe('the clock', () => {
  test('EM3 stands still until it is moved, forwards and back', async () => {
    const clock = async () => ((await (await call('GET', '/emulator/clock')).json()) as { now: string }).now;
    expect(await clock()).toBe('2026-01-01T00:00:00.000Z');
    await advance(1_500);
    expect(await clock()).toBe('2026-01-01T00:00:01.500Z');
    await call('POST', '/emulator/clock', { now: '2026-03-01T01:00:00+01:00' });
    expect(await clock()).toBe('2026-03-01T00:00:00.000Z');
    await advance(-1_000);
    expect(await clock()).toBe('2026-02-28T23:59:59.000Z');
    for (const wrong of [{}, { advanceMs: 0.5 }, { now: 'tomorrow' }, { advanceMs: 1, now: '2026-03-01' }])
      expect((await call('POST', '/emulator/clock', wrong)).status).toBe(400);
  });

  test('EM4 when moved lets messages and tokens expire', async () => {
    using phone = device({ confirm: false });
    await phone.made.connect();
    phone.made.close();
    await send('brief', { ttl: 60 });
    await send('long', { subchannel: 1 });
    await advance(59_999);
    expect((await listed()).messages.map(({ devices }) => devices[0]?.state)).toEqual(['waiting', 'waiting']);
    await advance(1);
    expect((await listed()).messages.map(({ devices }) => devices[0]?.state)).toEqual(['waiting', 'expired']);
    await advance(3_600_000);
    expect((await send('too late')).status).toBe(401);
  });

  test('EM4 when moved offers again what was not confirmed, 30 s after the last offer and doubling', async () => {
    using phone = device({ confirm: false });
    await phone.made.connect();
    await send('again');
    await phone.until(1);
    await advance(29_999);
    await advance(1);
    await phone.until(2);
    await advance(59_999);
    expect(phone.shown).toHaveLength(2);
    await advance(1);
    await phone.until(3);
  });

  test('EM5 moves a day while a device stays connected, and eases no limit of calls', async () => {
    const notes: string[] = [];
    using phone = device({ onNote: (note) => notes.push(note) });
    await phone.made.connect();
    const wrong = { ...emulator.town.account, password: 'not this one' };
    const signIn = async () => (await call('POST', '/accounts/api/sign-in/email', wrong)).status;
    const tries = await Promise.all(Array.from({ length: 12 }, signIn));
    expect(tries).toContain(429);
    await advance(86_400_000);
    expect(await signIn()).toBe(429);
    const { client, refresh_token } = emulator.town;
    const form = { ...client, redirect_uris: '', refresh_token, grant_type: 'refresh_token' };
    const token = await fetch(`${origin}/o/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    const { access_token } = (await token.json()) as { access_token: string };
    const body = { channels: [emulator.town.channel_id], payload: 'tomorrow' };
    await call('POST', '/v2/messages', body, { Authorization: `Bearer ${access_token}` });
    await phone.until(1);
    expect(notes).toEqual([]);
  });
});

describe('messages', () => {
  test('EM6 are listed newest first with their state on each device', async () => {
    using phone = device();
    await phone.made.connect();
    await send('one');
    await phone.until(1);
    const other = ((await (await call('POST', '/emulator/users')).json()) as EmulatedUser).channel_id;
    await send('two', { channels: [other], subchannel: 2 });
    let { messages, total } = await listed();
    while (messages[1]?.devices[0]?.state !== 'confirmed') ({ messages, total } = await listed());
    expect(messages.map(({ payload, subchannel }) => [payload, subchannel])).toEqual([
      ['two', '2'],
      ['one', '0'],
    ]);
    expect(messages[0]?.devices).toEqual([]);
    expect(messages[1]?.devices).toMatchObject([{ name: 'phone', endedAt: '2026-01-01T00:00:00.000Z' }]);
    expect(total).toBe(2);
    expect((await listed(`?channel=${other}`)).messages.map(({ channelId }) => channelId)).toEqual([other]);
    expect((await listed('?limit=1')).messages).toHaveLength(1);
    expect((await call('GET', '/emulator/messages?limit=0')).status).toBe(400);
  });

  test('EM8 are forgotten alone, with what they took of the quota', async () => {
    using phone = device({ confirm: false });
    await phone.made.connect();
    await send('gone');
    await phone.until(1);
    await emulator.moveTo(emulator.now + 1);
    expect((await call('DELETE', '/emulator/messages')).status).toBe(204);
    expect(await listed()).toEqual({ messages: [], total: 0 });
    await advance(3_600_000 - 60_000);
    await send('fresh', { subchannel: 1 });
    await phone.until(2);
    expect(phone.shown).toEqual(['gone', 'fresh']);
  });

  test('EM7 and all else begin anew; requests wait meanwhile and devices come back', async () => {
    using phone = device();
    await phone.made.connect();
    await send('before');
    await advance(5_000);
    const reset = call('DELETE', '/emulator');
    const meanwhile = call('GET', '/healthz');
    expect([(await reset).status, (await meanwhile).status]).toEqual([204, 200]);
    expect(emulator.now).toBe(Date.parse('2026-01-01T00:00:00Z'));
    expect((await listed()).total).toBe(0);
    using again = device();
    await again.made.connect();
    await send('after');
    await again.until(1);
    expect(again.shown).toEqual(['after']);
  });
});

describe('who may', () => {
  test('EM10 refuses a host that others reach, and pages of other sites', async () => {
    await expect(Emulator.start({ host: '0.0.0.0', port: 0 })).rejects.toThrow('loopback only');
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { Host: 'rebound.example' },
    ])
      expect((await call('DELETE', '/emulator', undefined, headers)).status).toBe(403);
    expect((await call('GET', '/emulator', undefined, { Origin: 'http://localhost:5173' })).status).toBe(200);
    expect((await call('PUT', '/emulator')).status).toBe(405);
    expect((await call('GET', '/emulator/nothing')).status).toBe(404);
  });

  test('EM11 serve answers none of the routes', async () => {
    const data = await mkdtemp(join(tmpdir(), 'reveille-served-'));
    const served = await startServer(decideConfig({ port: '0', data, logLevel: 'silent' }));
    try {
      for (const [method, path] of [
        ['GET', '/emulator'],
        ['DELETE', '/emulator'],
        ['GET', '/emulator/messages'],
        ['DELETE', '/emulator/messages'],
        ['GET', '/emulator/clock'],
        ['POST', '/emulator/clock'],
        ['POST', '/emulator/users'],
      ] as const) {
        // Here it is answered, there it is not.
        expect([
          method,
          path,
          (await call(method, path, method === 'POST' ? { advanceMs: 0 } : undefined)).status < 300,
        ]).toEqual([method, path, true]);
        expect((await fetch(served.origin + path, { method })).status).toBe(404);
      }
    } finally {
      await served.stop();
      await rm(data, { recursive: true, force: true });
    }
  });
});
