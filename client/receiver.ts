import type { Version } from '../protocol/version.ts';
import type { Handlers, MarkStore, Offer, Timers, Upstream } from './ports.ts';

/**
 * From an offer to a confirm.
 *
 * One chain per subchannel. Whatever brought an offer (a WebSocket, the same one twice, a catch-up over HTTP), it goes
 * through these steps in this order, one message of a subchannel at a time:
 *
 * 1. in hand already: dropped at once, so that no transport can start a second run;
 * 2. at the mark: handled, so only the confirm was lost: confirm again, call nobody;
 *    (of a queue: handled, among its last hundred);
 * 3. below the mark, or older than one that was shown: dropped, the server has superseded it (OR1), and if not, will by the
 *    confirm of the newer one. To confirm it here would say of a message that two transports brought in another order that it ran;
 *    A queue has no older ones: each of its messages runs;
 * 4. no listener: held, the newest of each subchannel and all of its queue, until one comes or the grace ends ("no listener", no run under HA2);
 * 5. `taken`, then all handlers, awake while they run, at most `runMs`;
 * 6. failed: `refuse`; the mark stays, the server offers it again;
 * 7. ended well: the mark is *written*, then the confirm leaves.
 *
 * Only a program killed between 5 and 7 runs a version twice (HA1).
 */
export interface ReceiverPorts {
  readonly marks: MarkStore;
  readonly handlers: Handlers;
  readonly upstream: Upstream;
  readonly timers: Timers;
  /** Keeps the program awake until the returned function is called. */
  readonly awake: () => () => void;
  /** Tells the developer what to mend. */
  readonly complain: (sentence: string) => void;
}

export interface Receiver {
  /** Takes an offer in: the outcome goes to `upstream`. The promise never rejects; it settles when this end is done with it. */
  offer(offer: Offer): Promise<void>;
  /** Settles when nothing is in hand. Never rejects. */
  settled(): Promise<unknown>;
  /** A first listener came: everything held goes out, in the order of versions. */
  listening(): void;
  /** Another user's channel: what was remembered of the one before means nothing for it. */
  forget(): void;
}

/** A handler that takes longer than this is stuck. */
export const runMs = 240_000;
/** How long after its start the program waits for a listener: a Chromium worker lives 30 s in any case. */
export const graceMs = 25_000;

/** As many may wait in the queue of a subchannel. */
const queueRemembered = 100;

export const noListener =
  'A push message waits: call chrome.pushMessaging.onMessage.addListener in the first turn of the worker.';

export function createReceiver({
  marks,
  handlers,
  upstream,
  timers,
  awake,
  complain,
}: ReceiverPorts): Receiver {
  const chains = new Map<number, Promise<void>>();
  const inHand = new Map<Version, Promise<void>>();
  const shown = new Map<string, Version>();
  let known: Promise<Record<string, number | readonly number[]>> | undefined;
  const run = createRun(handlers, timers, awake);
  const held = createHold(timers, awake, (version, first) => {
    if (first) complain(noListener);
    upstream.refuse(version, 'no-listener', 'Nobody listened.');
  });

  const step = async (offer: Offer): Promise<void> => {
    const { version, collapse } = offer;
    const place = placeOf(offer);
    known ??= marks.load().then((loaded) => ({ ...loaded }));
    const mark = await known;
    const handled = [mark[place] ?? []].flat();
    if (handled.includes(version)) return upstream.confirm(version);
    if (collapse !== false && version < Math.max(shown.get(place) ?? 0, ...handled)) return;
    if (!(await handlers.any())) return held.add(offer);
    shown.set(place, version);
    upstream.taken(version);
    const failure = await run(offer);
    if (failure !== undefined) return upstream.refuse(version, 'failed', failure);
    mark[place] = collapse === false ? [...handled, version].slice(-queueRemembered) : version;
    // Handled all the same: a mark that cannot be written costs a second run only if the confirm is lost too.
    await marks.save(mark).catch((error) => complain(String(error)));
    upstream.confirm(version);
  };

  const offer = (one: Offer): Promise<void> => {
    const { version, subchannelId } = one;
    const earlier = inHand.get(version);
    if (earlier) {
      // Another transport brings what runs: it is to wait for the end of the run as well.
      if (shown.get(placeOf(one)) === version) upstream.taken(version);
      return earlier;
    }
    const done = (chains.get(subchannelId) ?? Promise.resolve())
      .then(() => step(one))
      // The marks could not be read: nothing was run, so the server offers it again and they are read again.
      .catch((error) => {
        known = undefined;
        complain(String(error));
      })
      .then(() => void inHand.delete(version));
    inHand.set(version, done);
    chains.set(subchannelId, done);
    return done;
  };

  return {
    offer,
    settled: () => Promise.all(chains.values()),
    listening: () => held.release().forEach(offer),
    forget() {
      known = undefined;
      shown.clear();
      held.release();
    },
  };
}

/** What a message shares its order with. */
const placeOf = ({ subchannelId, collapse }: Offer): string => (collapse === false ? 'q' : '') + subchannelId;

/** Runs all handlers with one message; answers why it failed. */
function createRun(handlers: Handlers, timers: Timers, awake: () => () => void) {
  return async (offer: Offer): Promise<string | undefined> => {
    const sleep = awake();
    try {
      return await new Promise<string | undefined>((resolve) => {
        const stop = timers.after(runMs, () =>
          resolve(`The handler did not end within ${runMs / 60_000} minutes.`),
        );
        const ended = (failure?: unknown): void => {
          stop();
          resolve(failure === undefined ? undefined : String(failure));
        };
        handlers.run(offer).then(
          () => ended(),
          (error) => ended(error ?? 'No reason was given.'),
        );
      });
    } finally {
      sleep();
    }
  };
}

/** What came while nobody listened. `refuse` is called when the grace has ended, `first` once in the program's life. */
function createHold(
  timers: Timers,
  awake: () => () => void,
  refuse: (version: Version, first: boolean) => void,
) {
  const held = new Map<number, Offer>();
  const graceEnds = timers.now() + graceMs;
  let callOff: (() => void) | undefined;
  let first = true;
  const nobody = ({ version }: Offer): void => {
    refuse(version, first);
    first = false;
  };
  return {
    add(offer: Offer): void {
      // A version is far above any subchannel.
      held.set(offer.collapse === false ? offer.version : offer.subchannelId, offer);
      const left = graceEnds - timers.now();
      // It stays held all the same: a listener may come late in the program's life.
      if (left <= 0) nobody(offer);
      else if (callOff === undefined) {
        const sleep = awake();
        const stop = timers.after(left, () => {
          callOff?.();
          held.forEach(nobody);
        });
        callOff = () => {
          callOff = undefined;
          stop();
          sleep();
        };
      }
    },
    release(): Offer[] {
      callOff?.();
      const offers = [...held.values()].sort((a, b) => a.version - b.version);
      held.clear();
      return offers;
    },
  };
}
