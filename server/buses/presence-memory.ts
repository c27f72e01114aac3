import type { NodeId, Presence, PresentSession } from '../core/presence.ts';
import type { ChannelKey, DeviceKey } from '../core/store.ts';

type ByNode = Map<NodeId, Set<DeviceKey>>;

/**
 * Who is connected where, for one process. A session is known by its device and node; the last one of a node or a channel takes
 * the entry with it, so that memory follows the number of connections. The only session of a channel is held as it is: a Map of
 * one costs more than the session.
 */
export class MemoryPresence implements Presence {
  readonly #channels = new Map<ChannelKey, PresentSession | ByNode>();

  async register(session: PresentSession): Promise<void> {
    const there = this.#channels.get(session.channel);
    if (there instanceof Map) add(there, session);
    else if (there === undefined || isSame(there, session)) this.#channels.set(session.channel, session);
    else this.#channels.set(session.channel, add(add(new Map(), there), session));
  }

  async unregister(session: PresentSession): Promise<void> {
    const there = this.#channels.get(session.channel);
    if (there === undefined) return;
    const isLast = there instanceof Map ? remove(there, session) : isSame(there, session);
    if (isLast) this.#channels.delete(session.channel);
  }

  sessions(channel: ChannelKey): readonly PresentSession[] {
    const there = this.#channels.get(channel);
    if (!(there instanceof Map)) return there === undefined ? [] : [there];
    return [...there].flatMap(([node, devices]) => [...devices].map((device) => ({ channel, device, node })));
  }

  nodes(channel: ChannelKey): readonly NodeId[] {
    const there = this.#channels.get(channel);
    if (!(there instanceof Map)) return there === undefined ? [] : [there.node];
    return [...there.keys()];
  }

  /** Channels with a session now. */
  get size(): number {
    return this.#channels.size;
  }
}

function isSame(one: PresentSession, other: PresentSession): boolean {
  return one.device === other.device && one.node === other.node;
}

function add(there: ByNode, { node, device }: PresentSession): ByNode {
  return there.set(node, (there.get(node) ?? new Set()).add(device));
}

/** Answers whether it was the last. */
function remove(there: ByNode, { node, device }: PresentSession): boolean {
  const devices = there.get(node);
  devices?.delete(device);
  if (devices?.size === 0) there.delete(node);
  return there.size === 0;
}
