import { expect, test } from 'bun:test';
import { parseTrustedProxies, type TrustedProxies } from './trusted-proxies.ts';

const parsed = (text: string): TrustedProxies => {
  const proxies = parseTrustedProxies(text);
  if (proxies === undefined) throw new Error(`${text} was refused`);
  return proxies;
};

test('CF4 without a trusted proxy the header counts for nothing', () => {
  const none = parsed(' ');
  expect(none.empty).toBe(true);
  expect(none.clientOf('203.0.113.5', '198.51.100.1')).toBe('203.0.113.5');
});

test('CF4 the last address that is not a trusted proxy is the client, whatever a client wrote before it', () => {
  const proxies = parsed('10.0.0.0/8, ::1');
  expect(proxies.clientOf('10.1.2.3', '1.1.1.1, 198.51.100.1, 10.9.9.9')).toBe('198.51.100.1');
  expect(proxies.clientOf('::1', '2001:db8::7')).toBe('2001:db8::7');
  expect(proxies.clientOf('::ffff:10.1.2.3', '198.51.100.1')).toBe('198.51.100.1');
  expect(proxies.clientOf('203.0.113.5', '198.51.100.1')).toBe('203.0.113.5');
});

test('CF4 a header that is missing, exhausted or no address leaves the nearest known address', () => {
  const proxies = parsed('10.0.0.0/8');
  expect(proxies.clientOf('10.1.2.3', null)).toBe('10.1.2.3');
  expect(proxies.clientOf('10.1.2.3', '10.0.0.9')).toBe('10.0.0.9');
  expect(proxies.clientOf('10.1.2.3', 'unknown')).toBe('10.1.2.3');
});

test('CF2 what is neither address nor range is not read', () => {
  for (const text of ['x', '10.0.0.0/', '10.0.0.0/33', '::1/129', '10.0.0/8', '10.0.0.0/-1']) {
    expect(parseTrustedProxies(text)).toBeUndefined();
  }
});
