import { limits } from '../../protocol/limits.ts';
import type { Events } from '../observe/events.ts';
import type { Clock } from './clock.ts';

type Heard = Pick<Events, 'connected' | 'disconnected' | 'accepted' | 'offered' | 'confirmed'>;

/**
 * Collects what a storm of connections has left behind. The engine collects as it allocates: a server that falls silent right
 * after all its devices came back would hold the garbage of their logins for as long as it stays silent.
 */
export class StormCollecting {
  readonly events: Heard;
  readonly #clock: Clock;
  readonly #collect: () => void;
  /** Connections that came or went since the last collection. */
  #moves = 0;
  /** Something happened since the timer was set. */
  #stirred = false;
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  /** @param collect blocks until all garbage is gone */
  constructor(clock: Clock, collect: () => void) {
    this.#clock = clock;
    this.#collect = collect;
    const stir = () => {
      this.#stirred = true;
    };
    const move = () => this.#moved();
    this.events = { connected: move, disconnected: move, accepted: stir, offered: stir, confirmed: stir };
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer?.();
  }

  #moved(): void {
    this.#stirred = true;
    this.#moves++;
    if (this.#moves >= limits.stormConnections && this.#stopTimer === undefined) this.#awaitQuiet();
  }

  #awaitQuiet(): void {
    if (this.#stopped) return;
    this.#stirred = false;
    this.#stopTimer = this.#clock.after(limits.stormQuietMs, () => {
      if (this.#stirred) return this.#awaitQuiet();
      this.#stopTimer = undefined;
      this.#moves = 0;
      this.#collect();
    });
  }
}
