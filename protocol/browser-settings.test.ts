import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserSettings } from './browser-settings.ts';

test('CI16 the settings name the doors of the service, with its scheme and name', () => {
  assert.deepEqual(browserSettings('https://push.example', 5228), {
    chromium: {
      checkinUrl: 'https://push.example/checkin',
      registrationUrl: 'https://push.example/register3',
      mcsEndpoint: 'https://push.example:5228',
    },
    firefox: { pushUrl: 'wss://push.example/autopush' },
  });
  const { chromium, firefox } = browserSettings('http://[::1]:8030', 4000);
  assert.equal(chromium.mcsEndpoint, 'https://[::1]:4000');
  assert.equal(firefox.pushUrl, 'ws://[::1]:8030/autopush');
});

test('CI16 a shut door is told of, not guessed', () => {
  assert.equal(browserSettings('https://push.example', undefined).chromium.mcsEndpoint, null);
});
