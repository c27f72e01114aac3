import { ReveilleError } from '../../protocol/errors.ts';
import type { KeptMulticast, Multicast, MulticastDraft, TargetResult } from '../core/multicast.ts';
import type { ChannelKey, Draft, Kept } from '../core/store.ts';
import type { MemoryQuota } from './memory-quota.ts';
import { isRepeat, stateMs } from './rules.ts';

/** What the store does for a multicast. */
interface MessagesSide {
  readonly quota: MemoryQuota;
  isOpen(channel: ChannelKey): boolean;
  append(draft: Draft): Kept;
  /** Ends the oldest of a queue that holds one too many; answers what ended. */
  giveWay(newest: Kept): KeptMulticast['dropped'];
}

/** Multicasts of the store in memory. */
export class MemoryMulticasts {
  readonly #byId = new Map<string, Multicast>();
  readonly #byKey = new Map<string, { readonly multicast: Multicast; readonly bodyHash: string }>();

  keep(
    { id, key, bodyHash, message, dailyTargets, targets: asked }: MulticastDraft,
    now: number,
    { quota, isOpen, append, giveWay }: MessagesSide,
  ): KeptMulticast {
    const { project } = message;
    const keyed = key === null ? undefined : `${project} ${key}`;
    const earlier = keyed === undefined ? undefined : this.#byKey.get(keyed);
    if (earlier !== undefined && isRepeat(earlier.multicast.acceptedAt, now)) {
      if (earlier.bodyHash !== bodyHash) throw new ReveilleError('idempotency-conflict');
      return { multicast: earlier.multicast, kept: [], dropped: [] };
    }
    const reached = asked.filter(({ channel }) => channel !== null && isOpen(channel)).length;
    quota.assertLeft(message);
    quota.assertTargetsLeft(message, reached, dailyTargets);
    quota.add(message, reached);
    const kept: Kept[] = [];
    const dropped: KeptMulticast['dropped'][number][] = [];
    const targets = asked.map(({ channelId, channel, refusal, slot }): TargetResult => {
      if (channel === null || !isOpen(channel)) return { channelId, refusal: refusal ?? 'channel-invalid' };
      const own = slot === undefined ? message : { ...message, slot };
      const one = append({ ...own, channel, stateUntil: now + stateMs });
      kept.push(one);
      dropped.push(...giveWay(one));
      return { channelId, version: one.version };
    });
    const multicast = { id, project, acceptedAt: now, targets };
    this.#byId.set(id, multicast);
    if (keyed !== undefined) this.#byKey.set(keyed, { multicast, bodyHash });
    return { multicast, kept, dropped };
  }

  find(id: string): Multicast | undefined {
    return this.#byId.get(id);
  }

  /** Forgets those of `before` or earlier. */
  dropBefore(before: number): void {
    for (const { id, acceptedAt } of this.#byId.values()) if (acceptedAt <= before) this.#byId.delete(id);
    for (const [key, { multicast }] of this.#byKey)
      if (!this.#byId.has(multicast.id)) this.#byKey.delete(key);
  }
}
