import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device } from '../client/device.ts';
import type { Seed } from '../dev-env/town.ts';
import { signInToTown } from '../dev-env/town-device.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { limits } from '../protocol/limits.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { decideConfig } from './config/config.ts';
import { ManualClock } from './core/manual-clock.ts';
import { type RunningServer, startServer } from './main.ts';
import { silentEvents } from './observe/events.ts';
import { openLoad, watchMemory } from './overload.ts';

const LIMIT = 100;
const MIB = 1024 * 1024;

let folder: string;
let running: RunningServer;
let seed: Seed;
let memory = 50 * MIB;
const told: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-overload-'));
  const config = decideConfig({ port: '0', data: folder, memoryLimit: String(LIMIT) });
  const events = { ...silentEvents, overloaded: (scarce: string) => told.push(scarce) };
  running = await startServer(config, { memory: () => memory, events });
  const made = await post('/v2/bootstrap', {}, {});
  seed = (await made.json()) as Seed;
});
afterAll(async () => {
  await running.stop();
  await rm(folder, { recursive: true });
});

const post = (path: string, body: unknown, headers: Record<string, string>) =>
  fetch(running.origin + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function senderToken(): Promise<string> {
  const { client, refresh_token } = seed;
  const body = new URLSearchParams({
    client_id: client.client_id,
    client_secret: client.client_secret,
    refresh_token,
    grant_type: 'refresh_token',
  });
  const answer = await fetch(`${running.origin}/o/oauth2/token`, { method: 'POST', body });
  return ((await answer.json()) as { access_token: string }).access_token;
}

test('OL2 near the limit new messages and connections are answered 503, confirms go on, and nothing is lost', async () => {
  const Authorization = `Bearer ${await senderToken()}`;
  const historic = (payload: string) =>
    post(
      '/gcm_for_chrome/v1/messages',
      { channelId: seed.channel_id, subchannelId: 0, payload },
      { Authorization },
    );
  const until = async (status: number, payload: string) => {
    for (;;) {
      const answer = await historic(payload);
      if (answer.status === status) return answer;
      await Bun.sleep(limits.memoryLookMs / 10);
    }
  };
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const last = Promise.withResolvers<void>();
  const device = new Device({
    origin: running.origin,
    signIn: () => signInToTown({ origin: running.origin, seed }),
    onMessage: async ({ payload }) => {
      seen.push(payload);
      if (payload === 'before') await gate.promise;
      if (payload === 'after') last.resolve();
    },
  });
  await device.connect();
  expect((await historic('before')).status).toBe(204);

  memory = LIMIT * MIB;
  const refused = await until(503, 'before');
  expect(refused.headers.get('Retry-After')).toBe(String(limits.overloadedRetrySeconds));
  expect(await refused.json()).toMatchObject({ error: { code: 503, errors: [{ reason: 'backendError' }] } });
  const second = await post(
    '/v2/messages',
    { channels: [seed.channel_id], subchannel: 0, payload: 'no' },
    { Authorization },
  );
  expect(second.status).toBe(503);
  expect(second.headers.get('Content-Type')).toBe('application/problem+json');
  expect(second.headers.get('Retry-After')).toBe(String(limits.overloadedRetrySeconds));
  expect(await second.json()).toMatchObject({ code: 'overloaded' });
  expect((await post('/wpush/v2/whatever', {}, { TTL: '1' })).status).toBe(503);
  for (const path of [CONNECT_PATH, AUTOPUSH_PATH]) {
    const closed = await fetch(running.origin + path);
    expect([closed.status, closed.headers.get('Retry-After')]).toEqual([
      503,
      String(limits.overloadedRetrySeconds),
    ]);
  }
  gate.resolve();
  const figures = async () => await (await fetch(`${running.origin}/metrics`)).text();
  while (!/^reveille_confirmed_total [1-9]/m.test(await figures())) await Bun.sleep(20);
  expect(told).toEqual(['memory']);

  memory = 50 * MIB;
  await until(204, 'after');
  await last.promise;
  expect(seen).not.toContain('no');
  device.close();
});

test('OL2 the memory is read again and again, and the log told now and then', () => {
  const clock = new ManualClock();
  const warned: string[] = [];
  const load = openLoad({}, clock, { overloaded: (scarce) => warned.push(scarce) });
  let bytes = 0;
  const stop = watchMemory(load, LIMIT, clock, () => bytes);
  load.assertRoom();
  bytes = LIMIT * MIB * limits.memoryPart;
  clock.advance(limits.memoryLookMs);
  for (let n = 0; n < 100; n++) expect(() => load.assertRoom()).toThrow('more to do');
  expect(warned).toEqual(['memory']);
  clock.advance(limits.overloadedToldMs);
  expect(() => load.assertMemory()).toThrow('more to do');
  expect(warned).toEqual(['memory', 'memory']);
  bytes -= 1;
  clock.advance(limits.memoryLookMs);
  load.assertRoom();
  stop();
  expect(clock.nextDue()).toBeUndefined();
  watchMemory(load, 0, clock, () => Number.MAX_SAFE_INTEGER);
  load.assertRoom();
});

test('OL2 garbage that came while memory was scarce closes the doors no longer than until it is collected', () => {
  const clock = new ManualClock();
  const load = openLoad({}, clock, { overloaded() {} });
  let held = LIMIT * MIB;
  let bytes = held;
  let collected = 0;
  const collect = () => {
    collected++;
    bytes = held;
  };
  const stop = watchMemory(load, LIMIT, clock, () => bytes, collect);
  expect([load.tight, collected]).toEqual([true, 1]);
  held = 0;
  clock.advance(limits.memoryCollectMs - limits.memoryLookMs);
  expect([load.tight, collected]).toEqual([true, 1]);
  clock.advance(limits.memoryLookMs);
  expect([load.tight, collected]).toEqual([false, 2]);
  bytes = LIMIT * MIB;
  clock.advance(limits.memoryCollectMs);
  expect([load.tight, collected]).toEqual([false, 3]);
  stop();
});
