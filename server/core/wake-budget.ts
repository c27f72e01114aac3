import { limits } from '../../protocol/limits.ts';
import type { DeviceKey } from './keys.ts';

const HOUR_MS = 3_600_000;

interface Spent {
  /** When its hour began. */
  since: number;
  wakes: number;
  lastAt: number;
}

/**
 * WK5: how often a device may be woken: limits.wakesPerHour, then with a gap that doubles from limits.wakeGapMs up to
 * limits.wakeGapMsMax until its hour has passed. Remembers limits.wakesRemembered devices, those that were woken last.
 */
export class WakeBudget {
  readonly #spent = new Map<DeviceKey, Spent>();

  /** Takes one wake-up at time `now`. Answers 0, or the milliseconds after which it may be asked again. */
  take(device: DeviceKey, now: number): number {
    const spent = this.#hourOf(device, now);
    const over = spent.wakes - limits.wakesPerHour;
    if (over >= 0) {
      const gap = Math.min(limits.wakeGapMs * 2 ** over, limits.wakeGapMsMax);
      const waitMs = Math.min(spent.lastAt + gap, spent.since + HOUR_MS) - now;
      if (waitMs > 0) return waitMs;
    }
    spent.wakes += 1;
    spent.lastAt = now;
    // Deleted first, so that the order of the map is the order of the last wake-ups.
    this.#spent.delete(device);
    this.#spent.set(device, spent);
    return 0;
  }

  /** Wake-ups of a device in its present hour. */
  spentBy(device: DeviceKey, now: number): number {
    const spent = this.#spent.get(device);
    return spent === undefined || now - spent.since >= HOUR_MS ? 0 : spent.wakes;
  }

  #hourOf(device: DeviceKey, now: number): Spent {
    const known = this.#spent.get(device);
    // A clock that stepped back must not shut a device out until it has caught up.
    if (known !== undefined && now >= known.since && now - known.since < HOUR_MS) return known;
    const [oldest] = this.#spent.keys();
    if (this.#spent.size >= limits.wakesRemembered && oldest !== undefined) this.#spent.delete(oldest);
    return { since: now, wakes: 0, lastAt: now };
  }
}
