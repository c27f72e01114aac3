import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { utf8Length } from './message.ts';
import { urgencies } from './urgency.ts';
import type { Version } from './version.ts';
import {
  afterClose,
  type ClientFrame,
  closes,
  formatFrame,
  knownProtocols,
  parseClientFrame,
  parseServerFrame,
  type ServerFrame,
} from './wire.ts';

const seeded = { seed: 20_130_509, numRuns: 250 };
const version = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) as fc.Arbitrary<Version>;
const text = fc.string({ unit: 'binary', maxLength: 60 });
const word = fc.string({ minLength: 1, maxLength: 60 });
const count = fc.nat(1_000_000);
const kind = fc.constantFrom('failed' as const, 'no-listener' as const);

const clientFrames: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record(
    {
      type: fc.constant('hello' as const),
      protocol: fc.constant(1),
      client: text,
      device: word,
      token: word,
      urgency: fc.constantFrom(...urgencies),
    },
    { requiredKeys: ['type', 'protocol', 'client', 'device', 'token'] },
  ),
  fc.record({ type: fc.constant('taken' as const), version }),
  fc.record({ type: fc.constant('confirm' as const), version }),
  fc.record({ type: fc.constant('refuse' as const), version, kind, reason: text }),
  fc.constant({ type: 'ping' as const }),
);

const serverFrames: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    protocol: fc.constant(1),
    channelId: word,
    pingMs: count,
  }),
  fc.record({ type: fc.constant('message' as const), version, subchannelId: count, payload: text }),
  fc.constant({ type: 'live' as const }),
  fc.constant({ type: 'pong' as const }),
);

const sides = [
  { side: 'client', parse: parseClientFrame, maxBytes: limits.frameBytes },
  { side: 'server', parse: parseServerFrame, maxBytes: limits.messageFrameBytes },
];

describe('frames', () => {
  test('WW1 a client frame is read as it was written', () => {
    fc.assert(
      fc.property(clientFrames, (frame) =>
        assert.deepEqual(parseClientFrame(formatFrame(frame)), { ...frame }),
      ),
      seeded,
    );
  });

  test('WW1 a server frame is read as it was written', () => {
    fc.assert(
      fc.property(serverFrames, (frame) =>
        assert.deepEqual(parseServerFrame(formatFrame(frame)), { ...frame }),
      ),
      seeded,
    );
  });

  test('WW1 fields that a type does not have are dropped', () => {
    assert.deepEqual(parseClientFrame('{"type":"taken","version":7,"payload":"x","__proto__":{"y":1}}'), {
      type: 'taken',
      version: 7,
    });
    assert.deepEqual(parseServerFrame('{"trace":"abc","type":"live"}'), { type: 'live' });
  });

  test('WW1 the longest payload of a raised limit fits a server frame', () => {
    const payload = '"'.repeat(limits.jsonBodyBytes);
    const frame: ServerFrame = {
      type: 'message',
      version: 9_007_199_254_740_991 as Version,
      subchannelId: 3,
      payload,
    };
    assert.deepEqual(parseServerFrame(formatFrame(frame)), frame);
  });
});

