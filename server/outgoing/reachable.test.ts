import { describe, expect, test } from 'bun:test';
import type { LookupAddress, lookup } from 'node:dns';
import { guardedLookup, isPublicAddress } from './reachable.ts';

describe('addresses', () => {
  const inside = [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
    ...['192.168.1.1', '192.0.0.8', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'ff02::1', '2001:db8::1', '2002:7f00:1::'],
    ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '2001:0:1::1', 'not an address', ''],
  ];
  for (const address of inside) {
    test(`WK16 ${address || 'nothing'} is not public`, () => expect(isPublicAddress(address)).toBe(false));
  }

  for (const address of ['8.8.8.8', '172.32.0.1', '11.0.0.1', '142.250.74.106', '2a00:1450:4001:80b::200a']) {
    test(`WK16 ${address} is public`, () => expect(isPublicAddress(address)).toBe(true));
  }

  const found = (addresses: readonly string[], privateAddresses = false) =>
    new Promise<readonly LookupAddress[]>((resolve, reject) => {
      const resolver = (_host: string, _options: unknown, done: (e: null, found: unknown) => void) =>
        done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
      const guarded = guardedLookup({ privateAddresses }, resolver as unknown as typeof lookup);
      guarded('push.example', {}, (error, all) => (error === null ? resolve(all) : reject(error)));
    });

  test('WK16 a name with one address inside is refused, whatever its others are', async () => {
    await expect(found(['8.8.8.8', '10.0.0.1'])).rejects.toMatchObject({ code: 'EPRIVATE' });
    await expect(found(['::1'])).rejects.toThrow('push.example has the address ::1');
    expect((await found(['8.8.8.8'])).map(({ address }) => address)).toEqual(['8.8.8.8']);
    expect((await found(['10.0.0.1'], true)).length).toBe(1);
  });

  test('WK16 a name that has no address is refused as the resolver said', async () => {
    const failing = ((_host: string, _options: unknown, done: (error: Error) => void) =>
      done(new Error('ENOTFOUND'))) as unknown as typeof lookup;
    const guarded = guardedLookup({ privateAddresses: false }, failing);
    const error = await new Promise((resolve) => guarded('push.example', {}, resolve));
    expect(String(error)).toContain('ENOTFOUND');
  });
});
