/** Counts what has begun and not ended, so that a program can stop between two messages and not within one. */
export class Handling {
  #open = 0;
  #whenIdle: (() => void)[] = [];

  begin(): void {
    this.#open += 1;
  }

  end(): void {
    this.#open = Math.max(0, this.#open - 1);
    if (this.#open > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Settles when nothing is open, and at the latest after `limitMs`. */
  async idle(limitMs: number): Promise<void> {
    if (this.#open === 0) return;
    let timeout: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
      timeout = setTimeout(resolve, limitMs);
    });
    clearTimeout(timeout);
  }
}
