import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { PbfWriter } from 'pbf';
import { clientFrames, decodeServerFrame, type Heard } from '../../../dev-env/mcs-client.ts';
import { limits } from '../../../protocol/limits.ts';
import { type ClientFrame, decodeClientFrame, encode, type ServerFrame, tags } from './codec.ts';
import { FrameReader, frameBytes, type Refused } from './frame-reader.ts';

const VERSION = Uint8Array.of(41);

/** What a reader makes of a stream that comes in these chunks. */
function read(...chunks: readonly Uint8Array[]): (ClientFrame | Refused)[] {
  const reader = new FrameReader<ClientFrame>(decodeClientFrame);
  return chunks.flatMap((chunk) => [...reader.push(chunk)]);
}

/** The same, the chunks in one. */
const readWhole = (...parts: readonly Uint8Array[]) => read(Buffer.concat(parts));

function readServer(frame: ServerFrame): Heard {
  const reader = new FrameReader<Heard>(decodeServerFrame);
  const [heard] = reader.push(Buffer.concat([VERSION, encode(frame)]));
  if (heard === undefined || 'type' in heard) throw new Error('our own frame was refused');
  return heard;
}

const login = clientFrames.login('7', '9', ['a.1', 'b.2']);
const stream = [
  login,
  clientFrames.ping(3),
  clientFrames.pong(300),
  clientFrames.streamAck(70_000),
  clientFrames.selectiveAck(['a.1'], 4),
  clientFrames.upstream('up', 'abc', 5),
  clientFrames.close(),
];
const meant = [
  {
    type: 'login',
    id: 'chrome-156.0.8078.79',
    user: '7',
    resource: '7',
    authToken: '9',
    persistentIds: ['a.1', 'b.2'],
  },
  { type: 'ping', received: 3 },
  { type: 'pong', received: 300 },
  { type: 'iq', acknowledged: [], received: 70_000 },
  { type: 'iq', acknowledged: ['a.1'], received: 4 },
  { type: 'data', id: 'up', category: 'abc', received: 5 },
  { type: 'close' },
] as const;

describe('frames of a client', () => {
  test('MC1 are read as they were written, whole and byte by byte', () => {
    const bytes = Buffer.concat([VERSION, ...stream]);
    expect(read(bytes) as unknown).toEqual(meant);
    expect(read(...[...bytes].map((byte) => Uint8Array.of(byte))) as unknown).toEqual(meant);
    expect(read(new Uint8Array(), bytes) as unknown).toEqual(meant);
  });

  test('MC1 are read the same however the stream is cut', () => {
    const bytes = Buffer.concat([VERSION, ...stream, ...stream]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect(read(...chunks) as unknown).toEqual([...meant, ...meant]);
      }),
      { seed: 41, numRuns: 200 },
    );
  });

  test('MC1 version 38 is spoken too', () => {
    expect(readWhole(Uint8Array.of(38), clientFrames.close())).toEqual([{ type: 'close' }]);
  });

  test('MC1 fields that are unknown or of another type are passed over', () => {
    const writer = new PbfWriter();
    writer.writeStringField(2, 'not a number');
    writer.writeVarintField(99, 1);
    writer.writeFixed64Field(98, 1);
    writer.writeFixed32Field(97, 1);
    expect(readWhole(VERSION, frameBytes(tags.ping, writer.finish()))).toEqual([
      { type: 'ping', received: 0 },
    ]);
    const typed = new PbfWriter();
    for (const field of [1, 3, 4, 5, 10]) typed.writeVarintField(field, 7);
    const [frame] = readWhole(VERSION, frameBytes(tags.login, typed.finish()));
    expect(frame).toMatchObject({ type: 'login', user: '', authToken: '' });
  });
});

