import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AppId, isAppId } from './app-id.ts';
import { appOfChannel, isChannelId, makeChannelId } from './channel-id.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;

test('CH1 ids of the time are channel ids', () => {
  for (const digits of [
    '08144192009958038014',
    '15312359557864779180',
    '01282915067796969032',
    '00000000000000000000',
  ]) {
    assert.ok(isChannelId(`${digits}/${app}`), digits);
  }
});

const wrong = {
  'the sample of the guide, whose app id has 30 letters':
    '07153465812409371546/abcdefghijklmnopabcdefghijklmn',
  '19 digits': `0814419200995803801/${app}`,
  '21 digits': `008144192009958038014/${app}`,
  'a number above 64 bits': `18446744073709551616/${app}`,
  'the dot of the experimental API': `08144192009958038014.${app}`,
  'a letter beyond p': `08144192009958038014/${'q'.repeat(32)}`,
  'capital letters': `08144192009958038014/${app.toUpperCase()}`,
  'digits of another script': `0814419200995803801\u0664/${app}`,
  'a line end behind it': `08144192009958038014/${app}\n`,
  'space around it': ` 08144192009958038014/${app}`,
  'a second slash': `08144192009958038014/${app}/0`,
  nothing: '',
};
for (const [what, text] of Object.entries(wrong)) {
  test(`CH1 ${what} is no channel id`, () => assert.equal(isChannelId(text), false));
}

test('CH1 the greatest unsigned 64-bit number is a channel id', () => {
  assert.ok(isChannelId(`18446744073709551615/${app}`));
});

test('CH1 whatever the random bytes, the id is well formed and holds the app', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (random) => {
      const id = makeChannelId(app, random);
      assert.ok(isChannelId(id));
      assert.equal(appOfChannel(id), app);
      assert.equal(BigInt(id.slice(0, 20)), new DataView(random.buffer).getBigUint64(0));
    }),
    { seed: 1030 },
  );
});

test('CH1 small numbers are padded with zeros', () => {
  assert.equal(makeChannelId(app, new Uint8Array([0, 0, 0, 0, 0, 0, 1, 0])), `00000000000000000256/${app}`);
});

test('CH1 no id is made from too few random bytes or for no app', () => {
  assert.throws(() => makeChannelId(app, new Uint8Array(7)), TypeError);
  assert.throws(() => makeChannelId('abc' as AppId, new Uint8Array(8)), TypeError);
});

test('CH1 an app id is 32 letters a to p', () => {
  assert.ok(isAppId(app));
  for (const text of [app.slice(1), `${app}a`, app.replace('m', 'z'), `${app}\n`, ''])
    assert.equal(isAppId(text), false);
});
