import type { Presence, PresentSession } from '../core/presence.ts';
import type { ChannelKey } from '../core/store.ts';

/**
 * Who is connected where, for one process. A session is known by its device and node; the last one of a channel takes the
 * entry with it, so that memory follows the number of connections.
 */
export class MemoryPresence implements Presence {
  readonly #channels = new Map<ChannelKey, Map<string, PresentSession>>();

  async register(session: PresentSession): Promise<void> {
    const sessions = this.#channels.get(session.channel) ?? new Map<string, PresentSession>();
    this.#channels.set(session.channel, sessions.set(nameOf(session), session));
  }

  async unregister(session: PresentSession): Promise<void> {
    const sessions = this.#channels.get(session.channel);
    sessions?.delete(nameOf(session));
    if (sessions?.size === 0) this.#channels.delete(session.channel);
  }

  async sessions(channel: ChannelKey): Promise<readonly PresentSession[]> {
    return [...(this.#channels.get(channel)?.values() ?? [])];
  }

  /** Channels with a session now. */
  get size(): number {
    return this.#channels.size;
  }
}

function nameOf({ device, node }: PresentSession): string {
  return `${device} ${node}`;
}
