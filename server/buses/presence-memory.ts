import type { Presence, PresentSession } from '../core/presence.ts';
import type { ChannelKey, DeviceKey } from '../core/store.ts';

/** The Presence port within one process. A device has one session: the last one registered. */
export class MemoryPresence implements Presence {
  readonly #byChannel = new Map<ChannelKey, Map<DeviceKey, PresentSession>>();

  async register(session: PresentSession): Promise<void> {
    const sessions = this.#byChannel.get(session.channel) ?? new Map();
    this.#byChannel.set(session.channel, sessions.set(session.device, session));
  }

  async unregister({ channel, device }: PresentSession): Promise<void> {
    const sessions = this.#byChannel.get(channel);
    sessions?.delete(device);
    if (sessions?.size === 0) this.#byChannel.delete(channel);
  }

  async sessions(channel: ChannelKey): Promise<readonly PresentSession[]> {
    return [...(this.#byChannel.get(channel)?.values() ?? [])];
  }
}
