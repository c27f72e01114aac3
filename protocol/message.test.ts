import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from './limits.ts';
import { utf8Length } from './message.ts';

const encoder = new TextEncoder();

test('ME1 bytes of UTF-8 are counted as an encoder makes them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(utf8Length(text), encoder.encode(text).length);
    }),
    { seed: 256, numRuns: 200 },
  );
});

test('ME1 one, two, three and four bytes', () => {
  for (const [text, bytes] of [
    ['a', 1],
    ['\u007f', 1],
    ['\u0080', 2],
    ['\u07ff', 2],
    ['\u0800', 3],
    ['\uffff', 3],
    ['\u{10000}', 4],
  ] as const) {
    assert.equal(utf8Length(text), bytes, text);
  }
});

test('ME1 64 emoji fill the default limit to the last byte', () => {
  assert.equal(utf8Length('\u{1F4EF}'.repeat(64)), limits.payloadBytes);
});
