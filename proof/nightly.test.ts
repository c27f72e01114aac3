import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepVerdict } from './nightly.ts';

test('PF8 each long run adds a line with its day, rounds and counts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-nightly-'));
  try {
    const results = join(folder, 'results');
    const at = Date.UTC(2026, 10, 24);
    const well = { accepted: 7_000, lost: 0, duplicated: 0, reordered: 0 };
    await keepVerdict(results, at, { histories: 900, crashes: 500 }, well);
    await keepVerdict(results, at, { histories: 10, crashes: 500 }, { ...well, lost: 1 });
    const lines = readFileSync(join(results, 'nightly.md'), 'utf8').trimEnd().split('\n');
    expect(lines.slice(-2)).toEqual([
      '| 2026-11-24 | 900 | 500 | 7000 | 0 | 0 | 0 |',
      '| 2026-11-24 | 10 | 500 | 7000 | 1 | 0 | 0 |',
    ]);
    expect(lines[0]).toBe('# Long runs of the proof');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
