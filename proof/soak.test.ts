import { expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions } from './options.ts';
import { fitLine } from './slope.ts';
import { growthOf, type Soak, soak } from './soak.ts';
import { soakVerdict, writeSoak } from './soak-report.ts';

test('PF4 a short soak on a real server loses nothing, and keeps what it saw', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-soak-'));
  try {
    const kept: Soak[] = [];
    const ears = { tell() {}, keep: async (soFar: Soak) => void kept.push(soFar) };
    const verdict = await soak({ minutes: 0.08, perSecond: 100 }, ears);
    expect(verdict).toMatchObject({ lost: 0, complaints: [], counts: { failed: 0 } });
    expect(verdict.counts.accepted).toBeGreaterThan(100);
    expect(verdict.counts.multicasts).toBeGreaterThan(0);
    expect(verdict.counts.acknowledged).toBe(verdict.counts.pushes);
    expect(kept.at(-1)).toEqual(verdict);
    await writeSoak(folder, verdict);
    const text = await readFile(join(folder, 'soak.md'), 'utf8');
    expect(text).toContain(soakVerdict(verdict));
    const lines = (await readFile(join(folder, 'soak.csv'), 'utf8')).trim().split('\n');
    expect(lines.length).toBe(verdict.samples.length + 1);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);

test('PF4 what is kept of each message shows in the slope, what was taken once does not', () => {
  const samples = (each: number) =>
    Array.from({ length: 100 }, (_, at) => ({
      seconds: at * 15,
      accepted: at * 1_000,
      resident: 1e8 + Math.min(at, 20) * 1e6 + at * 1_000 * each,
      heap: 0,
      disk: 0,
    }));
  expect(growthOf(samples(0), 'resident').bytesPerMessage).toBeCloseTo(0);
  expect(growthOf(samples(16), 'resident').bytesPerMessage).toBeCloseTo(16);
  expect(growthOf(samples(16), 'resident').bytesPerHour).toBeCloseTo(16 * 1_000 * 240);
  expect(() => fitLine([[0, 1]])).toThrow('three points');
});

test('PF4 an option that is not known, or is no number, is refused', () => {
  expect(readOptions(['--soak', '--minutes', '2'])).toMatchObject({ soak: true, minutes: 2, rate: 150 });
  for (const words of [['--soka'], ['--soak', '--minutes', 'long'], ['--rate', '0']])
    expect(() => readOptions(words)).toThrow();
});
