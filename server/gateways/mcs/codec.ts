import { PbfWriter } from 'pbf';
import { type Field, readFields } from './fields.ts';
import { frameBytes, type Refused, refused } from './frame-reader.ts';

/** The version byte that we say first. */
export const MCS_VERSION = 41;

/** The tags of the frames that are spoken here. Chromium resets the connection at any other. */
export const tags = {
  ping: 0,
  pong: 1,
  login: 2,
  loggedIn: 3,
  close: 4,
  iq: 7,
  data: 8,
} as const;

/** Extensions of an Iq: ids of messages that arrived, and a mere carrier of `received`. */
export const SELECTIVE_ACK = 12;
export const STREAM_ACK = 13;

/** In each frame: how many frames of the other side its sender has received, the login included; 0 = it does not say. */
interface Counted {
  readonly received: number;
}

/** What a client may say, as far as we look at it. */
export type ClientFrame =
  | ({ readonly type: 'ping' } & Counted)
  | ({ readonly type: 'pong' } & Counted)
  | {
      readonly type: 'login';
      readonly id: string;
      readonly user: string;
      readonly resource: string;
      readonly authToken: string;
      /** Ids of messages that it has, and does not know that we know. */
      readonly persistentIds: readonly string[];
    }
  | { readonly type: 'close' }
  /** `acknowledged`: ids of a selective ack. */
  | ({ readonly type: 'iq'; readonly acknowledged: readonly string[] } & Counted)
  | ({ readonly type: 'data'; readonly id: string; readonly category: string } & Counted);

/** Text pairs of a data message. */
export type AppData = Readonly<Record<string, string>>;

export interface DataMessage {
  readonly from: string;
  readonly category: string;
  readonly collapseKey?: string;
  readonly appData: AppData;
  /** Absent: fire and forget, never acknowledged. */
  readonly persistentId?: string;
  readonly body?: Uint8Array;
}

/** What we say to a client. */
export type ServerFrame =
  | ({ readonly type: 'pong' } & Counted)
  | ({
      readonly type: 'loggedIn';
      readonly id: string;
      readonly heartbeatMs: number;
      readonly now: number;
    } & Counted)
  | { readonly type: 'loginRefused'; readonly id: string; readonly why: string }
  | { readonly type: 'close' }
  | ({ readonly type: 'streamAck' } & Counted)
  | ({ readonly type: 'data'; readonly message: DataMessage } & Counted);

/** Reads the body of one frame of a client. Never throws. */
export function decodeClientFrame(tag: number, body: Uint8Array): ClientFrame | Refused {
  try {
    switch (tag) {
      case tags.ping:
        return { type: 'ping', received: readReceived(body, 2) };
      case tags.pong:
        return { type: 'pong', received: readReceived(body, 2) };
      case tags.login:
        return readLogin(body);
      case tags.close:
        return { type: 'close' };
      case tags.iq:
        return readIq(body);
      case tags.data:
        return readData(body);
      default:
        return refused(`frames with tag ${tag} are not spoken here`);
    }
  } catch {
    return refused('a frame is no protobuf');
  }
}

function readReceived(body: Uint8Array, number: number): number {
  const frame = { received: 0 };
  return readFields(
    body,
    (at, field, into) => {
      if (at === number) into.received = field.number() ?? 0;
    },
    frame,
  ).received;
}

function readLogin(body: Uint8Array): ClientFrame {
  const login = { id: '', user: '', resource: '', authToken: '', persistentIds: [] as string[] };
  readFields(body, readLoginField, login);
  return { type: 'login', ...login };
}

function readLoginField(
  number: number,
  field: Field,
  login: { id: string; user: string; resource: string; authToken: string; persistentIds: string[] },
): void {
  if (number === 1) login.id = field.text() ?? '';
  else if (number === 3) login.user = field.text() ?? '';
  else if (number === 4) login.resource = field.text() ?? '';
  else if (number === 5) login.authToken = field.text() ?? '';
  else if (number === 10) login.persistentIds.push(field.text() ?? '');
}

