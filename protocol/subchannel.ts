import { limits } from './limits.ts';

/** SC1: a subchannel of the historic API, 0 to 3. Each holds the newest message for a device that is away. */
export type Subchannel = number & { readonly __brand: 'Subchannel' };

/**
 * Reads a subchannel as senders of the time wrote it: an integer, or exactly its one-digit string (reference 1.1).
 * @returns undefined for anything else: "01", "+1", 1.5, true, null.
 */
export function parseSubchannel(value: unknown, count: number = limits.subchannels): Subchannel | undefined {
  const number = typeof value === 'string' && /^(0|[1-9][0-9]?)$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
  return number >= 0 && number < count ? (number as Subchannel) : undefined;
}

/** A name that the owners of an app give a subchannel: small letters, digits and hyphens after a letter, so no number. */
export const subchannelName = /^[a-z][a-z0-9-]{0,31}$/;
