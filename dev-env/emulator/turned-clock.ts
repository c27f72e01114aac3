import { systemClock } from '../../server/core/clock.ts';
import { ManualClock } from '../../server/core/manual-clock.ts';

/** After the last appointment: what it began in the house comes to its end within so many turns of the event loop. */
const SETTLING_TURNS = 10;

/**
 * The clock of an emulator. It stands still until it is moved; sockets and limits per minute go by the host's clock, so that a
 * test that skips a week loses no connection.
 */
export class TurnedClock extends ManualClock {
  readonly outside = systemClock;

  /**
   * Moves to a time, forwards or back. What falls due on the way runs at its own time, in order, and what it began has
   * come to rest before the next.
   * @param time milliseconds since 1970
   */
  async moveTo(time: number): Promise<void> {
    for (let due = this.nextDue(); due !== undefined && due <= time; due = this.nextDue()) {
      this.advance(Math.max(0, due - this.now()));
      await turn();
    }
    this.advance(time - this.now());
    for (let turns = 0; turns < SETTLING_TURNS; turns++) await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
