import { type ErrorCode, errorTable } from '../../../protocol/errors.ts';
import { isSubchannelQueue } from '../../../protocol/slot.ts';
import type { TargetResult } from '../../core/multicast.ts';
import type { CheckedTarget, MulticastState } from '../../core/multicasts.ts';
import type { Receipt } from '../../core/receipts.ts';
import type { DeviceTrace, MessageTrace } from '../../core/store.ts';
import type { DeviceState, MessageAnswer, MessageState, ReceiptEvent, Refusal } from './shapes.ts';

type Told = (TargetResult | CheckedTarget) & { readonly detail?: string };

/** What became of each channel. Without an id it is what would have become of it. @param origin of this server */
export function messageAnswerOf(
  origin: string,
  made: { readonly id: string; readonly acceptedAt: number } | null,
  targets: readonly Told[],
): MessageAnswer {
  const told = targets.map(toldTarget);
  const refused = told.filter(({ state }) => state === 'refused').length;
  return {
    id: made?.id ?? null,
    trace: made === null ? null : `${origin}/console/trace?of=${made.id}`,
    acceptedAt: made === null ? null : iso(made.acceptedAt),
    accepted: told.length - refused,
    refused,
    targets: told,
  };
}

function toldTarget(target: Told): MessageAnswer['targets'][number] {
  const { channelId } = target;
  if ('version' in target) return { channelId, state: 'accepted', version: target.version };
  if (target.refusal === null) return { channelId, state: 'accepted' };
  return { channelId, state: 'refused', error: refusalOf(target.refusal, target.detail) };
}

/** How a message stands on every device. */
export function messageStateOf({ id, acceptedAt, targets, traces }: MulticastState): MessageState {
  return {
    id,
    acceptedAt: iso(acceptedAt),
    targets: targets.map((target) => {
      const { channelId } = target;
      if (!('version' in target)) return { channelId, error: refusalOf(target.refusal) };
      const trace = traces.get(target.version);
      if (trace === undefined) return { channelId, version: target.version };
      const devices = trace.devices.map((device) => deviceStateOf(device, trace));
      const { expiresAt, seenAt } = trace;
      const seen = seenAt === undefined ? {} : { seenAt: iso(seenAt) };
      return { channelId, version: target.version, expiresAt: iso(expiresAt), ...seen, devices };
    }),
  };
}

function deviceStateOf(device: DeviceTrace, { acceptedAt, slot }: MessageTrace): DeviceState {
  const { deviceId, state, at, sentAt, receivedAt, failedRuns } = device;
  return {
    device: deviceId,
    state: state === 'waiting' ? way(device) : state,
    acceptedAt: iso(acceptedAt),
    ...(sentAt !== undefined && { sentAt: iso(sentAt) }),
    ...(receivedAt !== undefined && { receivedAt: iso(receivedAt) }),
    ...(at !== null && { endedAt: iso(at) }),
    // Nothing else supersedes a message of a queue.
    ...(state === 'superseded' && isSubchannelQueue(slot) && { reason: 'queue-overflow' as const }),
    failedRuns,
  };
}

/** How far a message came that has not ended. */
function way({ sentAt, receivedAt }: DeviceTrace): 'accepted' | 'sent' | 'received' {
  if (receivedAt !== undefined) return 'received';
  return sentAt === undefined ? 'accepted' : 'sent';
}

function refusalOf(code: ErrorCode, more?: string): Refusal {
  const { message, next } = errorTable[code];
  return { code, title: message, detail: [message, ...(more === undefined ? [] : [more]), next].join(' ') };
}

/** What a stream and a webhook tell of a step. */
export function receiptEventOf({ channelId, version, device, state, at }: Receipt): ReceiptEvent {
  return { channelId, version, device, state, at: iso(at) };
}

/** One event of a stream of server-sent events. */
export function eventText(type: string, data: unknown, id: string): string {
  return `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
