interface Entry<Value> {
  value: Value;
  /** It was asked for since it last came up for being forgotten. */
  used: boolean;
}

/**
 * A bounded memory of what was used last, by second chance: the oldest entry is forgotten, unless it was used, in which case it counts
 * as new. To look something up moves nothing, so it costs one look into a Map, which keeps the order of insertion.
 */
export class Lru<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  set(key: Key, value: Value): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      known.used = true;
      return;
    }
    if (this.#entries.size >= this.#most) this.#forgetOne();
    this.#entries.set(key, { value, used: false });
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries that are put at the end come up again, unused by then: the loop ends. */
  #forgetOne(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (!entry.used) return;
      entry.used = false;
      this.#entries.set(key, entry);
    }
  }
}
