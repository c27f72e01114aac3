import { BlockList, isIP } from 'node:net';

/** Says whose forwarding headers count. */
export interface TrustedProxies {
  /** True when there is none. */
  readonly empty: boolean;
  trusts(address: string): boolean;
  /**
   * The address that a request came from: the socket's, or when that is a trusted proxy's, the last address in
   * `X-Forwarded-For` that is not one. What stands before it was written by the client and proves nothing.
   */
  clientOf(socketAddress: string, forwardedFor: string | null): string;
}

/**
 * Reads "10.0.0.0/8, ::1": addresses and ranges, with commas.
 * @returns undefined when a part is neither.
 */
export function parseTrustedProxies(text: string): TrustedProxies | undefined {
  const list = new BlockList();
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  for (const part of parts) {
    if (!addRange(list, part)) return undefined;
  }
  const trusts = (address: string) => {
    const family = familyOf(address);
    return family !== undefined && list.check(address, family);
  };
  return {
    empty: parts.length === 0,
    trusts,
    clientOf: (socket, header) => clientOf(socket, header, trusts),
  };
}

function addRange(list: BlockList, text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = familyOf(address);
  const widest = family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? widest : Number(bits);
  const fits = /^[0-9]{1,3}$/.test(bits ?? '0') && prefix <= widest;
  if (family === undefined || rest.length > 0 || !fits) return false;
  list.addSubnet(address, prefix, family);
  return true;
}

function clientOf(
  socketAddress: string,
  forwardedFor: string | null,
  trusts: (a: string) => boolean,
): string {
  const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
  let client = socketAddress;
  while (trusts(client)) {
    const previous = hops.pop();
    if (previous === undefined || familyOf(previous) === undefined) return client;
    client = previous;
  }
  return client;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}
