/**
 * A bounded memory of what was used last, by second chance: a hand goes round the places, and forgets the first entry that was not
 * used since it came by last. A look moves nothing, so it costs one look into a Map; to forget costs a few steps of the hand.
 */
export class Lru<Key, Value> {
  readonly #places = new Map<Key, number>();
  readonly #keys: Key[] = [];
  readonly #values: (Value | undefined)[] = [];
  /** By place: 1 = asked for since the hand came by. */
  readonly #used: number[] = [];
  /** Places of what was deleted. */
  readonly #free: number[] = [];
  readonly #most: number;
  #hand = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key): Value | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    this.#used[place] = 1;
    return this.#values[place];
  }

  set(key: Key, value: Value): void {
    const known = this.#places.get(key);
    const place = known ?? this.#free.pop() ?? this.#newPlace();
    this.#values[place] = value;
    this.#used[place] = known === undefined ? 0 : 1;
    if (known !== undefined) return;
    this.#keys[place] = key;
    this.#places.set(key, place);
  }

  delete(key: Key): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#values[place] = undefined;
    this.#free.push(place);
  }

  clear(): void {
    this.#places.clear();
    for (const list of [this.#keys, this.#values, this.#used, this.#free]) list.length = 0;
    this.#hand = 0;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Nothing was deleted, so every place below the length is taken. */
  #newPlace(): number {
    return this.#keys.length < this.#most ? this.#keys.length : this.#forgetOne();
  }

  /** Answers the place that became empty. After one round nothing counts as used any more, so the loop ends. */
  #forgetOne(): number {
    for (;;) {
      const place = this.#hand;
      this.#hand = (place + 1) % this.#most;
      const key = this.#keys[place];
      if (this.#used[place] === 1 || key === undefined) {
        this.#used[place] = 0;
        continue;
      }
      this.#places.delete(key);
      return place;
    }
  }
}
