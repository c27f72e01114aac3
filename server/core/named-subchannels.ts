import { parseSubchannel, type Subchannel } from '../../protocol/subchannel.ts';
import type { SubchannelNames } from './app-owners.ts';

/**
 * The number behind a name of an app's subchannel.
 * @param count how many subchannels the project may use.
 * @returns undefined when the app has no such name, or has given it to a number that the project may not use.
 */
export function namedSubchannel(names: SubchannelNames, name: string, count: number): Subchannel | undefined {
  return parseSubchannel(names.get(name), count);
}

/** A sentence that tells a sender which names it may use. @param count how many subchannels its project may use. */
export function knownNames(names: SubchannelNames, count: number): string {
  const known = [...names].filter(([, number]) => number < count).map(([name]) => name);
  return known.length === 0 ? 'It has none yet.' : `It has: ${known.join(', ')}.`;
}
