import { describe, expect, test } from 'bun:test';
import { isAllowed } from './push-hosts.ts';

describe('hosts', () => {
  const hosts = { hosts: ['push.example', '*.push.example', 'other.example:8443'], privateAddresses: true };
  const good = [
    'https://push.example/1',
    'https://push.example:443/1',
    'https://eu.push.example/1',
    'https://other.example:8443/1',
  ];
  for (const url of good)
    test(`WK15 ${url} is called`, () => expect(isAllowed(new URL(url), hosts)).toBe(true));

  const bad = [
    'http://push.example/1',
    'https://push.example:8443/1',
    'https://other.example/1',
    'https://notpush.example/1',
    'https://push.example.evil.example/1',
    'https://push.example@evil.example/1',
    'https://user:word@push.example/1',
    'https://127.0.0.1/1',
    'https://[::1]/1',
    'https://0x7f000001/1',
    'https://push.example./1',
  ];
  for (const url of bad) test(`WK15 ${url} is not`, () => expect(isAllowed(new URL(url), hosts)).toBe(false));

  test('WK15 an address is never called, even when someone lists it', () => {
    const listed = { hosts: ['127.0.0.1'], privateAddresses: true };
    expect(isAllowed(new URL('https://127.0.0.1/1'), listed)).toBe(false);
  });
});
