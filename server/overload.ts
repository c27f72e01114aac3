import { limits } from '../protocol/limits.ts';
import type { Clock } from './core/clock.ts';
import { Load } from './core/load.ts';
import type { Store } from './core/store.ts';
import type { Events } from './observe/events.ts';

const MIB = 1024 * 1024;

/** The load of a server; its log hears of refusals now and then, not of each. */
export function openLoad(
  store: Pick<Store, 'hurry'>,
  clock: Clock,
  events: Pick<Events, 'overloaded'>,
): Load {
  let silentUntil = 0;
  return new Load({
    refusing(scarce) {
      const now = clock.now();
      if (now < silentUntil) return;
      silentUntil = now + limits.overloadedToldMs;
      events.overloaded(scarce);
    },
    hurry: () => store.hurry?.(),
    now: () => performance.now(),
  });
}

/**
 * OL2: reads the memory of the process every limits.memoryLookMs, and shuts the doors for what is new while it is near the limit.
 * @param limitMiB 0 = none
 * @returns ends it.
 */
export function watchMemory(
  load: Load,
  limitMiB: number,
  clock: Clock,
  memory: () => number = () => process.memoryUsage.rss(),
  collect: () => void = () => Bun.gc(true),
): () => void {
  if (limitMiB === 0) return () => {};
  const most = limitMiB * MIB * limits.memoryPart;
  let cancel = () => {};
  let looksUntilCollected = 0;
  const look = () => {
    looksUntilCollected--;
    // What nobody holds any more counts too until it is collected, and a service that takes nothing new makes no garbage that would.
    if (memory() >= most && looksUntilCollected <= 0) {
      looksUntilCollected = limits.memoryCollectMs / limits.memoryLookMs;
      collect();
    }
    load.tight = memory() >= most;
    cancel = clock.after(limits.memoryLookMs, look);
  };
  look();
  return () => cancel();
}
