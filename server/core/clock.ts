/** The world's time, injected so that tests turn it by hand. */
export interface Clock {
  /** Milliseconds since 1970. May step back when the operator sets the host's clock. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function calls it off. A pending call never keeps the process alive. */
  after(ms: number, run: () => void): () => void;
  /**
   * Where this clock is moved by hand while the service serves: the clock by which sockets fall silent and callers are told to
   * slow down. undefined = this one.
   */
  readonly outside?: Clock;
}

/** The host's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Bytes that nobody can guess; injected so that tests can repeat themselves. */
export type Random = (bytes: number) => Uint8Array;
