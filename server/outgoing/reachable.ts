import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Where calls may lead. */
export interface Reach {
  /** True lets hosts have addresses that only this machine or its network reach. */
  readonly privateAddresses: boolean;
}

/** IANA's special-purpose registries: nothing here is a public service, much of it is the inside of somebody's network. */
const notPublic = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(net, bits, 'ipv4');
/** Of IPv6 only what is given out to the public may be called, less what leads into IPv4 or is for documents. */
const given = new BlockList();
given.addSubnet('2000::', 3, 'ipv6');
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic.addSubnet(net, bits, 'ipv6');

/** True for an address that the whole internet can reach. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic.check(address, 'ipv4');
  return family === 6 && given.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

/**
 * True for an https URL that names a host and brings no credentials. A bare address is refused: no look-up guards it.
 */
export function namesHost(url: URL): boolean {
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false;
  return isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0;
}

type Found = (error: Error | null, addresses: LookupAddress[]) => void;

/**
 * The look-up of the connection itself: the addresses it answers are the ones that are connected to, so that no second
 * answer of a name server can lead elsewhere. Fails with code `EPRIVATE` when one of them is not public.
 */
export function guardedLookup({ privateAddresses }: Reach, resolve: typeof lookup = lookup) {
  return (host: string, _options: unknown, found: Found): void => {
    resolve(host, { all: true }, (error, addresses) => {
      if (error !== null) return found(error, []);
      const bad = privateAddresses ? undefined : addresses.find(({ address }) => !isPublicAddress(address));
      if (bad === undefined) return found(null, addresses);
      const text = `${host} has the address ${bad.address}, which is not public`;
      found(Object.assign(new Error(text), { code: 'EPRIVATE' }), []);
    });
  };
}
