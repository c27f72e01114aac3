/** How many connections of each address have not said a good hello. The last one of an address takes its entry with it. */
export class HalfOpen {
  readonly #counts = new Map<string, number>();
  readonly #max: number;

  constructor(maxPerAddress: number) {
    this.#max = maxPerAddress;
  }

  /** True when the address may open one more. */
  admits(address: string): boolean {
    return (this.#counts.get(address) ?? 0) < this.#max;
  }

  enter(address: string): void {
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
  }

  leave(address: string): void {
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }

  /** Addresses with a connection that is half open. */
  get size(): number {
    return this.#counts.size;
  }
}
