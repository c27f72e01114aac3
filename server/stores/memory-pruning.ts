import { limits } from '../../protocol/limits.ts';
import { isQueue } from '../../protocol/slot.ts';
import type { Version } from '../../protocol/version.ts';
import type { Entry } from './memory-trace.ts';
import { leavesTrace } from './rules.ts';

type Entries = ReadonlyMap<Version, Entry>;

/** ST4: moves the cursor over what leaves the trace. Answers where it stands then. */
export function sweptTo(entries: Entries, before: Version, now: number): Version {
  const crowdedOut = [...entries.keys()].at(-1 - limits.traceMessages) ?? 0;
  let swept = before;
  for (const { kept } of entries.values()) {
    if (kept.version <= swept) continue;
    if (!leavesTrace(kept.acceptedAt, kept.version <= crowdedOut, now)) break;
    swept = kept.version;
  }
  return swept;
}

/** Of a message that left the trace: does nobody need it any more? */
export function isDoneWith(
  entry: Entry,
  entries: Entries,
  swept: Version,
  now: number,
  stillWaits: (entry: Entry) => boolean,
): boolean {
  const { channel, slot, version, expiresAt } = entry.kept;
  if (entry.stateUntil !== undefined && entry.stateUntil > now) return false;
  if (expiresAt <= now || !stillWaits(entry)) return true;
  if (isQueue(slot)) return false;
  return [...entries.values()].some(
    ({ kept }) =>
      kept.channel === channel && kept.slot === slot && kept.version > version && kept.version <= swept,
  );
}
