import type { Timers } from '../ports.ts';
import { failures } from '../sign-in.ts';

/**
 * Sign-in of a page: a window of the service, which comes back to a page of the app's own origin. That page tells the one
 * that waits through a BroadcastChannel, which only pages of this origin hear.
 */
export interface SignInWindowPorts {
  /** Opens the window; null where the browser lets none open. */
  readonly open: (url: string) => { readonly closed: boolean; close(): void } | null;
  readonly broadcast: Pick<BroadcastChannel, 'addEventListener'>;
  readonly timers: Timers;
}

/** How often it is looked whether the user has closed the window: no event tells. */
const lookMs = 500;

/** An answer of the service as an address: PKCE makes its code worthless to whoever else sees it. */
const isAnswer = (address: URL): boolean =>
  address.searchParams.has('state') &&
  (address.searchParams.has('code') || address.searchParams.has('error'));

/** @returns how the flow is run, for `signIn`: answers the address that it ended at. */
export function createSignInWindow({ open, broadcast, timers }: SignInWindowPorts) {
  return (url: string, interactive: boolean): Promise<string> => {
    // A hidden frame would be a stranger's to the service's cookie, so nothing but a window can tell who is signed in.
    if (!interactive) return Promise.reject(new Error('interaction required'));
    const opened = open(url);
    if (opened === null)
      return Promise.reject(
        new Error(
          `${failures.unavailable} The browser opened no window: call getChannelId(true) when the user clicks.`,
        ),
      );
    const watch = new AbortController();
    return new Promise<string>((resolve, reject) => {
      const hear = ({ data }: MessageEvent): void => resolve(String(data));
      broadcast.addEventListener('message', hear, { signal: watch.signal });
      const look = (wasClosed: boolean): (() => void) =>
        timers.after(lookMs, () => {
          if (watch.signal.aborted) return;
          // The page that tells closes the window too: its word may come a little later.
          if (wasClosed) reject(new Error('The user did not approve access.'));
          else look(opened.closed);
        });
      look(false);
    }).finally(() => {
      watch.abort();
      opened.close();
    });
  };
}

/** In the page that the flow ended at: tells the page that waits. True when this was such a page. */
export function answerSignIn(address: string, broadcast: Pick<BroadcastChannel, 'postMessage'>): boolean {
  if (!isAnswer(new URL(address))) return false;
  broadcast.postMessage(address);
  return true;
}
