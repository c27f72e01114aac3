import type { Clock, Random } from './clock.ts';

interface Appointment {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that tests turn by hand. Appointments fall due in the order of their times. */
export class ManualClock implements Clock {
  #now: number;
  #appointments: Appointment[] = [];

  constructor(now = Date.parse('2026-11-24T08:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const appointment: Appointment = { at: this.#now + ms, run };
    this.#appointments.push(appointment);
    return () => {
      this.#appointments = this.#appointments.filter((one) => one !== appointment);
    };
  }

  /** When the next appointment falls due; undefined when there is none. */
  nextDue(): number | undefined {
    return this.#appointments.length === 0 ? undefined : Math.min(...this.#appointments.map(({ at }) => at));
  }

  /** Moves on by `ms` (back, when negative) and keeps what fell due, earliest first. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#appointments.filter((one) => one.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#appointments = this.#appointments.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}

/** Repeatable "randomness" for tests: xorshift32 from a seed. */
export function seededRandom(seed: number): Random {
  let state = seed | 1;
  return (bytes) =>
    Uint8Array.from({ length: bytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}
