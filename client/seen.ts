import type { DeviceCredentials, Offer, Seen } from './ports.ts';
import { deviceKey, keptMarks } from './registration.ts';
import type { SeenHook } from './seen-hook.ts';
import { type Answer, createCall, type Fetch, markSeen } from './service.ts';
import type { KeyValue } from './storage.ts';

/** All that this profile has handled of a subchannel was seen, here or on another device of the user. */
export interface SeenEvent {
  readonly subchannelId: number;
}

export type SeenListener = (event: SeenEvent) => unknown;

/** What the opt-in script adds to `pushMessaging`. */
export interface SeenApi {
  /**
   * The user has seen what this profile was given of a subchannel: the user's other devices are told. Nothing is told where
   * nothing was given. Rejects with an Error whose message is for the reader.
   */
  markSeen(subchannelId: number): Promise<void>;
  readonly onSeen: {
    addListener(listener: SeenListener): void;
    removeListener(listener: SeenListener): void;
    hasListener(listener: SeenListener): boolean;
    hasListeners(): boolean;
  };
}

export interface SeenPorts {
  readonly storage: KeyValue;
  readonly fetch: Fetch;
  /** Reaches the other contexts of the profile. */
  readonly broadcast: Pick<BroadcastChannel, 'postMessage' | 'onmessage'>;
  /** Takes what a listener threw, and why the service was not reached. */
  readonly report: (error: unknown) => void;
}

export interface SeenPart {
  readonly api: SeenApi;
  /** For the client beside it. */
  readonly hook: SeenHook;
  /** Asks the service once, for a client without a connection. Never rejects. */
  look(): Promise<void>;
}

/** Per subchannel the version up to which the listeners were told; of one channel, as the marks are. */
interface Told {
  readonly channelId: string;
  readonly versions: Readonly<Record<string, number>>;
}

const toldKey = 'reveille.seen';
const notRegistered = 'This profile is not registered yet: call getChannelId first.';
/** Beyond every version: the answer then has no messages, only what was seen. */
const afterAll = Number.MAX_SAFE_INTEGER;

/**
 * A listener is told of a subchannel once all that this profile was given of it has been seen, so it may take down whatever it
 * shows of it; a message that came since is never taken down with its elders. Only the context that receives decides, one answer
 * of the service after the other; it tells the rest.
 */
export function createSeen({ storage, fetch, broadcast, report }: SeenPorts): SeenPart {
  const listeners = new Set<SeenListener>();
  const runs = new Runs();
  /** The last word of the service on each subchannel: it may come before the message that it is about has run. */
  const lastHeard = new Map<number, Seen>();
  let deciding = Promise.resolve();

  const device = async () =>
    (await storage.get(deviceKey)) as (DeviceCredentials & { readonly origin: string }) | null | undefined;

  const tell = async (event: SeenEvent): Promise<void> => {
    const told = [...listeners].map(async (listener) => listener({ ...event }));
    for (const run of await Promise.allSettled(told)) if (run.status === 'rejected') report(run.reason);
  };
  broadcast.onmessage = ({ data }) => void tell(data as SeenEvent);

  const decide = async ({ subchannelId, version }: Seen): Promise<void> => {
    const channelId = (await device())?.channelId;
    if (channelId === undefined) return;
    const given = await newestGiven(storage, runs, channelId, subchannelId);
    const kept = (await storage.get(toldKey)) as Told | undefined;
    const versions = kept?.channelId === channelId ? kept.versions : {};
    if (version < given || given <= (versions[subchannelId] ?? 0)) return;
    // What a run has yet to show would stay; the end of the run asks again.
    if (runs.underWay(subchannelId)) return;
    broadcast.postMessage({ subchannelId });
    await tell({ subchannelId });
    // After the listeners: who is stopped in between is told again.
    await storage.set(toldKey, { channelId, versions: { ...versions, [subchannelId]: given } });
  };

  const hears = (seen: Seen): void => {
    lastHeard.set(seen.subchannelId, seen);
    deciding = deciding.then(() => decide(seen)).catch(report);
  };

  return {
    api: {
      async markSeen(subchannelId) {
        const known = await device();
        if (!known) throw new Error(notRegistered);
        const version = (await newestGiven(storage, runs, known.channelId, subchannelId)) as Seen['version'];
        if (version > 0) await markSeen(createCall(known.origin, fetch), known, { subchannelId, version });
      },
      onSeen: eventOf(listeners),
    },
    hook: {
      runs(offer: Offer) {
        runs.begin(offer);
        return () => {
          const seen = lastHeard.get(offer.subchannelId);
          if (runs.end(offer.subchannelId) && seen !== undefined) hears(seen);
        };
      },
      hears,
    },
    async look() {
      try {
        const known = await device();
        if (!known) return;
        const path = `/v2/devices/${known.deviceId}/missed?after=${afterAll}`;
        const { seen }: Answer = await createCall(known.origin, fetch)(path, known.deviceToken);
        for (const one of (seen ?? []) as readonly Seen[]) hears(one);
        await deciding;
      } catch (error) {
        report(error);
      }
    },
  };
}

/** What listeners of this context run, or ran last: a message's mark comes after its run. */
class Runs {
  readonly #newest = new Map<number, number>();
  readonly #underWay = new Map<number, number>();

  begin({ subchannelId, version }: Offer): void {
    this.#newest.set(subchannelId, Math.max(this.newest(subchannelId), version));
    this.#underWay.set(subchannelId, (this.#underWay.get(subchannelId) ?? 0) + 1);
  }

  /** @returns whether no other run of the subchannel is under way */
  end(subchannelId: number): boolean {
    this.#underWay.set(subchannelId, (this.#underWay.get(subchannelId) ?? 1) - 1);
    return !this.underWay(subchannelId);
  }

  underWay = (subchannelId: number): boolean => (this.#underWay.get(subchannelId) ?? 0) > 0;
  newest = (subchannelId: number): number => this.#newest.get(subchannelId) ?? 0;
}

/** The newest version that this profile was given of a subchannel; 0 = none. */
async function newestGiven(
  storage: KeyValue,
  runs: Runs,
  channelId: string,
  subchannelId: number,
): Promise<number> {
  const marks = await keptMarks(storage, channelId);
  const handled = [marks[subchannelId] ?? [], marks[`q${subchannelId}`] ?? []].flat();
  return Math.max(runs.newest(subchannelId), ...handled);
}

const eventOf = (listeners: Set<SeenListener>): SeenApi['onSeen'] => ({
  addListener: (listener) => void listeners.add(listener),
  removeListener: (listener) => void listeners.delete(listener),
  hasListener: (listener) => listeners.has(listener),
  hasListeners: () => listeners.size > 0,
});
