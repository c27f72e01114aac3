import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Events } from '../observe/events.ts';
import type { Bus } from './bus.ts';
import type { NodeId } from './presence.ts';

type Listener = (channels: readonly ChannelId[]) => void;

/**
 * Tells every node on which channels messages came further, for whoever follows them. One announcement is under way at a time;
 * what moves meanwhile joins the next one. One that is lost costs delay: followers look by themselves too.
 */
export class Moves {
  readonly #bus: Bus;
  readonly #events: Pick<Events, 'failed'>;
  readonly #listeners = new Set<Listener>();
  readonly #stopListening: () => void;
  #moved = new Set<ChannelId>();
  #telling = false;

  constructor(deps: { readonly node: NodeId; readonly bus: Bus; readonly events: Pick<Events, 'failed'> }) {
    this.#bus = deps.bus;
    this.#events = deps.events;
    this.#stopListening = deps.bus.onAnnounce(deps.node, (said) => {
      if (said.kind === 'moved') this.#hear(said.channels);
      // What waited for a device ended with it.
      if (said.kind === 'ended') this.#hear(said.devices.map(({ channelId }) => channelId));
    });
  }

  /** Call it after the store has settled. Never throws. */
  moved(channel: ChannelId): void {
    this.#moved.add(channel);
    if (!this.#telling) void this.#tell();
  }

  /** Calls `listener`, on this node, with channels on which something may have moved. Answers how to stop. */
  onMoved(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hears no other node any more. */
  stop(): void {
    this.#stopListening();
  }

  #hear(channels: readonly ChannelId[]): void {
    for (const listener of this.#listeners) listener(channels);
  }

  async #tell(): Promise<void> {
    this.#telling = true;
    // Whatever moves in this turn of the event loop goes along.
    await Promise.resolve();
    while (this.#moved.size > 0) {
      const channels = [...this.#moved];
      this.#moved = new Set();
      try {
        await this.#bus.announceAll({ kind: 'moved', channels });
      } catch (error) {
        this.#events.failed('announce', error);
      }
    }
    this.#telling = false;
  }
}
