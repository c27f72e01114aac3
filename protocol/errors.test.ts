import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asReveilleError, type ErrorCode, errorTable, ReveilleError } from './errors.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

for (const code of codes) {
  test(`IN8 ${code} has an HTTP status and says what is wrong and what to do`, () => {
    const error = new ReveilleError(code, 'Detail.');
    assert.ok(error.status >= 400 && error.status < 600);
    assert.ok(error.reason.length > 0);
    assert.ok(error.sentence.startsWith(errorTable[code].message));
    assert.ok(error.sentence.endsWith(errorTable[code].next));
  });
}

test('IN8 the detail of a refusal is shown, that of an error of ours is not', () => {
  assert.match(
    new ReveilleError('channel-invalid', 'No user has this channel.').sentence,
    /No user has this channel\./,
  );
  assert.doesNotMatch(new ReveilleError('internal', 'disk 7 at /data').sentence, /disk 7/);
});

test('IN8 what was not foreseen becomes an internal error that keeps its cause', () => {
  const cause = new TypeError('x is undefined');
  const error = asReveilleError(cause);
  assert.equal(error.code, 'internal');
  assert.equal(error.cause, cause);
  assert.doesNotMatch(error.sentence, /undefined/);
  assert.equal(asReveilleError(error), error);
});

test('IN8 the guide\u2019s sentences are kept word by word', () => {
  assert.equal(errorTable['channel-invalid'].message, 'Channel ID is invalid.');
  assert.equal(
    errorTable['subchannel-invalid'].message,
    'Subchannel is invalid (four subchannels available; subchannel value must be 0, 1, 2, or 3).',
  );
  assert.equal(errorTable['payload-too-long'].message, 'Payload is too long (must be 256 bytes or less).');
  assert.equal(
    errorTable['quota-exceeded'].message,
    'Daily message quota exceeded (10,000 message requests allowed per day).',
  );
  assert.equal(
    errorTable['app-not-owned'].message,
    'Google Account calling the push messaging service does not own the app or extension.',
  );
  assert.equal(errorTable.internal.message, 'An internal error has occurred.');
});
