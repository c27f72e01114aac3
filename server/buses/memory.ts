import type { Announcement, Bus } from '../core/bus.ts';
import type { NodeId } from '../core/presence.ts';

type Handler = (announcement: Announcement) => void;

/** The bus of the embedded service: all nodes live in one process, so an announcement is a call. */
export class MemoryBus implements Bus {
  readonly #handlers = new Map<NodeId, Set<Handler>>();

  async announce(node: NodeId, announcement: Announcement): Promise<void> {
    this.#hand(this.#handlers.get(node) ?? [], announcement);
  }

  async announceAll(announcement: Announcement): Promise<void> {
    const everyone = [...this.#handlers.values()].flatMap((handlers) => [...handlers]);
    this.#hand(everyone, announcement);
  }

  onAnnounce(node: NodeId, handler: Handler): () => void {
    const handlers = this.#handlers.get(node) ?? new Set();
    this.#handlers.set(node, handlers.add(handler));
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#handlers.get(node) === handlers) this.#handlers.delete(node);
    };
  }

  /** Calls every handler, then throws what the first one that failed threw: one fault must not keep the others waiting. */
  #hand(handlers: Iterable<Handler>, announcement: Announcement): void {
    const faults: unknown[] = [];
    for (const handler of [...handlers]) {
      try {
        handler(announcement);
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
  }
}
