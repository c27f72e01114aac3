import type { Events } from '../observe/events.ts';
import type { Clock } from './clock.ts';
import type { MessageStore } from './store.ts';

/** Between two rounds of pruning when there was nothing left to do. */
const ROUND_MS = 60_000;
/** Between two batches of one round: requests come first. */
const PAUSE_MS = 100;

/**
 * Prunes the store in the background, batch by batch, and ends what nobody comes back for. Answers how to stop.
 * @param endSilent ends some browser profiles that were silent for too long and answers how many.
 */
export function startHousekeeping(
  store: MessageStore,
  endSilent: () => Promise<number>,
  clock: Clock,
  events: Events,
): () => void {
  let stopped = false;
  let stopTimer = clock.after(ROUND_MS, round);

  function round(): void {
    work().then(
      (done) => again(done > 0 ? PAUSE_MS : ROUND_MS),
      (error: unknown) => {
        if (!stopped) events.failed('prune', error);
        again(ROUND_MS);
      },
    );
  }

  async function work(): Promise<number> {
    const removed = await store.prune();
    if (removed > 0) events.pruned(removed);
    return removed + (await endSilent());
  }

  function again(ms: number): void {
    if (!stopped) stopTimer = clock.after(ms, round);
  }

  return () => {
    stopped = true;
    stopTimer();
  };
}
