/**
 * Where a message of a channel stands. A subchannel ("0", "1", …) or a topic ("t:…", never empty) holds one newest message; a
 * queue holds messages in order, and each ends by itself: null = that of a push subscription, "q:0" = that of a subchannel.
 */
export type Slot = string | null;

/** The queue of a subchannel: what is sent there with `collapse: false`. */
export type SubchannelQueue = `q:${string}`;

export function isSubchannelQueue(slot: Slot): slot is SubchannelQueue {
  return slot?.startsWith('q:') === true;
}

/** Does a slot hold messages in order, so that none takes the place of an older one? */
export function isQueue(slot: Slot): slot is null | SubchannelQueue {
  return slot === null || isSubchannelQueue(slot);
}

/** The slot of a subchannel for a message that replaces older ones, or for one that queues behind them. */
export function slotOf(subchannel: number, collapse: boolean): Slot {
  return collapse ? String(subchannel) : `q:${subchannel}`;
}

/** The subchannel whose slot it is; NaN for the slots of a push subscription. */
export function subchannelOf(slot: Slot): number {
  return Number(slot?.replace(/^q:/, '') ?? Number.NaN);
}
