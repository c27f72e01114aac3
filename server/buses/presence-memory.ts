import type { Presence, PresentSession } from '../core/presence.ts';
import type { ChannelKey } from '../core/store.ts';

const nobody: readonly PresentSession[] = [];

/**
 * Who is connected where, for one process. A session is known by its device and node; the last one of a channel takes the
 * entry with it, so that memory follows the number of connections. The only session of a channel is held as it is: a Map of
 * one costs more than the session.
 */
export class MemoryPresence implements Presence {
  readonly #channels = new Map<ChannelKey, PresentSession | Map<string, PresentSession>>();

  async register(session: PresentSession): Promise<void> {
    const there = this.#channels.get(session.channel);
    if (there instanceof Map) there.set(nameOf(session), session);
    else if (there === undefined || isSame(there, session)) this.#channels.set(session.channel, session);
    else
      this.#channels.set(
        session.channel,
        new Map([there, session].map((one) => [nameOf(one), one] as const)),
      );
  }

  async unregister(session: PresentSession): Promise<void> {
    const there = this.#channels.get(session.channel);
    if (there === undefined) return;
    const isLast =
      there instanceof Map ? there.delete(nameOf(session)) && there.size === 0 : isSame(there, session);
    if (isLast) this.#channels.delete(session.channel);
  }

  sessions(channel: ChannelKey): readonly PresentSession[] {
    const there = this.#channels.get(channel);
    if (there === undefined) return nobody;
    return there instanceof Map ? [...there.values()] : [there];
  }

  /** Channels with a session now. */
  get size(): number {
    return this.#channels.size;
  }
}

function isSame(one: PresentSession, other: PresentSession): boolean {
  return one.device === other.device && one.node === other.node;
}

function nameOf({ device, node }: PresentSession): string {
  return `${device} ${node}`;
}
