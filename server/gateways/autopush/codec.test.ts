import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey, Kept } from '../../core/store.ts';
import { closes, closing, decode, encode } from './codec.ts';

const channelID = 'd9b74644-4f97-46aa-b8fa-9393985cd6cd';
const read = (frame: unknown): unknown => decode(JSON.stringify(frame));
const written = (frame: Parameters<typeof encode>[0]): unknown => JSON.parse(encode(frame));

const kept: Kept = {
  version: 1_790_000_000_000_001 as Version,
  channel: 1 as ChannelKey,
  slot: null,
  payload: 'DGv6ra1nlYg',
  headers: { encoding: 'aes128gcm' },
  acceptedAt: 0,
  expiresAt: 60_000,
};

describe('from a client', () => {
  test('FX1 every form of hello is read', () => {
    const none = { type: 'hello', uaid: undefined, broadcasts: [] };
    const firefox = {
      messageType: 'hello',
      use_webpush: true,
      broadcasts: { 'remote-settings/monitor_changes': '"0"' },
      uaid: 'ab12',
    };
    expect(read(firefox)).toEqual({
      type: 'hello',
      uaid: 'ab12',
      broadcasts: ['remote-settings/monitor_changes'],
    });
    for (const form of [
      {},
      { uaid: '' },
      { uaid: null },
      { use_webpush: false },
      { channelIDs: [channelID] },
    ])
      expect(read({ messageType: 'hello', ...form })).toEqual(none);
  });

  test('FX1 register comes with a key or without', () => {
    const bare = { type: 'register', channelID, key: null };
    expect(read({ messageType: 'register', channelID })).toEqual(bare);
    expect(read({ messageType: 'register', channelID, key: null })).toEqual(bare);
    expect(read({ messageType: 'register', channelID, key: 'BP4=' })).toEqual({ ...bare, key: 'BP4=' });
  });

  test('FX1 the codes of unregister, ack and nack are named, others count as the plain ones', () => {
    const reasons = [200, 201, 202, 299].map((code) => read({ messageType: 'unregister', channelID, code }));
    expect(reasons.map((frame) => (frame as { reason: string }).reason)).toEqual([
      'page',
      'quota',
      'permission',
      'page',
    ]);
    const updates = [100, 101, 102, 199].map((code) => ({ channelID, version: '7', code }));
    expect(read({ messageType: 'ack', updates: [...updates, { channelID, version: 'x' }] })).toEqual({
      type: 'ack',
      acks: [
        { channelID, version: 7, outcome: 'delivered' },
        { channelID, version: 7, outcome: 'undecryptable' },
        { channelID, version: 7, outcome: 'undelivered' },
        { channelID, version: 7, outcome: 'delivered' },
        { channelID, version: undefined, outcome: 'delivered' },
      ],
    });
    const faults = [301, 302, 303, 399].map((code) => read({ messageType: 'nack', version: '7', code }));
    expect(faults.map((frame) => (frame as { fault: string }).fault)).toEqual([
      'threw',
      'rejected',
      'broke',
      'broke',
    ]);
  });

  test('FX1 both forms of ping, and a broadcast subscription', () => {
    expect(decode('{}')).toEqual({ type: 'ping' });
    expect(read({ messageType: 'ping', more: 1 })).toEqual({ type: 'ping' });
    expect(read({ messageType: 'broadcast_subscribe', broadcasts: { a: '1' } })).toEqual({
      type: 'broadcast_subscribe',
      broadcasts: ['a'],
    });
  });

  test('FX2 an unknown type is known to be unknown, also one that every object has', () => {
    for (const messageType of ['later', 'toString', '__proto__', ''])
      expect(read({ messageType })).toEqual({ type: 'unknown' });
  });

  test('FX2 what is no frame is refused with what is wrong', () => {
    const refused: readonly [string | Uint8Array, keyof typeof closes, string][] = [
      ['', 'frame-bad', 'not a JSON object'],
      ['[]', 'frame-bad', 'not a JSON object'],
      ['null', 'frame-bad', 'not a JSON object'],
      ['{"messageType":1}', 'frame-bad', 'messageType is no text'],
      ['{"messageType":"register"}', 'frame-bad', 'register: channelID is missing or wrong'],
      [
        JSON.stringify({ messageType: 'register', channelID: channelID.toUpperCase() }),
        'frame-bad',
        'register: channelID is missing or wrong',
      ],
      ['{"messageType":"ack","updates":[1]}', 'frame-bad', 'ack: updates.0 is missing or wrong'],
      ['{"messageType":"hello","uaid":7}', 'frame-bad', 'hello: uaid is missing or wrong'],
      [`"${'x'.repeat(limits.autopushFrameBytes)}"`, 'frame-large', 'more than 131072 bytes'],
      [`"${'\u20ac'.repeat(limits.autopushFrameBytes / 2)}"`, 'frame-large', 'more than 131072 bytes'],
      [Buffer.from('{}'), 'binary', 'binary frames are not spoken here'],
    ];
    for (const [message, close, why] of refused)
      expect<unknown>(decode(message)).toEqual({ type: 'refused', close, why });
  });

  test('FX2 nothing that comes in throws', () => {
    const messageType = fc.constantFrom(
      'hello',
      'register',
      'unregister',
      'ack',
      'nack',
      'ping',
      'broadcast_subscribe',
    );
    const fields = fc.dictionary(
      fc.constantFrom('uaid', 'broadcasts', 'channelID', 'key', 'code', 'updates', 'version'),
      fc.jsonValue(),
    );
    const almost = fc
      .tuple(messageType, fields)
      .map(([type, rest]) => JSON.stringify({ messageType: type, ...rest }));
    const any = fc.oneof(fc.string(), fc.json(), almost, fc.uint8Array());
    fc.assert(
      fc.property(any, (message) => {
        const frame = decode(message);
        expect(typeof frame.type).toBe('string');
        if (frame.type === 'refused')
          expect(closing(frame.close, frame.why).reason.length).toBeLessThanOrEqual(123);
      }),
      { seed: 153, numRuns: 3_000 },
    );
  });
});

