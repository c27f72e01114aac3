import { describe, expect, test } from 'bun:test';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { readMessage } from './read-message.ts';

const channelId = '08144192009958038014/mfaehphpebmlbfdiegjnpidmibldjbjk';
const read = (fields: Record<string, unknown>, maxBytes = 256) =>
  readMessage(JSON.stringify(fields), maxBytes);

function refusal(run: () => unknown): ReveilleError {
  try {
    run();
  } catch (error) {
    if (error instanceof ReveilleError) return error;
  }
  throw new Error('it was not refused');
}

describe('a message', () => {
  test('IN3 text, a number, nothing and empty text are payloads', () => {
    expect(read({ channelId, subchannelId: 0, payload: 'h\u00e9llo' }).payload).toBe('h\u00e9llo');
    expect(read({ channelId, subchannelId: 0, payload: 73120 }).payload).toBe('73120');
    expect(readMessage(`{'channelId':'${channelId}','subchannelId':'1','payload':1.50}`, 256).payload).toBe(
      '1.50',
    );
    expect(read({ channelId, subchannelId: 0 }).payload).toBe('');
    expect(read({ channelId, subchannelId: 0, payload: '' }).payload).toBe('');
  });

  for (const payload of [null, true, false, {}, [], ['x'], { a: 1 }]) {
    test(`IN3 ${JSON.stringify(payload)} is no payload`, () => {
      const error = refusal(() => read({ channelId, subchannelId: 0, payload }));
      expect([error.code, error.status, error.facts.location]).toEqual(['payload-invalid', 400, 'payload']);
    });
  }

  for (const payload of ['\\ud83d', '\\udcef\\ud83d', 'a\\udcefb']) {
    test(`IN3 the lone surrogate in ${payload} is refused`, () => {
      const error = refusal(() =>
        readMessage(`{"channelId":"${channelId}","subchannelId":0,"payload":"${payload}"}`, 256),
      );
      expect(error.code).toBe('payload-invalid');
    });
  }

  test('IN3 a whole surrogate pair, escaped or not, is text', () => {
    expect(
      readMessage(`{"channelId":"${channelId}","subchannelId":0,"payload":"\\ud83d\\udcef"}`, 4).payload,
    ).toBe('\u{1F4EF}');
  });

  test('ME1 256 bytes of UTF-8 are accepted whole, one more is refused', () => {
    const longest = `${'\u20ac'.repeat(85)}x`;
    expect(read({ channelId, subchannelId: 0, payload: longest }).payload).toBe(longest);
    const error = refusal(() => read({ channelId, subchannelId: 0, payload: `${longest}x` }));
    expect(error.code).toBe('payload-too-long');
    expect(error.sentence).toContain('Payload is too long (must be 256 bytes or less). It has 257 bytes');
  });

  test('ME1 the limit of the project counts, and numbers have a length too', () => {
    expect(read({ channelId, subchannelId: 0, payload: 'x'.repeat(1_000) }, 1_000).payload.length).toBe(
      1_000,
    );
    expect(refusal(() => read({ channelId, subchannelId: 0, payload: 12345 }, 4)).code).toBe(
      'payload-too-long',
    );
  });

  test('SC1 integers and one-digit strings are subchannels', () => {
    for (const n of [0, 1, 2, 3]) {
      expect(read({ channelId, subchannelId: n }).subchannel as number).toBe(n);
      expect(read({ channelId, subchannelId: String(n) }).subchannel as number).toBe(n);
    }
  });

  test('IN4 fields come in any order, and others are ignored', () => {
    expect(read({ payload: 'x', extra: { y: [1] }, subchannelId: '3', channelId })).toEqual(
      read({ channelId, subchannelId: 3, payload: 'x' }),
    );
  });

  const wrong: readonly [string, Record<string, unknown>, ErrorCode, string][] = [
    ['no channel', { subchannelId: 0 }, 'channel-invalid', '"channelId" is missing.'],
    [
      'a channel that is a number',
      { channelId: 1, subchannelId: 0 },
      'channel-invalid',
      'Channel ID is invalid.',
    ],
    [
      'a channel of another form',
      { channelId: 'x/y', subchannelId: 0 },
      'channel-invalid',
      'Channel ID is invalid.',
    ],
    ['no subchannel', { channelId }, 'subchannel-invalid', '"subchannelId" is missing.'],
    ['subchannel 4', { channelId, subchannelId: 4 }, 'subchannel-invalid', 'must be 0, 1, 2, or 3'],
    ['subchannel "01"', { channelId, subchannelId: '01' }, 'subchannel-invalid', 'must be 0, 1, 2, or 3'],
    ['subchannel 1.5', { channelId, subchannelId: 1.5 }, 'subchannel-invalid', 'must be 0, 1, 2, or 3'],
    ['subchannel null', { channelId, subchannelId: null }, 'subchannel-invalid', 'must be 0, 1, 2, or 3'],
    [
      'everything wrong',
      { channelId: '', subchannelId: 9, payload: null },
      'channel-invalid',
      'Channel ID is invalid.',
    ],
  ];
  for (const [what, fields, code, sentence] of wrong) {
    test(`IN4 ${what} is refused with a sentence`, () => {
      const error = refusal(() => read(fields));
      expect([error.code, error.status]).toEqual([code, 400]);
      expect(error.sentence).toContain(sentence);
    });
  }
});
