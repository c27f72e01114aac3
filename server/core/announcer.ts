import type { Events } from '../observe/events.ts';
import type { Bus } from './bus.ts';
import type { NodeId, Presence } from './presence.ts';
import type { Kept } from './store.ts';

/** Messages that wait for one node while an announcement to it is under way. */
const LANE_MESSAGES_MAX = 10_000;

/**
 * Tells the nodes where a channel's devices are connected that a message was kept.
 *
 * Order is the promise: the message is committed, *then* presence is read, while a gateway registers its session, *then*
 * reads what was missed. Whichever comes second sees the other, so no message falls between the two.
 *
 * Batching is self-clocking: with nothing under way to a node an announcement leaves at once, else it joins the next one.
 */
export class Announcer {
  readonly #presence: Presence;
  readonly #bus: Bus;
  readonly #events: Events;
  readonly #lanes = new Map<NodeId, Kept[]>();

  constructor(deps: { readonly presence: Presence; readonly bus: Bus; readonly events: Events }) {
    this.#presence = deps.presence;
    this.#bus = deps.bus;
    this.#events = deps.events;
  }

  /**
   * Announces a committed message, at once where presence answers at once. Never throws, and what it answers never rejects: an
   * announcement that fails costs delay, not the message.
   */
  announce(kept: Kept): void | Promise<void> {
    try {
      const nodes = this.#presence.nodes(kept.channel);
      if (!(nodes instanceof Promise)) return this.#tell(nodes, kept);
      return nodes.then(
        (present) => this.#tell(present, kept),
        (error: unknown) => this.#events.failed('announce', error),
      );
    } catch (error) {
      this.#events.failed('announce', error);
    }
  }

  #tell(nodes: readonly NodeId[], kept: Kept): void {
    for (const node of nodes) this.#enqueue(node, kept);
  }

  #enqueue(node: NodeId, kept: Kept): void {
    const lane = this.#lanes.get(node);
    if (lane === undefined) {
      this.#lanes.set(node, []);
      void this.#drive(node, [kept]);
    } else if (lane.length < LANE_MESSAGES_MAX) {
      lane.push(kept);
    }
    // Beyond the limit nothing is lost: the device reads the store when it connects again.
  }

  async #drive(node: NodeId, first: Kept[]): Promise<void> {
    let batch = first;
    while (batch.length > 0) {
      try {
        await this.#bus.announce(node, { kind: 'kept', kept: batch });
      } catch (error) {
        this.#events.failed('announce', error);
      }
      batch = this.#lanes.get(node) ?? [];
      if (batch.length > 0) this.#lanes.set(node, []);
    }
    this.#lanes.delete(node);
  }
}
