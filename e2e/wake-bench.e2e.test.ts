import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureWakes } from '../bench/figures/wake.ts';

test('BE12 BE13 a stopped worker is woken in both browsers, beside a bare responder, and the server is timed apart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-wake-'));
  const bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder };
  try {
    const { keys, rows, failed } = await measureWakes(bench, { wakes: 1, pushes: 20, warmUp: 20 });
    for (const browser of ['firefox', 'chromium']) {
      for (const what of ['ms', 'ofBare', 'server.p99'])
        expect(keys[`wake.${browser}.${what}`]?.value).toBeGreaterThan(0);
    }
    expect(rows.map(({ own }) => own)).toEqual([true, false, true, false]);
    expect(failed).toBe(0);
  } finally {
    await rm(folder, { recursive: true, maxRetries: 5 });
  }
}, 180_000);
