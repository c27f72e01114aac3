import type { Offer, Seen } from './ports.ts';

/** What the opt-in script for `seen` hears of the client beside it (decision 0065). */
export interface SeenHook {
  /** A run of this context's listeners begins; what comes back is called at its end. */
  runs(offer: Offer): () => void;
  /** The service tells how far the user has seen a subchannel. */
  hears(seen: Seen): void;
}

/** The two scripts share nothing but the global object. */
export const seenHook = globalThis as { reveilleSeen?: SeenHook };
