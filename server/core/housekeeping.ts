import type { Events } from '../observe/events.ts';
import type { Clock } from './clock.ts';
import type { MessageStore } from './store.ts';

/** Between two rounds of pruning when there was nothing left to do. */
const ROUND_MS = 60_000;
/** Between two batches of one round: requests come first. */
const PAUSE_MS = 100;

/** Prunes the store in the background, batch by batch. Answers how to stop. */
export function startHousekeeping(store: MessageStore, clock: Clock, events: Events): () => void {
  let stopped = false;
  let stopTimer = clock.after(ROUND_MS, round);

  function round(): void {
    store.prune().then(
      (removed) => {
        if (removed > 0) events.pruned(removed);
        again(removed > 0 ? PAUSE_MS : ROUND_MS);
      },
      (error: unknown) => {
        if (!stopped) events.failed('prune', error);
        again(ROUND_MS);
      },
    );
  }

  function again(ms: number): void {
    if (!stopped) stopTimer = clock.after(ms, round);
  }

  return () => {
    stopped = true;
    stopTimer();
  };
}
