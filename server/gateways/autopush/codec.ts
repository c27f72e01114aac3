import { z } from 'zod';
import { limits } from '../../../protocol/limits.ts';
import { utf8Length } from '../../../protocol/message.ts';
import { isVersion, type Version } from '../../../protocol/version.ts';
import type { Kept, PushHeaders } from '../../core/store.ts';

/**
 * The autopush protocol, as stock Firefox and other push clients speak it: one JSON object per text frame, told apart by
 * `messageType`. A closed set for each direction; what a frame holds beyond it is dropped (docs/firefox.md).
 */

/** One line of an ack. `version` is undefined when it is none of ours, `outcome` what the browser did with the push. */
export interface Ack {
  readonly channelID: string;
  readonly version: Version | undefined;
  readonly outcome: AckOutcome;
}

/** All are final: the browser has seen the push and will not take it again (docs/decisions/0097). */
export type AckOutcome = 'delivered' | 'undecryptable' | 'undelivered';

/** How the page's handler ended badly. It comes after an ack, so it is counted and changes nothing. */
export type HandlerFault = 'threw' | 'rejected' | 'broke';

/** Why a browser ends a subscription. */
export type UnregisterReason = 'page' | 'quota' | 'permission';

export type ClientFrame =
  | { readonly type: 'hello'; readonly uaid: string | undefined; readonly broadcasts: readonly string[] }
  | { readonly type: 'register'; readonly channelID: string; readonly key: string | null }
  | { readonly type: 'unregister'; readonly channelID: string; readonly reason: UnregisterReason }
  | { readonly type: 'ack'; readonly acks: readonly Ack[] }
  | { readonly type: 'nack'; readonly version: Version | undefined; readonly fault: HandlerFault }
  | { readonly type: 'broadcast_subscribe'; readonly broadcasts: readonly string[] }
  | { readonly type: 'ping' }
  /** A type that this code does not know. A later browser may send one, and must not lose its pushes for it. */
  | { readonly type: 'unknown' };

export type ServerFrame =
  | {
      readonly type: 'hello';
      readonly status: 200;
      readonly uaid: string;
      readonly use_webpush: true;
      readonly broadcasts: Readonly<Record<string, never>>;
    }
  | {
      readonly type: 'register';
      readonly status: number;
      readonly channelID: string;
      /** Only with status 200. */
      readonly pushEndpoint?: string;
    }
  | { readonly type: 'unregister'; readonly status: number; readonly channelID: string }
  | { readonly type: 'notification'; readonly channelID: string; readonly kept: Kept }
  | { readonly type: 'broadcast'; readonly unknown: readonly string[] }
  | { readonly type: 'ping' };

/** Why the server closes. Browsers come back after each of them but 4774, after which they stay away for long. */
export const closes = {
  replaced: { code: 1000, text: 'a newer connection of this client took over' },
  'going-away': { code: 1001, text: 'the service restarts' },
  binary: { code: 1003, text: 'binary frames are not spoken here' },
  'frame-bad': { code: 1008, text: 'bad frame' },
  'hello-late': { code: 1008, text: 'no hello arrived in time' },
  silent: { code: 1008, text: 'nothing was heard of you for too long' },
  'too-slow': { code: 1008, text: 'you do not read what is sent to you' },
  'frame-large': { code: 1009, text: 'the frame is too large' },
  internal: { code: 1011, text: 'an internal error has occurred' },
  overload: { code: 4774, text: 'too many frames that ask for nothing' },
} as const satisfies Record<string, { code: number; text: string }>;

export type CloseName = keyof typeof closes;

/** What is no frame: which close answers it, and what was wrong. */
export interface Refused {
  readonly type: 'refused';
  readonly close: 'binary' | 'frame-bad' | 'frame-large';
  readonly why: string;
}

/** A channelID as every client makes it; autopush takes no other form either. */
const channelID = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const ids = z.record(z.string(), z.unknown()).transform((broadcasts) => Object.keys(broadcasts));
const versionText = z.string().transform(readVersion);
const code = z.number().int();

const outcomes: Readonly<Record<number, AckOutcome>> = { 101: 'undecryptable', 102: 'undelivered' };
const faults: Readonly<Record<number, HandlerFault>> = { 301: 'threw', 302: 'rejected' };
const reasons: Readonly<Record<number, UnregisterReason>> = { 201: 'quota', 202: 'permission' };

