import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Passage } from './load/push-sockets.ts';

const SYNCS = 500;
/** As much as is written to the log of the database for a message: a frame for each of some pages. */
const BYTES = 5 * 4_096;

/** What the disk itself takes for a commit: a write within a file of `folder` that is long enough, and its sync, one after the other. */
export function plainSyncs(folder: string): Passage {
  const file = openSync(join(folder, 'plain-sync'), 'w');
  writeSync(file, Buffer.alloc(SYNCS * BYTES));
  fdatasyncSync(file);
  const bytes = Buffer.alloc(BYTES, 1);
  const times = Array.from({ length: SYNCS }, (_, number) => {
    const begin = performance.now();
    writeSync(file, bytes, 0, BYTES, number * BYTES);
    fdatasyncSync(file);
    return performance.now() - begin;
  }).sort((a, b) => a - b);
  closeSync(file);
  const at = (part: number) => times[Math.floor((times.length - 1) * part)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