describe('what is no MCS', () => {
  const only = (...parts: readonly Uint8Array[]) => {
    const frames = readWhole(...parts);
    expect(frames.map(({ type }) => type)).toEqual(['refused']);
    return (frames[0] as Refused).why;
  };

  test('MC2 a version that is not known, such as a request of HTTP', () => {
    expect(only(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toContain('version');
    expect(only(Uint8Array.of(40), login)).toContain('version');
  });

  test('MC2 an unknown tag', () => {
    expect(only(VERSION, frameBytes(5, new Uint8Array()), login)).toContain('tag 5');
  });

  test('MC2 a frame over the limit is refused by its length, before it is here', () => {
    const tooLong = limits.mcsFrameBytes + 1;
    const length = [(tooLong & 0x7f) | 0x80, ((tooLong >> 7) & 0x7f) | 0x80, tooLong >> 14];
    expect(only(VERSION, Uint8Array.of(tags.login, ...length))).toContain('too long');
    expect(only(VERSION, Uint8Array.of(tags.login, 255, 255, 255, 255, 255, 255, 1))).toContain('too long');
    const padding = new PbfWriter();
    padding.writeStringField(30, 'x'.repeat(limits.mcsFrameBytes - 5));
    expect(readWhole(VERSION, frameBytes(tags.ping, padding.finish()))).toMatchObject([{ type: 'ping' }]);
  });

  test('MC2 fields that reach beyond their frame', () => {
    expect(only(VERSION, frameBytes(tags.login, Uint8Array.of(0x1a, 100, 1)))).toContain('protobuf');
    expect(only(VERSION, frameBytes(tags.ping, Uint8Array.of(0x10, 0xff, 0xff)))).toContain('protobuf');
    expect(only(VERSION, frameBytes(tags.ping, Uint8Array.of(0x13)))).toContain('protobuf');
  });

  test('MC2 after a refusal nothing more is read', () => {
    const reader = new FrameReader<ClientFrame>(decodeClientFrame);
    expect(reader.push(Uint8Array.of(1))).toHaveLength(1);
    expect(reader.push(Buffer.concat([VERSION, login]))).toEqual([]);
  });

  test('MC2 random bytes never throw, and at most one refusal comes, as the last', () => {
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(9), fc.uint8Array({ maxLength: 300 })).map(([tag, body]) => frameBytes(tag, body)),
      fc.constantFrom(...stream),
    );
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 8 }), (parts) => {
        const all = readWhole(VERSION, ...parts);
        const refusals = all.filter(({ type }) => type === 'refused');
        expect(refusals.length).toBeLessThanOrEqual(1);
        if (refusals.length === 1) expect(all.at(-1)?.type).toBe('refused');
      }),
      { seed: 5_228, numRuns: 3_000 },
    );
  });

  test('MC2 every truncation of a good stream is a wait, never a fault', () => {
    const bytes = Buffer.concat([VERSION, ...stream]);
    for (let end = 0; end < bytes.length; end++)
      expect(read(bytes.subarray(0, end)).every(({ type }) => type !== 'refused')).toBe(true);
  });
});

describe('frames of ours', () => {
  test('MC1 are read as they were written', () => {
    expect(readServer({ type: 'pong', received: 3 })).toMatchObject({ tag: tags.pong, received: 3 });
    expect(readServer({ type: 'streamAck', received: 400 })).toMatchObject({ tag: tags.iq, received: 400 });
    expect(readServer({ type: 'close' })).toMatchObject({ tag: tags.close });
    expect(
      readServer({ type: 'loggedIn', id: 'x', heartbeatMs: 240_000, now: Date.UTC(2026, 0), received: 1 }),
    ).toMatchObject({ tag: tags.loggedIn, error: 0, heartbeatMs: 240_000, received: 1 });
    expect(readServer({ type: 'loginRefused', id: 'x', why: 'no' })).toMatchObject({ error: 401 });
    const message = {
      from: 'me',
      category: 'app',
      collapseKey: 'c',
      appData: { a: '1', ü: 'ß'.repeat(200) },
      persistentId: 's.1',
      body: Uint8Array.of(0, 255),
    };
    expect(readServer({ type: 'data', message, received: 2 })).toMatchObject({
      ...message,
      immediateAck: true,
      received: 2,
    });
    const bare = { from: 'me', category: 'app', appData: {} };
    expect(readServer({ type: 'data', message: bare, received: 0 })).toMatchObject({
      ...bare,
      persistentId: '',
      immediateAck: false,
    });
  });
});