describe('to a client', () => {
  test('FX3 the answer to a hello', () => {
    const hello = { status: 200, uaid: 'u', use_webpush: true, broadcasts: {} } as const;
    expect(written({ type: 'hello', ...hello })).toEqual({ messageType: 'hello', ...hello });
  });

  test('FX8 a push in each encoding, and without a body', () => {
    const head = { messageType: 'notification', channelID, version: '1790000000000001', ttl: 60 };
    const data = 'DGv6ra1nlYg';
    const push = (change: Partial<Kept>) =>
      written({ type: 'notification', channelID, kept: { ...kept, ...change } });
    expect(push({})).toEqual({ ...head, data, headers: { encoding: 'aes128gcm' } });
    expect(push({ headers: { encoding: 'aesgcm', encryption: 'salt=a', cryptoKey: 'dh=b' } })).toEqual({
      ...head,
      data,
      headers: { encoding: 'aesgcm', encryption: 'salt=a', crypto_key: 'dh=b' },
    });
    const { headers: _, ...bare } = kept;
    expect(written({ type: 'notification', channelID, kept: { ...bare, payload: '' } })).toEqual(head);
  });

  test('FX15 an unknown broadcast is told so', () => {
    expect(written({ type: 'broadcast', unknown: ['a'] })).toEqual({
      messageType: 'broadcast',
      broadcasts: { errors: { a: 'Broadcast not found' } },
    });
  });

  test('FX2 the code of a close may be sent', () => {
    for (const { code } of Object.values(closes)) expect(code === 1000 || code > 1000).toBe(true);
    expect(closing('overload')).toEqual({ code: 4774, reason: 'too many frames that ask for nothing' });
    expect(closing('frame-bad', 'why')).toEqual({ code: 1008, reason: 'bad frame: why' });
  });
});
