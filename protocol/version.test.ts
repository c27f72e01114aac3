import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isVersion, nextVersion } from './version.ts';

test('OR2 a version is near the microseconds of the clock', () => {
  assert.equal(nextVersion(0, 1_795_497_600_000), 1_795_497_600_000_000);
});

test('OR2 it rises within a millisecond and through a clock step back', () => {
  const last = nextVersion(0, 1_795_497_600_000);
  assert.equal(nextVersion(last, 1_795_497_600_000), last + 1);
  assert.equal(nextVersion(last, 1_795_400_000_000), last + 1);
});

test('OR2 whatever the clock says, each version is higher than the one before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4_102_444_800_000 }), { minLength: 1 }), (clock) => {
      let last = 0;
      for (const now of clock) {
        const next = nextVersion(last, now);
        assert.ok(next > last && isVersion(next));
        last = next;
      }
    }),
    { seed: 53 },
  );
});

test('OR2 a version is a whole number from 1 to below 2^53', () => {
  for (const good of [1, 2 ** 53 - 1]) assert.ok(isVersion(good));
  for (const wrong of [0, -1, 1.5, 2 ** 53, Number.NaN, Infinity, '1', 1n, null, undefined]) {
    assert.equal(isVersion(wrong), false, String(wrong));
  }
});
