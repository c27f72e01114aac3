import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSubchannel } from './subchannel.ts';

test('SC1 the integers 0 to 3 and exactly their strings are subchannels', () => {
  for (const n of [0, 1, 2, 3]) {
    assert.equal(parseSubchannel(n), n);
    assert.equal(parseSubchannel(String(n)), n);
  }
});

const wrong = [
  4,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  '4',
  '-1',
  '01',
  '+1',
  ' 1',
  '1 ',
  '1\n',
  '1.0',
  '0x1',
  '',
  '\u0661',
];
for (const value of [...wrong, true, false, null, undefined, [1], { 0: 1 }, 1n]) {
  test(`SC1 ${typeof value} ${JSON.stringify(String(value))} is no subchannel`, () =>
    assert.equal(parseSubchannel(value), undefined));
}

test('SC1 how many there are is a limit of the app', () => {
  assert.equal(parseSubchannel(11, 12), 11);
  assert.equal(parseSubchannel('11', 12), 11);
  assert.equal(parseSubchannel(12, 12), undefined);
});
