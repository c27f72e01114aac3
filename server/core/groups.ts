/**
 * Members by key. Almost every key has one member (a channel's only device), which is then held as it is: a Set of one costs
 * more than the member. The last member of a key takes the entry with it.
 */
export class Groups<Key, Member extends object> {
  readonly #groups = new Map<Key, Member | Set<Member>>();

  add(key: Key, member: Member): void {
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, member);
    else if (group instanceof Set) group.add(member);
    else if (group !== member) this.#groups.set(key, new Set([group, member]));
  }

  /** Nothing happens when it is not among them. */
  delete(key: Key, member: Member): void {
    const group = this.#groups.get(key);
    if (group === member) this.#groups.delete(key);
    if (!(group instanceof Set)) return;
    group.delete(member);
    if (group.size === 0) this.#groups.delete(key);
  }

  /** In the order in which they were added. */
  of(key: Key): Iterable<Member> {
    const group = this.#groups.get(key);
    if (group === undefined) return [];
    return group instanceof Set ? group : [group];
  }

  /** Keys with a member. */
  get size(): number {
    return this.#groups.size;
  }
}