describe('what is no frame', () => {
  for (const { side, parse, maxBytes } of sides) {
    test(`WW2 random text never throws and is refused with a reason (${side})`, () => {
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (junk) => {
          const answer = parse(junk);
          assert.equal(answer.type, 'refused');
          assert.ok('why' in answer && answer.why.length > 0 && answer.why.length < 100);
        }),
        seeded,
      );
    });

    test(`WW2 random bytes, read as UTF-8, never throw (${side})`, () => {
      const decoder = new TextDecoder();
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          assert.equal(parse(decoder.decode(bytes)).type, 'refused');
        }),
        seeded,
      );
    });

    test(`WW2 a frame with any one byte changed is a frame or refused, never an error (${side})`, () => {
      const frames: fc.Arbitrary<ClientFrame | ServerFrame> = side === 'client' ? clientFrames : serverFrames;
      fc.assert(
        fc.property(frames, fc.nat(), fc.nat(0xffff), (frame, at, unit) => {
          const good = formatFrame(frame);
          const i = at % good.length;
          assert.equal(
            typeof parse(good.slice(0, i) + String.fromCharCode(unit) + good.slice(i + 1)).type,
            'string',
          );
        }),
        seeded,
      );
    });

    test(`WW2 objects with the right types and the wrong fields are refused (${side})`, () => {
      const types = [
        'hello',
        'taken',
        'confirm',
        'refuse',
        'welcome',
        'message',
        'toString',
        '__proto__',
        '',
      ];
      fc.assert(
        fc.property(fc.constantFrom(...types), (type) => {
          assert.equal(parse(JSON.stringify({ type, protocol: 1, version: 0 })).type, 'refused');
        }),
        seeded,
      );
    });

    test(`WW3 a frame over ${maxBytes} bytes of UTF-8 is refused, however few characters it has (${side})`, () => {
      const padded = (filler: string, bytes: number) => {
        const frame = (pad: string) => JSON.stringify({ type: side === 'client' ? 'ping' : 'pong', pad });
        return frame(filler.repeat(Math.floor((bytes - frame('').length) / utf8Length(filler))));
      };
      assert.notEqual(parse(padded('a', maxBytes)).type, 'refused');
      assert.equal(parse(padded('a', maxBytes + 1)).type, 'refused');
      assert.equal(parse(padded('\u20ac', maxBytes + 9)).type, 'refused');
    });
  }

  test('WW2 the reason names the field that is at fault', () => {
    const answer = parseClientFrame('{"type":"confirm","version":"7"}');
    assert.deepEqual(answer, {
      type: 'refused',
      close: 'frame-bad',
      why: 'confirm: version is missing or wrong',
    });
  });

  for (const wrong of ['0', '-1', '1.5', '9007199254740992', '"1"', 'null', '1e400']) {
    test(`WW2 ${wrong} is no version`, () => {
      assert.equal(parseClientFrame(`{"type":"taken","version":${wrong}}`).type, 'refused');
    });
  }

  test('WW2 a refusal has one of two kinds', () => {
    const refusal = (kind: string) =>
      parseClientFrame(`{"type":"refuse","version":1,"kind":"${kind}","reason":""}`);
    assert.equal(refusal('failed').type, 'refuse');
    assert.equal(refusal('no-listener').type, 'refuse');
    assert.equal(refusal('tired').type, 'refused');
  });
});

describe('versions of the protocol', () => {
  test('WW4 a hello of an unknown protocol is told apart, whatever else it holds', () => {
    const answer = parseClientFrame('{"type":"hello","protocol":2,"who":"a later client"}');
    assert.ok(answer.type === 'refused' && answer.close === 'protocol-unknown');
    for (const known of knownProtocols) assert.match(answer.why, new RegExp(`\\b${known}\\b`));
  });

  test('WW4 a hello without a protocol number is a bad frame', () => {
    const answer = parseClientFrame('{"type":"hello","protocol":"1","client":"x","device":"d","token":"t"}');
    assert.ok(answer.type === 'refused' && answer.close === 'frame-bad');
  });
});

describe('closing', () => {
  test('WW5 each close has a code of its own from 4000 to 4999 and a text that fits a close frame', () => {
    const codes = Object.values(closes).map((close) => close.code);
    assert.equal(new Set(codes).size, codes.length);
    for (const close of Object.values(closes)) {
      assert.ok(close.code >= 4000 && close.code <= 4999);
      assert.ok(utf8Length(close.text) <= 123);
    }
  });

  test('WW5 a client knows what to do after each close, and reconnects after those of the network', () => {
    assert.equal(afterClose(closes.replaced.code), 'stop');
    assert.equal(afterClose(closes['device-ended'].code), 'register');
    assert.equal(afterClose(closes['going-away'].code), 'reconnect');
    for (const code of [1000, 1001, 1006, 4999]) assert.equal(afterClose(code), 'reconnect');
  });

  test('WW5 PROTOCOL.md lists every close', () => {
    // From the project's folder: on Node this test runs as a bundle that lies elsewhere.
    const page = readFileSync('protocol/PROTOCOL.md', 'utf8');
    for (const [name, close] of Object.entries(closes)) {
      assert.match(page, new RegExp(`^| ${close.code} +| ${name}\b`, 'm'));
    }
  });
});
