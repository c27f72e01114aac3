import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

/** What there is too much of. */
type Scarce = 'writes' | 'memory';

export interface LoadDeps {
  /** Hears of each refusal. */
  readonly refusing: (scarce: Scarce) => void;
  /** Lets the store keep now what waits for the others of its commit. */
  readonly hurry: () => void;
  /** Milliseconds of a clock that never steps. */
  readonly now: () => number;
}

/**
 * How much the service has to do, and whether it takes more. Refusing early keeps the wait of those who are let in short, and costs
 * a part of what a message costs (docs/decisions/0235).
 */
export class Load {
  readonly #deps: LoadDeps;
  #writes = 0;
  #since = 0;
  /** Memory is near its limit: nothing new is taken, what is there goes on. */
  tight = false;

  constructor(deps: LoadDeps = { refusing() {}, hurry() {}, now: () => performance.now() }) {
    this.#deps = deps;
  }

  /** For a message before it is read. @throws `overloaded`. */
  assertRoom(): void {
    this.#assertWrites();
    this.assertMemory();
  }

  /** For a connection. @throws `overloaded`. */
  assertMemory(): void {
    if (this.tight) this.#refuse('memory');
  }

  /**
   * Messages are about to be kept; `end` follows with the same number. A request of many messages is let in while there is any
   * room: it would else wait for a silence that never comes.
   * @throws `overloaded`.
   */
  begin(messages = 1): void {
    if (this.#writes >= limits.writesInFlight) this.#refuse('writes');
    if (this.#writes === 0) this.#since = this.#deps.now();
    this.#writes += messages;
  }

  end(messages = 1): void {
    this.#writes -= messages;
  }

  /** While more requests come in than are answered, Bun reads on and on, and the store's turn does not come by itself. */
  #assertWrites(): void {
    if (this.#writes === 0) return;
    const now = this.#deps.now();
    if (now - this.#since > limits.writesWaitMs) {
      this.#since = now;
      this.#deps.hurry();
    }
    if (this.#writes >= limits.writesInFlight) this.#refuse('writes');
  }

  #refuse(scarce: Scarce): never {
    this.#deps.refusing(scarce);
    throw new ReveilleError('overloaded', undefined, { retryAfterSeconds: limits.overloadedRetrySeconds });
  }
}
