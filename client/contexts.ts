import type { Listeners } from './listeners.ts';
import type { Handlers, Offer } from './ports.ts';

/**
 * One profile is one device, even when the shim runs in the worker and in pages of the app at once.
 *
 * Who holds the lock `reveille.connection` is connected and receives. The handlers of the others are reached through a
 * BroadcastChannel: each context that has a listener holds a lock with a name of its own, so the holder knows whom to ask,
 * and learns that one has gone because its lock becomes free.
 */
export interface Contexts extends Handlers {
  /** Queues to become the context that connects; `hold` is called when it is our turn. */
  connect(): void;
  /** Gives what a push brought to the context that connects; answers whether that is this one. */
  pass(offer: Offer): Promise<boolean>;
  /** Runs one flow at a time in the whole profile. */
  alone<T>(run: () => Promise<T>): Promise<T>;
  /** Tells the others whether this context listens. */
  listens(yes: boolean): void;
  /** Tells the others that the profile's device was registered here. */
  registered(): void;
}

type Note =
  | { readonly kind: 'listening' | 'registered' }
  | { readonly kind: 'offer'; readonly offer: Offer }
  | { readonly kind: 'run'; readonly to: string; readonly run: string; readonly offer: Offer }
  | { readonly kind: 'ended'; readonly run: string; readonly failure: string | undefined };

/** The part of a BroadcastChannel that is used. */
export interface Broadcast {
  postMessage(note: Note): void;
  addEventListener(
    type: 'message',
    listener: (event: { readonly data: Note }) => void,
    options?: { readonly signal: AbortSignal },
  ): void;
}

const prefix = 'reveille.listener.';
const forever = new Promise<never>(() => {});

type Locks = Pick<LockManager, 'request' | 'query'>;

/**
 * @param offered takes what a push brought to another context, when this one is connected.
 * @param heard hears what another context tells all of them.
 * @param hold is called once when this context is the one that connects; it stays so until it dies.
 */
export function createContexts(
  locks: Locks,
  broadcast: Broadcast,
  local: Listeners,
  heard: (what: 'listening' | 'registered') => void,
  hold: () => void,
  offered: (offer: Offer) => void,
): Contexts {
  const own = prefix + crypto.randomUUID();
  let letGo: (() => void) | undefined;
  const connection = createTurn(locks, hold);

  broadcast.addEventListener('message', ({ data }) => {
    if (data.kind === 'listening' || data.kind === 'registered') heard(data.kind);
    if (data.kind === 'offer' && connection.holding()) offered(data.offer);
    if (data.kind !== 'run' || data.to !== own) return;
    const answer = (failure?: string): void =>
      broadcast.postMessage({ kind: 'ended', run: data.run, failure });
    local.run(data.offer).then(
      () => answer(),
      (error) => answer(String(error)),
    );
  });

  const others = async (): Promise<string[]> => {
    const names = ((await locks.query()).held ?? []).map((lock) => `${lock.name}`);
    return names.filter((name) => name.startsWith(prefix) && name !== own);
  };

  return {
    connect: () => void connection.enter(),
    async pass(offer) {
      await connection.enter();
      if (connection.holding()) offered(offer);
      else broadcast.postMessage({ kind: 'offer', offer });
      return connection.holding();
    },
    alone: (run) => locks.request('reveille.sign-in', run) as ReturnType<typeof run>,
    registered: () => broadcast.postMessage({ kind: 'registered' }),
    listens(yes) {
      if (!yes) letGo?.();
      if (yes === (letGo !== undefined)) return;
      letGo = undefined;
      if (!yes) return;
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      void locks.request(own, () => {
        broadcast.postMessage({ kind: 'listening' });
        return held;
      });
    },
    any: async () => local.event.hasListeners() || (await others()).length > 0,
    async run(offer) {
      const here = local.run(offer);
      const there = (await others()).map((name) => runElsewhere(locks, broadcast, name, offer));
      const failed = (await Promise.allSettled([here, ...there])).find((run) => run.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}

/** The line of those who would connect. */
function createTurn(locks: Locks, hold: () => void) {
  let holding = false;
  let entered: Promise<void> | undefined;
  const queue = (resolve: () => void): void => {
    const held = (): Promise<never> => {
      holding = true;
      resolve();
      hold();
      return forever;
    };
    void locks.request('reveille.connection', { ifAvailable: true }, (lock) => {
      if (lock !== null) return held();
      resolve();
      void locks.request('reveille.connection', held);
      return undefined;
    });
  };
  return {
    holding: () => holding,
    /** Settles when it is known whether this context is the one that connects now; it may become so later. */
    enter: (): Promise<void> => {
      entered ??= new Promise(queue);
      return entered;
    },
  };
}

/** Runs the listeners of another context; rejects with their failure, and when the context dies meanwhile. */
async function runElsewhere(locks: Locks, broadcast: Broadcast, to: string, offer: Offer): Promise<void> {
  const run = crypto.randomUUID();
  const watch = new AbortController();
  const { signal } = watch;
  const failure = await new Promise<string | undefined>((resolve) => {
    const hear = ({ data }: { readonly data: Note }): void => {
      if (data.kind === 'ended' && data.run === run) resolve(data.failure);
    };
    broadcast.addEventListener('message', hear, { signal });
    locks.request(to, { signal }, () => resolve('The page was closed.')).catch(() => {});
    broadcast.postMessage({ kind: 'run', to, run, offer });
  });
  watch.abort();
  if (failure !== undefined) throw failure;
}
