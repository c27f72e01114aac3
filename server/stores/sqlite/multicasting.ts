import { ReveilleError } from '../../../protocol/errors.ts';
import { isSubchannelQueue, type SubchannelQueue } from '../../../protocol/slot.ts';
import type { Clock } from '../../core/clock.ts';
import type { KeptMulticast, MulticastDraft, TargetResult } from '../../core/multicast.ts';
import type { ChannelKey, Kept } from '../../core/store.ts';
import { isRepeat, stateMs } from '../rules.ts';
import type { Progress } from './progress.ts';
import type { Tables } from './tables.ts';

/** One message for many channels. All of it runs inside a commit. */
export class Multicasting {
  readonly #clock: Clock;
  readonly #tables: Tables;
  readonly #progress: Progress;

  constructor(clock: Clock, tables: Tables, progress: Progress) {
    this.#clock = clock;
    this.#progress = progress;
    this.#tables = tables;
  }

  keep(draft: MulticastDraft): KeptMulticast {
    const { channels, quota, messages, meta, multicasts } = this.#tables;
    const { project } = draft.message;
    const now = this.#clock.now();
    const earlier = draft.key === null ? undefined : multicasts.byKey(project, draft.key);
    if (earlier !== undefined && isRepeat(earlier.multicast.acceptedAt, now)) {
      if (earlier.bodyHash !== draft.bodyHash) throw new ReveilleError('idempotency-conflict');
      return { multicast: earlier.multicast, kept: [], dropped: [] };
    }
    const open = draft.targets.map(({ channel }) => channel !== null && channels.isOpen(channel));
    const reached = open.filter(Boolean).length;
    quota.assertLeft(draft.message);
    quota.assertTargetsLeft(draft.message, reached, draft.dailyTargets);

    quota.add(draft.message, reached);
    const kept: Kept[] = [];
    const dropped: KeptMulticast['dropped'][number][] = [];
    const targets = draft.targets.map(({ channelId, channel, refusal, slot }, place): TargetResult => {
      if (channel === null || open[place] !== true)
        return { channelId, refusal: refusal ?? 'channel-invalid' };
      const own = slot === undefined ? draft.message : { ...draft.message, slot };
      const one = { ...own, channel, stateUntil: now + stateMs };
      const message = messages.append(one, meta.takeVersion(now), now);
      kept.push(message);
      if (isSubchannelQueue(message.slot)) dropped.push(...this.#giveWay(message.slot, channel, now));
      return { channelId, version: message.version };
    });
    const multicast = { id: draft.id, project, acceptedAt: now, targets };
    multicasts.put(multicast, draft.key, draft.bodyHash);
    return { multicast, kept, dropped };
  }

  #giveWay(queue: SubchannelQueue, channel: ChannelKey, now: number): KeptMulticast['dropped'] {
    const version = this.#tables.messages.oneTooMany(channel, queue, now);
    if (version === undefined) return [];
    this.#progress.endEverywhere(version, 'superseded', now);
    return [{ channel, version }];
  }
}
