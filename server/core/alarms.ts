import type { Clock } from './clock.ts';

/** Whoever wants to look again at a moment. */
export interface Sleeper {
  /** The moment has come; the alarm is over. */
  rang(): void;
}

/** A timer for all who chose the same moment together. */
export interface Alarm {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** Called off for one of them. */
  leave(sleeper: Sleeper): void;
}

/**
 * Sets alarms. Those of a fan-out are set one after the other for the same moment, and share a timer: a timer for each device
 * would cost more than all else that the core does for it.
 */
export class Alarms {
  readonly #clock: Clock;
  #last: SharedAlarm | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param at in milliseconds since 1970; what is past rings soon. */
  set(sleeper: Sleeper, at: number): Alarm {
    const now = this.#clock.now();
    // None that was set earlier is joined: the clock may have stepped since, and that one counts from before.
    if (this.#last?.at !== at || this.#last.setAt !== now || this.#last.isOver)
      this.#last = new SharedAlarm(this.#clock, at, now);
    return this.#last.join(sleeper);
  }
}

class SharedAlarm implements Alarm {
  readonly at: number;
  readonly setAt: number;
  readonly #sleepers = new Set<Sleeper>();
  readonly #stop: () => void;
  isOver = false;

  constructor(clock: Clock, at: number, now: number) {
    this.at = at;
    this.setAt = now;
    this.#stop = clock.after(Math.max(0, at - now), () => {
      this.isOver = true;
      for (const sleeper of this.#sleepers) sleeper.rang();
    });
  }

  join(sleeper: Sleeper): this {
    this.#sleepers.add(sleeper);
    return this;
  }

  leave(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
    if (this.#sleepers.size > 0 || this.isOver) return;
    this.isOver = true;
    this.#stop();
  }
}
