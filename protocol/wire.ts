import { limits } from './limits.ts';
import { utf8Length } from './message.ts';
import { isUrgency, type Urgency } from './urgency.ts';
import { isVersion, type Version } from './version.ts';

/**
 * Our own WebSocket format: one JSON object per text frame, a closed set for each direction (PROTOCOL.md beside this file).
 * Pure and without dependencies, because the server, the extension shim and bots all parse with this file.
 */

/** Where a device connects. */
export const CONNECT_PATH = '/v2/connect';

/**
 * A client closes with this a connection that nothing needs for now. It will not come back by itself: a message that it has not
 * answered wakes the app at once.
 */
export const RESTING_CLOSE = 4000;

/** The protocols that this code speaks. A frame type or a required field more is a number more. */
export const knownProtocols: readonly number[] = [1];

/** How a run of the handlers did not end well: it failed, or nobody listened (which is no run under HA2). */
export type RefusalKind = 'failed' | 'no-listener';

export type ClientFrame =
  /**
   * The first frame: who speaks. `client` is "name/version" for the operator's eyes. `urgency` is the lowest that the device
   * wants from here on, also while it is away; without it everything. `seen` asks for the frames of that name.
   */
  | {
      type: 'hello';
      protocol: number;
      client: string;
      device: string;
      token: string;
      urgency?: Urgency | undefined;
      seen?: true | undefined;
    }
  /** A run of the handlers with this version began. */
  | { type: 'taken'; version: Version }
  /** The run ended well, and the client has recorded that. */
  | { type: 'confirm'; version: Version }
  | { type: 'refuse'; version: Version; kind: RefusalKind; reason: string }
  | { type: 'ping' };

export type ServerFrame =
  /** The hello was good. The client sends a ping every `pingMs` milliseconds. */
  | { type: 'welcome'; protocol: number; channelId: string; pingMs: number }
  /** `collapse: false`: of a queue, so an older one that failed comes again after a newer one. */
  | {
      type: 'message';
      version: Version;
      subchannelId: number;
      payload: string;
      collapse?: false | undefined;
    }
  /** The user has seen this subchannel up to this version, on one device or another. Only to who asked for it. */
  | { type: 'seen'; subchannelId: number; version: Version }
  /** Everything that had waited has been sent. */
  | { type: 'live' }
  | { type: 'pong' };

/** What a client does after a close: connect again with patience, register its device anew, or leave it. */
export type AfterClose = 'reconnect' | 'register' | 'stop';

/**
 * Why the server closes: the closed set. Where HTTP has a status of the same meaning the code is 4000 + that status.
 * Codes outside this set (1001, 1006, …) come from the network and mean 'reconnect'.
 */
export const closes = {
  replaced: { code: 4001, next: 'stop', text: 'a newer connection of this device took over' },
  silent: { code: 4002, next: 'reconnect', text: 'nothing was heard of you for too long' },
  'too-slow': { code: 4003, next: 'reconnect', text: 'you do not read what is sent to you' },
  'frame-bad': { code: 4400, next: 'stop', text: 'bad frame' },
  'device-unknown': {
    code: 4401,
    next: 'register',
    text: 'the device is unknown or its token was ended: register again',
  },
  'origin-foreign': { code: 4403, next: 'stop', text: 'this origin is not an origin of the app' },
  'hello-late': { code: 4408, next: 'reconnect', text: 'no hello arrived in time' },
  'device-ended': { code: 4410, next: 'register', text: 'this device was ended' },
  'protocol-unknown': {
    code: 4426,
    next: 'stop',
    text: `unknown protocol; known: ${knownProtocols.join(', ')}`,
  },
  overload: { code: 4429, next: 'reconnect', text: 'too many frames' },
  internal: { code: 4500, next: 'reconnect', text: 'an internal error has occurred' },
  'going-away': { code: 4503, next: 'reconnect', text: 'the service restarts' },
} as const satisfies Record<string, { code: number; next: AfterClose; text: string }>;

