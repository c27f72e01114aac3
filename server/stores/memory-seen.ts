import { limits } from '../../protocol/limits.ts';
import { subchannelOf } from '../../protocol/slot.ts';
import type { Version } from '../../protocol/version.ts';
import type { ChannelKey, Kept, Seen } from '../core/store.ts';

interface Sighting extends Seen {
  readonly at: number;
}

/** What users have seen, in the store in memory: of each subchannel the last sightings, rising. */
export class MemorySeen {
  readonly #ofChannels = new Map<ChannelKey, Map<number, Sighting[]>>();

  mark(channel: ChannelKey, { subchannel, version }: Seen, at: number): boolean {
    const subchannels = this.#ofChannels.get(channel) ?? new Map<number, Sighting[]>();
    const before = subchannels.get(subchannel) ?? [];
    if (version <= (before.at(-1)?.version ?? 0)) return false;
    subchannels.set(subchannel, [...before, { subchannel, version, at }].slice(-limits.seenRemembered));
    this.#ofChannels.set(channel, subchannels);
    return true;
  }

  of(channel: ChannelKey): readonly Seen[] {
    const last = [...(this.#ofChannels.get(channel)?.values() ?? [])].flatMap((one) => one.slice(-1));
    return last
      .map(({ subchannel, version }) => ({ subchannel, version }))
      .sort((a, b) => a.subchannel - b.subchannel);
  }

  /** When a message was first seen. */
  at({ channel, slot, version }: Pick<Kept, 'channel' | 'slot'> & { version: Version }): number | undefined {
    const sightings = this.#ofChannels.get(channel)?.get(subchannelOf(slot));
    return sightings?.find((one) => one.version >= version)?.at;
  }

  drop(channel: ChannelKey): void {
    this.#ofChannels.delete(channel);
  }
}
