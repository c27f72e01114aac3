import type { ReveilleError } from '../../../protocol/errors.ts';
import { isSubchannelQueue, subchannelOf } from '../../../protocol/slot.ts';
import {
  type ClientFrame,
  type CloseName,
  closes,
  formatFrame,
  parseClientFrame,
  type Refused,
} from '../../../protocol/wire.ts';
import type { Kept } from '../../core/store.ts';

/** Bytes of a close reason: RFC 6455 section 5.5, less the two of the code. */
const CLOSE_REASON_BYTES = 123;

/** What a socket gave us, as a frame. Binary is none (WW3). */
export function decode(message: string | Uint8Array): ClientFrame | Refused {
  if (typeof message === 'string') return parseClientFrame(message);
  return { type: 'refused', close: 'frame-bad', why: 'binary frames are not spoken here' };
}

/** What was encoded last. A message goes to all devices of its channel in one go, so for all of them it is encoded once. */
let last: { readonly kept: Kept; readonly frame: string } | undefined;

/** A kept message as a text frame. The slots of an app's channel are its subchannels and their queues. */
export function encodeMessage(kept: Kept): string {
  if (last?.kept === kept) return last.frame;
  const { version, slot, payload } = kept;
  const message = { type: 'message', version, subchannelId: subchannelOf(slot), payload } as const;
  const frame = formatFrame(isSubchannelQueue(slot) ? { ...message, collapse: false } : message);
  last = { kept, frame };
  return frame;
}

/** Code and reason of a close frame; `why` says what exactly was wrong this time. */
export function closing(name: CloseName, why?: string): { readonly code: number; readonly reason: string } {
  const { code, text } = closes[name];
  const reason = why === undefined || why === text ? text : `${text}: ${why}`;
  return { code, reason: cutToBytes(reason, CLOSE_REASON_BYTES) };
}

/** The close that answers an error at login. */
export function closeOf(error: ReveilleError): CloseName {
  if (error.code === 'device-unknown' || error.code === 'origin-foreign') return error.code;
  return error.code === 'unavailable' ? 'going-away' : 'internal';
}

function cutToBytes(text: string, bytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
