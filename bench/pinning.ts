import { availableParallelism } from 'node:os';

/** What stands before a command line so that it runs on one core of its own. */
export interface Pinning {
  readonly server: readonly string[];
  readonly load: readonly string[];
  /** For the reader of the results. */
  readonly told: string;
}

/** The server on the first core, the load on the second; without a second one, or without taskset, everything anywhere. */
export function choosePinning(): Pinning {
  if (availableParallelism() < 2)
    return { server: [], load: [], told: 'one core for everything: load and server share it' };
  const taskset = Bun.which('taskset');
  if (taskset === null)
    return { server: [], load: [], told: 'nothing is pinned: taskset (Debian: util-linux) is missing' };
  return {
    server: [taskset, '-c', '0'],
    load: [taskset, '-c', '1'],
    told: 'each server on core 0, the load on core 1',
  };
}
