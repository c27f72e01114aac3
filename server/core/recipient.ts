import type { Kept, Seen } from './store.ts';

/**
 * What became of an offer: `taken` = on its way to the device; `full` = the connection cannot take more now and will say
 * when it can; `gone` = there is no connection any more.
 */
export type OfferAnswer = 'taken' | 'full' | 'gone';

/** Why the core ends a connection. Each gateway turns it into its own close code. */
export type EndReason = 'replaced' | 'device-ended' | 'going-away';

/** The port to a device that is connected, filled by each gateway's session. */
export interface Recipient {
  offer(kept: Kept): OfferAnswer;
  /** Everything that waited when the device connected has been offered: from here on it is live. */
  caughtUp(): void;
  /** Does the device ask to be told what was seen on others? */
  readonly wantsSeen?: boolean;
  seen?(seen: Seen): void;
  end(reason: EndReason): void;
  /**
   * What the owner of the device is shown of the connection: the gateway's name, and for how many milliseconds nothing has
   * been heard. Left out where nobody is shown it: a push subscription has no account.
   */
  describe?(): { readonly gateway: string; readonly silentMs: number };
}
