import { callWithLastError, type LastErrorPlaces } from './last-error.ts';

/** What the callback gets (reference 2.1). After a failure `channelId` is empty and `chrome.runtime.lastError` says why. */
export interface ChannelIdResult {
  readonly channelId: string;
}

export type ChannelIdCallback = (result: ChannelIdResult) => void;

/** All call forms of the historic API, and the promise form of today's. */
export interface GetChannelId {
  (callback: ChannelIdCallback): void;
  (interactive: boolean | null | undefined, callback: ChannelIdCallback): void;
  (interactive?: boolean | null): Promise<ChannelIdResult>;
}

const api = 'pushMessaging.getChannelId';
const signature = `Error in invocation of ${api}(optional boolean interactive, function callback): No matching signature.`;

/**
 * Makes `chrome.pushMessaging.getChannelId`. Wrong arguments throw a TypeError at once, as native calls do; `interactive`
 * left out means false.
 */
export function createGetChannelId(
  find: (interactive: boolean) => Promise<string>,
  places: LastErrorPlaces,
): GetChannelId {
  return ((...args: readonly unknown[]): unknown => {
    const [interactive, callback] = matched(args);
    const found = find(interactive);
    if (callback === undefined) return found.then((channelId) => ({ channelId }));
    found.then(
      (channelId) => {
        try {
          callback({ channelId });
        } catch (thrown) {
          places.uncaught(thrown);
        }
      },
      (error: unknown) => {
        callWithLastError(places, api, (error as Error).message, () => callback({ channelId: '' }));
      },
    );
    return undefined;
  }) as GetChannelId;
}

/** Fits the arguments to the signature. @throws TypeError when they do not fit. */
function matched(args: readonly unknown[]): [boolean, ChannelIdCallback | undefined] {
  const rest = [...args];
  const callback = typeof rest.at(-1) === 'function' ? (rest.pop() as ChannelIdCallback) : undefined;
  // Natively undefined and null count as left out, for the callback as well.
  const [interactive, ...more] = rest;
  const fits = interactive == null || typeof interactive === 'boolean';
  if (!fits || more.some((argument) => argument != null)) throw new TypeError(signature);
  return [interactive === true, callback];
}
