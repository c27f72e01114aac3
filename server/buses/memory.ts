import type { Announcement, Bus } from '../core/bus.ts';
import type { NodeId } from '../core/presence.ts';

type Handler = (announcement: Announcement) => void;

/** The Bus port within one process: an announcement is handed over before `announce` settles. */
export class MemoryBus implements Bus {
  readonly #handlers = new Map<NodeId, Set<Handler>>();

  async announce(node: NodeId, announcement: Announcement): Promise<void> {
    for (const handler of this.#handlers.get(node) ?? []) handler(announcement);
  }

  async announceAll(announcement: Announcement): Promise<void> {
    for (const handlers of this.#handlers.values()) for (const handler of handlers) handler(announcement);
  }

  onAnnounce(node: NodeId, handler: Handler): () => void {
    const handlers = this.#handlers.get(node) ?? new Set();
    this.#handlers.set(node, handlers.add(handler));
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#handlers.get(node) === handlers) this.#handlers.delete(node);
    };
  }
}
