import type { DeviceKey, Kept, MessageTrace } from '../core/store.ts';
import type { EndingOf } from './memory-endings.ts';
import type { MemoryMembers } from './memory-members.ts';
import type { MemorySeen } from './memory-seen.ts';

/** A kept message and how it stands on each device. */
export interface Entry {
  readonly kept: Kept;
  readonly project: string;
  readonly receipts: string | undefined;
  readonly endings: Map<DeviceKey, EndingOf>;
  readonly failedRuns: Map<DeviceKey, number>;
  /** Until when its state is kept; undefined for a message that is not tracked. */
  readonly stateUntil: number | undefined;
  readonly sentAt: Map<DeviceKey, number>;
  readonly receivedAt: Map<DeviceKey, number>;
}

/** What the trace shows of one message. */
export function traceOf(
  { kept, project, endings, failedRuns, sentAt, receivedAt }: Entry,
  of: MemoryMembers,
  seen: MemorySeen,
  now: number,
): MessageTrace {
  const { version, channel, slot, payload, acceptedAt, expiresAt } = kept;
  const members = of
    .everOf(channel)
    .filter((one) => one.since < version && (one.removedAt === null || endings.has(one.key)));
  const devices = members.map((member) => {
    const ended = endings.get(member.key);
    const [sent, received] = [sentAt.get(member.key), receivedAt.get(member.key)];
    const steps = { ...(sent && { sentAt: sent }), ...(received && { receivedAt: received }) };
    const runs = { failedRuns: failedRuns.get(member.key) ?? 0, ...steps };
    const device = { deviceId: member.id, deviceName: member.name };
    if (ended !== undefined) return { ...device, state: ended.ending, at: ended.at, ...runs };
    if (expiresAt <= now) return { ...device, state: 'expired' as const, at: expiresAt, ...runs };
    return { ...device, state: 'waiting' as const, at: null, ...runs };
  });
  const channelId = of.idOf(channel);
  const seenAt = seen.at(kept);
  return {
    version,
    channelId,
    slot,
    project,
    payload,
    acceptedAt,
    expiresAt,
    devices,
    ...(seenAt !== undefined && { seenAt }),
  };
}