function readIq(body: Uint8Array): ClientFrame {
  const iq = { received: 0, extension: 0, data: new Uint8Array() };
  readFields(
    body,
    (number, field, into) => {
      if (number === 7) field.message(readExtensionField, into);
      else if (number === 10) into.received = field.number() ?? 0;
    },
    iq,
  );
  const acknowledged = iq.extension === SELECTIVE_ACK ? readTexts(iq.data) : [];
  return { type: 'iq', acknowledged, received: iq.received };
}

function readExtensionField(number: number, field: Field, iq: { extension: number; data: Uint8Array }): void {
  if (number === 1) iq.extension = field.number() ?? 0;
  else if (number === 2) iq.data = field.bytes() ?? iq.data;
}

function readTexts(body: Uint8Array): string[] {
  return readFields(
    body,
    (number, field, into) => {
      const text = number === 1 ? field.text() : undefined;
      if (text !== undefined) into.push(text);
    },
    [] as string[],
  );
}

function readData(body: Uint8Array): ClientFrame {
  const data = { id: '', category: '', received: 0 };
  readFields(
    body,
    (number, field, into) => {
      if (number === 2) into.id = field.text() ?? '';
      else if (number === 5) into.category = field.text() ?? '';
      else if (number === 11) into.received = field.number() ?? 0;
    },
    data,
  );
  return { type: 'data', ...data };
}

/** A frame of ours as bytes. */
export function encode(frame: ServerFrame): Uint8Array {
  const writer = new PbfWriter();
  switch (frame.type) {
    case 'pong':
      writeCount(writer, 2, frame.received);
      return frameBytes(tags.pong, writer.finish());
    case 'loggedIn':
      writer.writeStringField(1, frame.id);
      writer.writeVarintField(5, 1);
      writeCount(writer, 6, frame.received);
      writer.writeMessage(7, (interval, into) => into.writeVarintField(3, interval), frame.heartbeatMs);
      writer.writeVarintField(8, frame.now);
      return frameBytes(tags.loggedIn, writer.finish());
    case 'loginRefused':
      writer.writeStringField(1, frame.id);
      writer.writeMessage(3, writeError, frame.why);
      return frameBytes(tags.loggedIn, writer.finish());
    case 'close':
      return frameBytes(tags.close, writer.finish());
    case 'streamAck':
      writer.writeVarintField(2, 1);
      writer.writeStringField(3, '');
      writer.writeMessage(7, writeStreamAck, undefined);
      writeCount(writer, 10, frame.received);
      return frameBytes(tags.iq, writer.finish());
    case 'data':
      writeData(writer, frame.message);
      writeCount(writer, 11, frame.received);
      return frameBytes(tags.data, writer.finish());
  }
}

function writeCount(writer: PbfWriter, number: number, received: number): void {
  if (received > 0) writer.writeVarintField(number, received);
}

/** Any code but 0 is a refusal; this is the one of HTTP. */
function writeError(why: string, writer: PbfWriter): void {
  writer.writeVarintField(1, 401);
  writer.writeStringField(2, why);
}

function writeStreamAck(_: undefined, writer: PbfWriter): void {
  writer.writeVarintField(1, STREAM_ACK);
  writer.writeStringField(2, '');
}

function writeData(writer: PbfWriter, message: DataMessage): void {
  writer.writeStringField(3, message.from);
  writer.writeStringField(5, message.category);
  if (message.collapseKey !== undefined) writer.writeStringField(6, message.collapseKey);
  for (const pair of Object.entries(message.appData)) writer.writeMessage(7, writePair, pair);
  if (message.persistentId !== undefined) writer.writeStringField(9, message.persistentId);
  if (message.body !== undefined) writer.writeBytesField(21, message.body);
  // At once, not after ten: what is not acknowledged when a connection breaks is sent again.
  if (message.persistentId !== undefined) writer.writeBooleanField(24, true);
}

function writePair([key, value]: [string, string], writer: PbfWriter): void {
  writer.writeStringField(1, key);
  writer.writeStringField(2, value);
}
