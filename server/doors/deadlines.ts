import type { Clock } from '../core/clock.ts';

/** Something that has to be over in time. */
interface Waiting {
  readonly dueAt: number;
  readonly late: () => void;
}

/**
 * Deadlines of one length that are hardly ever reached: all of them share a timer. It is set for the oldest one and left as it
 * is when that one is over in time, so that at full load it goes off once in `ms` and not a thousand times a second.
 */
export class Deadlines implements Pick<Clock, 'after'> {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #waiting = new Set<Waiting>();
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `late` once after `ms`, or a little later when the clock steps back; the returned function calls it off.
   * @param ms the same at each call
   */
  after(ms: number, late: () => void): () => void {
    const waiting: Waiting = { dueAt: this.#clock.now() + ms, late };
    this.#waiting.add(waiting);
    if (!this.#armed) this.#arm(ms);
    return () => this.#waiting.delete(waiting);
  }

  #arm(ms: number): void {
    this.#armed = true;
    this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    this.#armed = false;
    const now = this.#clock.now();
    for (const waiting of this.#waiting) {
      if (waiting.dueAt > now) {
        this.#arm(waiting.dueAt - now);
        return;
      }
      this.#waiting.delete(waiting);
      waiting.late();
    }
  }
}
