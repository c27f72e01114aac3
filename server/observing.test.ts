import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { openControlDatabase } from './accounts/open-database.ts';
import { ManualClock, seededRandom } from './core/manual-clock.ts';
import type { Ground } from './foundation.ts';
import { Metrics } from './observe/metrics.ts';
import { openObserving } from './observing.ts';
import { MemoryStore } from './stores/memory.ts';

let town: Town;
beforeAll(async () => {
  town = await Town.start();
});
afterAll(() => town[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${town.origin}${path}`, { headers });
const figures = async () => await (await get('/metrics')).text();

describe('figures', () => {
  test('OB1 every message that is kept, offered and confirmed is counted, with how long it took, and nobody is named', async () => {
    const confirmed = Promise.withResolvers<void>();
    const device = townDevice(town, { onMessage: () => confirmed.resolve() });
    await device.connect();
    const token = await town.accessToken();
    const message = { channelId: town.seed.channel_id, subchannelId: 0, payload: 'count me' };
    expect((await town.send(token, message)).status).toBe(204);
    expect((await town.send('stranger', message)).status).toBe(401);
    await confirmed.promise;
    let text = await figures();
    while (!text.includes('reveille_confirmed_total 1')) text = await figures();
    for (const line of [
      'reveille_accepted_total 1',
      'reveille_offered_total 1',
      'reveille_accept_seconds_count 1',
      'reveille_confirm_seconds_count 1',
      'reveille_connected{gateway="websocket"} 1',
      'reveille_refused_total{door="messages",code="token-invalid"} 1',
    ])
      expect(text).toContain(line);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    for (const name of [town.seed.project.id, town.seed.app.id, town.seed.channel_id.slice(0, 20), token])
      expect(text).not.toContain(name);
    device.close();
    while (!(await figures()).includes('reveille_connected{gateway="websocket"} 0'));
  });

  test('OB1 the board asks for figures that there are', async () => {
    const board = await readFile(new URL('../ops/grafana.json', import.meta.url), 'utf8');
    const known = new Set((await figures()).match(/^# TYPE \S+/gm)?.map((line) => line.slice(7)));
    const asked = board.match(/(?:reveille|process)_[a-z_]+/g) ?? [];
    expect(asked.length).toBeGreaterThan(8);
    for (const name of asked) expect(known).toContain(name.replace(/_(bucket|count|sum)$/, ''));
  });

  test('OB2 from elsewhere, through a proxy or under a foreign name the token of the operator is asked for', async () => {
    for (const foreign of [
      { 'X-Forwarded-For': '203.0.113.9' },
      { Via: '1.1 proxy' },
      { Host: 'evil.example' },
    ]) {
      expect((await get('/metrics', foreign)).status).toBe(401);
      expect((await get('/metrics', { ...foreign, Authorization: 'Bearer guess' })).status).toBe(401);
      const key = await readFile(join(town.dataFolder, 'operator.token'), 'utf8');
      const answer = await get('/metrics', { ...foreign, Authorization: `Bearer ${key}` });
      expect(answer.status).toBe(200);
    }
  });
});

test('OB3 /readyz tells one word: ready, while both databases answer', async () => {
  const answer = await get('/readyz');
  expect([answer.status, await answer.text()]).toEqual([200, 'ready\n']);
  expect(await (await get('/healthz')).text()).toBe('ok\n');
});

test('OB3 a server that stops, or whose database does not answer, is not ready', async () => {
  const control = await openControlDatabase(':memory:');
  const clock = new ManualClock();
  const store = new MemoryStore({ clock, random: seededRandom(1) });
  const ground = { db: control.db, core: { store }, world: { clock } } as unknown as Ground;
  const { doors, stopping } = openObserving(ground, new Metrics(() => clock.now()));
  const ask = async (of: typeof doors) => {
    const url = new URL('http://127.0.0.1/readyz');
    const answer = await new Map(of).get('/readyz')?.(new Request(url), url, { address: '127.0.0.1' });
    return [answer?.status, await answer?.text()];
  };
  expect(await ask(doors)).toEqual([200, 'ready\n']);
  const later = openObserving(ground, new Metrics(() => clock.now()));
  stopping();
  expect(await ask(doors)).toEqual([503, 'not ready\n']);
  await control.close();
  expect(await ask(later.doors)).toEqual([503, 'not ready\n']);
});
