import { describe, expect, test } from 'bun:test';
import { ReveilleError } from '../../../protocol/errors.ts';
import { utf8Length } from '../../../protocol/message.ts';
import type { Version } from '../../../protocol/version.ts';
import { closes, parseServerFrame } from '../../../protocol/wire.ts';
import type { ChannelKey, Kept } from '../../core/store.ts';
import { closeOf, closing, decode, encodeMessage } from './codec.ts';

const kept: Kept = {
  version: 41 as Version,
  channel: 1 as ChannelKey,
  slot: '3',
  payload: '"\u{1F4EF}"',
  acceptedAt: 0,
  expiresAt: 1,
};

describe('codec', () => {
  test('WW1 a kept message becomes a message frame', () => {
    expect(parseServerFrame(encodeMessage(kept))).toEqual({
      type: 'message',
      version: 41 as Version,
      subchannelId: 3,
      payload: '"\u{1F4EF}"',
    });
  });

  test('WW1 each message has a frame of its own, also when they take turns', () => {
    const other = { ...kept, version: 42 as Version };
    const versions = [kept, kept, other, kept].map((one) => parseServerFrame(encodeMessage(one)));
    expect(versions).toMatchObject([41, 41, 42, 41].map((version) => ({ version })));
  });

  test('VT13 one of the queue of a subchannel says so', () => {
    expect(parseServerFrame(encodeMessage({ ...kept, slot: 'q:3' }))).toMatchObject({
      subchannelId: 3,
      collapse: false,
    });
    expect(encodeMessage(kept)).not.toContain('collapse');
  });

  test('WW3 binary is no frame, even when it holds one', () => {
    expect(decode(Buffer.from('{"type":"ping"}'))).toEqual({
      type: 'refused',
      close: 'frame-bad',
      why: 'binary frames are not spoken here',
    });
    expect(decode('{"type":"ping"}')).toEqual({ type: 'ping' });
  });

  test('WW5 a close says what exactly was wrong, and fits a close frame', () => {
    expect(closing('frame-bad', 'unknown type')).toEqual({ code: 4400, reason: 'bad frame: unknown type' });
    expect(closing('replaced').reason).toBe(closes.replaced.text);
    const { reason } = closing('frame-bad', '\u20ac'.repeat(100));
    expect(utf8Length(reason)).toBeLessThanOrEqual(123);
    expect(reason.isWellFormed()).toBe(true);
  });

  test('WW5 an error at login has its close', () => {
    expect(closeOf(new ReveilleError('device-unknown'))).toBe('device-unknown');
    expect(closeOf(new ReveilleError('origin-foreign'))).toBe('origin-foreign');
    expect(closeOf(new ReveilleError('unavailable'))).toBe('going-away');
    expect(closeOf(new ReveilleError('internal'))).toBe('internal');
  });
});
