import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUrgency, reaches, urgencies } from './urgency.ts';

test('DV11 a bound lets through what is as urgent and more, in the order of RFC 8030', () => {
  assert.deepEqual(urgencies, ['very-low', 'low', 'normal', 'high']);
  for (const [at, lowest] of urgencies.entries())
    assert.deepEqual(
      urgencies.filter((urgency) => reaches(urgency, lowest)),
      urgencies.slice(at),
    );
});

test('DV11 a message without an urgency is normal, and no bound lets everything through', () => {
  assert.deepEqual(
    urgencies.map((lowest) => reaches(undefined, lowest)),
    [true, true, true, false],
  );
  assert.ok(urgencies.every((urgency) => reaches(urgency, undefined)));
});

test('DV11 an urgency is one of four words, as they are written', () => {
  assert.ok(urgencies.every(isUrgency));
  for (const word of ['High', 'urgent', '', 'toString', 3, null, undefined, ['high']])
    assert.equal(isUrgency(word), false);
});