export type CloseName = keyof typeof closes;

/** What a client does after a connection closed with `code`. */
export function afterClose(code: number): AfterClose {
  return Object.values(closes).find((close) => close.code === code)?.next ?? 'reconnect';
}

/** Text that is no frame: which close answers it, and what was wrong with it. */
export interface Refused {
  readonly type: 'refused';
  readonly close: 'frame-bad' | 'protocol-unknown';
  readonly why: string;
}

type Check = (value: unknown) => boolean;
/** For each frame type of a direction, every field with its check: a type and its checks cannot drift apart. */
type Shapes<Frame extends { type: string }> = {
  [T in Frame['type']]: { [F in Exclude<keyof Extract<Frame, { type: T }>, 'type'>]: Check };
};

const isText: Check = (value) => typeof value === 'string';
const isWord: Check = (value) => isText(value) && value !== '';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

const clientShapes: Shapes<ClientFrame> = {
  hello: {
    protocol: isCount,
    client: isText,
    device: isWord,
    token: isWord,
    urgency: (value) => value === undefined || isUrgency(value),
    seen: (value) => value === undefined || value === true,
  },
  taken: { version: isVersion },
  confirm: { version: isVersion },
  refuse: {
    version: isVersion,
    kind: (value) => value === 'failed' || value === 'no-listener',
    reason: isText,
  },
  ping: {},
};

/** Every type of frame that a client may send. */
export const clientFrameTypes: readonly string[] = Object.keys(clientShapes);

const serverShapes: Shapes<ServerFrame> = {
  welcome: { protocol: isCount, channelId: isWord, pingMs: isCount },
  message: {
    version: isVersion,
    subchannelId: isCount,
    payload: isText,
    collapse: (value) => value === undefined || value === false,
  },
  seen: { subchannelId: isCount, version: isVersion },
  live: {},
  pong: {},
};

/**
 * Reads one text frame from a client, at most limits.frameBytes of UTF-8. Unknown fields are dropped. Never throws.
 * A hello of an unknown protocol is refused as `protocol-unknown` whatever else it holds: its fields are not ours to judge.
 */
export function parseClientFrame(text: string): ClientFrame | Refused {
  const fields = readObject(text, limits.frameBytes);
  if (typeof fields === 'string') return refuse(fields);
  if (
    fields.type === 'hello' &&
    isCount(fields.protocol) &&
    !knownProtocols.includes(fields.protocol as number)
  ) {
    return { type: 'refused', close: 'protocol-unknown', why: closes['protocol-unknown'].text };
  }
  return readFrame<ClientFrame>(fields, clientShapes);
}

/** Reads one text frame from the server, at most limits.messageFrameBytes of UTF-8. Unknown fields are dropped. Never throws. */
export function parseServerFrame(text: string): ServerFrame | Refused {
  const fields = readObject(text, limits.messageFrameBytes);
  return typeof fields === 'string' ? refuse(fields) : readFrame<ServerFrame>(fields, serverShapes);
}

/** The text of a frame. */
export function formatFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

type Fields = Readonly<Record<string, unknown>>;

/** The object that a frame holds, or what is wrong with the text. */
function readObject(text: string, maxBytes: number): Fields | string {
  if (text.length > maxBytes || utf8Length(text) > maxBytes) return `more than ${maxBytes} bytes`;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Fields;
  } catch {}
  return 'not a JSON object';
}

function readFrame<Frame extends { type: string }>(fields: Fields, shapes: Shapes<Frame>): Frame | Refused {
  const { type } = fields;
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) return refuse('unknown type');
  const frame: Record<string, unknown> = { type };
  for (const [name, check] of Object.entries<Check>(shapes[type as Frame['type']])) {
    if (!check(fields[name])) return refuse(`${type}: ${name} is missing or wrong`);
    if (fields[name] !== undefined) frame[name] = fields[name];
  }
  return frame as Frame;
}

function refuse(why: string): Refused {
  return { type: 'refused', close: 'frame-bad', why };
}