const ack = z
  .object({ channelID, version: versionText, code: code.default(100) })
  .transform(({ code, ...rest }) => ({ ...rest, outcome: outcomes[code] ?? ('delivered' as const) }));

/** For each message type its fields, as they come from Firefox and, more sparsely, from others. */
const shapes = {
  hello: z
    .object({ uaid: z.string().nullish(), broadcasts: ids.nullish() })
    .transform(({ uaid, broadcasts }) => ({ uaid: uaid || undefined, broadcasts: broadcasts ?? [] })),
  register: z
    .object({ channelID, key: z.string().nullish() })
    .transform(({ channelID, key }) => ({ channelID, key: key || null })),
  unregister: z
    .object({ channelID, code: code.default(200) })
    .transform(({ channelID, code }) => ({ channelID, reason: reasons[code] ?? ('page' as const) })),
  ack: z.object({ updates: z.array(ack) }).transform(({ updates }) => ({ acks: updates })),
  nack: z
    .object({ version: versionText, code: code.default(303) })
    .transform(({ version, code }) => ({ version, fault: faults[code] ?? ('broke' as const) })),
  broadcast_subscribe: z.object({ broadcasts: ids }),
  ping: z.object({}),
} as const;

/** Every type of frame that a client may send. */
export const clientFrameTypes: readonly string[] = Object.keys(shapes);

/** Reads what a socket gave, at most limits.autopushFrameBytes of UTF-8. Never throws. */
export function decode(message: string | Uint8Array): ClientFrame | Refused {
  if (typeof message !== 'string') return { type: 'refused', close: 'binary', why: closes.binary.text };
  const bytes = limits.autopushFrameBytes;
  if (message.length > bytes || utf8Length(message) > bytes)
    return { type: 'refused', close: 'frame-large', why: `more than ${bytes} bytes` };
  const fields = readObject(message);
  if (fields === undefined) return refuse('not a JSON object');
  // `{}` is the short form of a ping.
  const { messageType = 'ping' } = fields;
  if (typeof messageType !== 'string') return refuse('messageType is no text');
  if (!isKnown(messageType)) return { type: 'unknown' };
  const read = shapes[messageType].safeParse(fields);
  if (read.success) return { type: messageType, ...read.data } as ClientFrame;
  const [issue] = read.error.issues;
  return refuse(`${messageType}: ${issue?.path.join('.')} is missing or wrong`);
}

/** The text of a frame to a client. */
export function encode(frame: ServerFrame): string {
  switch (frame.type) {
    case 'ping':
      return '{}';
    case 'notification':
      return encodeNotification(frame.channelID, frame.kept);
    case 'broadcast': {
      const errors = Object.fromEntries(frame.unknown.map((id) => [id, 'Broadcast not found']));
      return JSON.stringify({ messageType: 'broadcast', broadcasts: { errors } });
    }
    default: {
      const { type, ...fields } = frame;
      return JSON.stringify({ messageType: type, ...fields });
    }
  }
}

/** Code and reason of a close frame; `why` says what exactly was wrong this time, in words of this file only. */
export function closing(name: CloseName, why?: string): { readonly code: number; readonly reason: string } {
  const { code, text } = closes[name];
  return { code, reason: why === undefined || why === text ? text : `${text}: ${why}`.slice(0, 123) };
}

/** The message's own version is its id: the same when it comes again, so that the browser knows it. */
function encodeNotification(channelID: string, { version, payload, headers, ...kept }: Kept): string {
  const ttl = Math.max(0, Math.round((kept.expiresAt - kept.acceptedAt) / 1_000));
  const head = { messageType: 'notification', channelID, version: String(version), ttl };
  if (headers === undefined || payload === '') return JSON.stringify(head);
  return JSON.stringify({ ...head, data: payload, headers: encodeHeaders(headers) });
}

function encodeHeaders({ encoding, encryption, cryptoKey }: PushHeaders): Record<string, string> {
  return {
    encoding,
    ...(encryption !== undefined && { encryption }),
    ...(cryptoKey !== undefined && { crypto_key: cryptoKey }),
  };
}

function isKnown(messageType: string): messageType is keyof typeof shapes {
  return Object.hasOwn(shapes, messageType);
}

function readVersion(text: string): Version | undefined {
  const number = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : undefined;
  return isVersion(number) ? number : undefined;
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {}
  return undefined;
}

function refuse(why: string): Refused {
  return { type: 'refused', close: 'frame-bad', why };
}
