import { type ChannelId, isChannelId } from '../../../protocol/channel-id.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { type Message, utf8Length } from '../../../protocol/message.ts';
import { parseSubchannel, type Subchannel } from '../../../protocol/subchannel.ts';
import { type JsonObject, numberText, readJsonObject } from './lenient-json.ts';

/**
 * The form of a message: `{"channelId", "subchannelId", "payload"}` in any order, other fields ignored.
 * @param maxPayloadBytes the limit of the sender's project, in bytes of UTF-8.
 * @throws `body-invalid`, `channel-invalid`, `subchannel-invalid`, `payload-invalid`, `payload-too-long`, in this order.
 */
export function readMessage(text: string, maxPayloadBytes: number): Message {
  const body = readJsonObject(text);
  return {
    channel: readChannel(body.fields.channelId),
    subchannel: readSubchannel(body.fields.subchannelId),
    payload: readPayload(body, maxPayloadBytes),
  };
}

function readChannel(value: unknown): ChannelId {
  if (typeof value === 'string' && isChannelId(value)) return value;
  const detail = value === undefined ? '"channelId" is missing.' : undefined;
  throw new ReveilleError('channel-invalid', detail, { location: 'channelId' });
}

function readSubchannel(value: unknown): Subchannel {
  const subchannel = parseSubchannel(value);
  if (subchannel !== undefined) return subchannel;
  // No sender of the time is known to have left it out, and 0 would be a guess (docs/compat.md).
  const detail = value === undefined ? '"subchannelId" is missing.' : undefined;
  throw new ReveilleError('subchannel-invalid', detail, { location: 'subchannelId' });
}

function readPayload({ fields, json }: JsonObject, maxBytes: number): string {
  const value = fields.payload === undefined ? '' : fields.payload;
  // Google's guestbook sent a number and read it back as text (reference 1.1).
  const payload = typeof value === 'number' ? numberText(json, 'payload') : value;
  if (typeof payload !== 'string') {
    const what = payload === null ? 'null' : Array.isArray(payload) ? 'an array' : `a JSON ${typeof payload}`;
    throw new ReveilleError('payload-invalid', `It is ${what}.`, { location: 'payload' });
  }
  if (!payload.isWellFormed()) {
    throw new ReveilleError('payload-invalid', 'It holds half of a surrogate pair.', { location: 'payload' });
  }
  const bytes = utf8Length(payload);
  if (bytes > maxBytes) {
    const detail = `It has ${bytes} bytes; the limit of this project is ${maxBytes}.`;
    throw new ReveilleError('payload-too-long', detail, { location: 'payload' });
  }
  return payload;
}
