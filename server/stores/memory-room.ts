import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { Draft } from '../core/store.ts';
import type { Entry } from './memory-trace.ts';
import { isTopic } from './rules.ts';

/**
 * ST5, SU5: is there room for one more of the queue, or for one more topic?
 * @throws `queue-full`.
 */
export function assertRoom(
  { channel, slot }: Pick<Draft, 'channel' | 'slot'>,
  entries: ReadonlyMap<Version, Entry>,
  now: number,
  stillWaits: (entry: Entry) => boolean,
): void {
  if (slot !== null && !isTopic(slot)) return;
  const waiting = [...entries.values()].filter(
    (entry) => entry.kept.channel === channel && entry.kept.expiresAt > now && stillWaits(entry),
  );
  const queued = waiting.filter((entry) => entry.kept.slot === null).length;
  if (slot === null && queued >= limits.queuedPerChannel) throw new ReveilleError('queue-full');
  if (slot === null) return;
  const newest = new Map<string, Entry>();
  for (const entry of entries.values()) {
    if (entry.kept.channel === channel && isTopic(entry.kept.slot)) newest.set(entry.kept.slot, entry);
  }
  const topics = [...newest.values()].filter((entry) => waiting.includes(entry));
  const isOne = topics.some((entry) => entry.kept.slot === slot);
  if (topics.length >= limits.topicsPerSubscription && !isOne) throw new ReveilleError('queue-full');
}
