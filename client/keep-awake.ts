import type { Timers } from './ports.ts';

/** A Chromium worker stops after 30 s without an event or an extension API call; timers and promises do not count. */
export const touchMs = 20_000;

/**
 * Keeps a worker awake while at least one reason stands.
 * @param touch calls some extension API.
 * @returns `awake()`, which adds a reason and returns how to end it, to be called once.
 */
export function createKeepAwake(touch: () => void, timers: Timers): () => () => void {
  let reasons = 0;
  let stop: (() => void) | undefined;
  const again = (): void => {
    stop = timers.after(touchMs, () => {
      touch();
      again();
    });
  };
  return () => {
    reasons += 1;
    // Whatever event brought the reason keeps the worker awake for longer than the first wait.
    if (reasons === 1) again();
    return () => {
      reasons -= 1;
      if (reasons === 0) stop?.();
    };
  };
}
