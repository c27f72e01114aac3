import { limits } from '../../protocol/limits.ts';
import { reaches } from '../../protocol/urgency.ts';
import type { Events } from '../observe/events.ts';
import type { Announcement, Bus } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Deliveries } from './deliver.ts';
import type { Leftover } from './outbox.ts';
import { reofferDelay } from './pending.ts';
import type { Presence } from './presence.ts';
import type { ChannelKey, Device, DeviceKey, Kept, Slot, Store } from './store.ts';
import type { Addressee } from './subscription.ts';
import { WakeBudget } from './wake-budget.ts';
import type { Waker } from './waker.ts';

/** A device that is being woken until nothing waits for it. */
interface Sleeper {
  readonly key: DeviceKey;
  readonly id: string;
  /** What it is to be woken for next, the newest of each slot. */
  readonly ready: Map<Slot, Kept>;
  /** Since the last message: HA1 counts from here. */
  wakes: number;
  /** True when the last wake-up was not taken: then its app knows of nothing that waits. */
  refused: boolean;
  /** True from being due until the push service has answered, its turn in the line included. */
  busy: boolean;
  callOff: () => void;
}

/** A wake-up that failed, for the owner of the device. */
export interface FailedWake {
  readonly at: number;
  /** A sentence. */
  readonly why: string;
}

const nothing = (): void => {};
const ended = 'Its push service says that the subscription has ended.';

/**
 * Starts the app of a device that is not connected (CL1's second half), and goes on until the message has ended.
 *
 * The store is the only truth: what is in memory here says when to look next, and losing it costs delay. A device without a
 * connection is woken at once and again after the delays of HA1; one with a connection is left to its outbox, except that a
 * connection which says nothing for limits.takenMs is not believed. Four things start it: a message that was kept, a
 * connection that ended while something waited, a channel that was resumed, and the look over all devices with a transport,
 * after a start and every limits.wakeLookMs.
 */
export class Wakes {
  readonly #store: Pick<Store, 'wakeable' | 'missed' | 'findDevice' | 'updateDevice' | 'sent'>;
  readonly #deliveries: Deliveries;
  readonly #presence: Presence;
  readonly #waker: Waker;
  readonly #endDevice: (device: Device) => Promise<void>;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #budget = new WakeBudget();
  /** The last of each device, those that failed last. */
  readonly #failures = new Map<DeviceKey, FailedWake>();
  readonly #sleepers = new Map<DeviceKey, Sleeper>();
  /** Sleepers whose turn comes when fewer than limits.wakesUnderWay are under way. */
  readonly #line: Sleeper[] = [];
  #underWay = 0;
  /** Messages whose connected devices have not answered yet, in the order in which that is looked at. */
  readonly #watched: { readonly kept: Kept; readonly at: number }[] = [];
  #stopWatch: (() => void) | undefined;
  #stopLook = nothing;
  readonly #stopListening: () => void;
  #stopped = false;

  constructor(deps: {
    readonly store: Store;
    readonly deliveries: Deliveries;
    readonly presence: Presence;
    readonly bus: Bus;
    readonly waker: Waker;
    /** Removes a device that nobody will ever hear of again. */
    readonly endDevice: (device: Device) => Promise<void>;
    readonly clock: Clock;
    readonly events: Events;
  }) {
    this.#store = deps.store;
    this.#deliveries = deps.deliveries;
    this.#presence = deps.presence;
    this.#waker = deps.waker;
    this.#endDevice = deps.endDevice;
    this.#clock = deps.clock;
    this.#events = deps.events;
    deps.deliveries.onLeft((device, left, rests) => this.#left(device, left, rests));
    this.#stopListening = deps.bus.onAnnounce(deps.deliveries.node, (said) => this.#onAnnounce(said));
  }

  /** Looks over all devices with a transport: soon, then every hour (WK4). */
  start(): void {
    this.#stopLook = this.#clock.after(limits.wakeSettleMs, () => void this.#look(null));
  }

  /** Wakes nobody any more. What waits is found again at the next start. */
  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#stopLook();
    this.#stopWatch?.();
    for (const sleeper of this.#sleepers.values()) sleeper.callOff();
    this.#sleepers.clear();
  }

  /** A message was kept for a live channel: wakes its devices that have no connection, mostly none. Never throws or rejects. */
  kept(kept: Kept): void | Promise<void> {
    if (this.#stopped) return;
    try {
      const devices = this.#store.wakeable({ channel: kept.channel });
      if (!(devices instanceof Promise) && devices.length === 0) return;
      return this.#bringAbsent(devices, kept);
    } catch (error) {
      this.#events.failed('wake', error);
    }
  }

  /** Wake-ups of a device in its present hour, for its owner. */
  spentBy(device: DeviceKey): number {
    return this.#budget.spentBy(device, this.#clock.now());
  }

  /** The last wake-up of a device that failed since this server started, for its owner. */
  failureOf(device: DeviceKey): FailedWake | undefined {
    return this.#failures.get(device);
  }

  #onAnnounce(said: Announcement): void {
    if (said.kind === 'kept') for (const kept of said.kept) this.#watch(kept);
    if (said.kind === 'resumed')
      void this.#trying('wake', async () => {
        const devices = await this.#store.wakeable({ channel: said.channel });
        for (const device of await this.#absent(devices, said.channel)) await this.#lookAt(device);
      });
  }

  async #bringAbsent(devices: readonly Device[] | Promise<readonly Device[]>, kept: Kept): Promise<void> {
    await this.#trying('wake', async () => {
      for (const device of await this.#absent(await devices, kept.channel)) this.#bring(device, kept);
    });
  }

  /** Those of the devices of a channel that are connected nowhere. */
  async #absent(devices: readonly Device[], channel: ChannelKey): Promise<readonly Device[]> {
    const present = new Set((await this.#presence.sessions(channel)).map(({ device }) => device));
    return devices.filter(({ key }) => !present.has(key));
  }

  #watch(kept: Kept): void {
    if (this.#watched.length >= limits.takenWatched) return;
    this.#watched.push({ kept, at: this.#clock.now() + limits.takenMs });
    this.#armWatch();
  }

  #armWatch(): void {
    const [first] = this.#watched;
    if (first === undefined || this.#stopWatch !== undefined || this.#stopped) return;
    this.#stopWatch = this.#clock.after(Math.max(0, first.at - this.#clock.now()), () => {
      this.#stopWatch = undefined;
      const now = this.#clock.now();
      const later = this.#watched.findIndex((one) => one.at > now);
      const due = this.#watched.splice(0, later === -1 ? this.#watched.length : later);
      for (const { kept } of due) void this.#trying('wake', () => this.#wakeUnanswering(kept));
      this.#armWatch();
    });
  }

  /** WK2: whose connection has said nothing of the message. */
  async #wakeUnanswering(kept: Kept): Promise<void> {
    for (const outbox of this.#deliveries.outboxesOf(kept.channel)) {
      if (!outbox.isUnanswered(kept.version)) continue;
      const device = await this.#store.findDevice(outbox.device.id);
      if (device !== undefined && device.transport !== null) this.#bring(device, kept);
    }
  }

  /** The connection of a device ended. */
  #left(device: Addressee, left: Leftover, rests: boolean): void {
    const known = this.#sleepers.get(device.key);
    if (!left.waits && known !== undefined && !known.busy) this.#drop(known);
    void this.#trying('wake', async () => {
      if (rests && (await this.#bringCrossed(device, left))) return;
      if (left.waits) await this.#restAfter(device);
    });
  }

  /**
   * The device comes back when it is woken: what came during its connection, and may have crossed with the close, is told at
   * once. It was unregistered first, then the store is read, so that each message is found here or finds nobody connected. What
   * had waited before it connected keeps to the delays of HA1. Answers whether there was any.
   */
  async #bringCrossed({ key, id }: Addressee, { answered, since }: Leftover): Promise<boolean> {
    const device = await this.#store.findDevice(id);
    if (device === undefined || device.transport === null || this.#sleepers.get(key)?.busy) return false;
    const { kept } = await this.#store.missed(key, limits.queuePage, { lowest: device.lowestUrgency });
    const crossed = kept.filter(({ version, acceptedAt }) => acceptedAt >= since && !answered.has(version));
    for (const one of crossed) this.#bring(device, one);
    return crossed.length > 0;
  }

  /** What a device leaves behind is told after the delays of HA1. */
  async #restAfter({ key, id }: Addressee): Promise<void> {
    const known = this.#sleepers.get(key);
    if (this.#stopped || known?.busy) return;
    const device = known ?? (await this.#store.findDevice(id));
    if (device === undefined || ('transport' in device && device.transport === null)) return;
    const sleeper = this.#sleeper(device);
    if (sleeper !== undefined) this.#rest(sleeper, reofferDelay(Math.max(1, sleeper.wakes)));
  }

  async #look(after: Device | null): Promise<void> {
    let page: readonly Device[] = [];
    await this.#trying('wake', async () => {
      page = await this.#store.wakeable({ after, limit: limits.wakeLookPage });
      for (const device of page) await this.#lookAt(device);
    });
    if (this.#stopped) return;
    const last = page.at(-1);
    const wait = last === undefined ? limits.wakeLookMs : limits.wakeLookPauseMs;
    this.#stopLook = this.#clock.after(wait, () => void this.#look(last ?? null));
  }

  /** Wakes a device that nobody looks after, when something waits for it. */
  async #lookAt(device: Device): Promise<void> {
    if (this.#sleepers.has(device.key) || (await this.#isConnected(device))) return;
    const newest = (await this.#waitingFor(device)).at(-1);
    if (newest !== undefined) this.#bring(device, newest);
  }

  #bring(device: Device, kept: Kept): void {
    if (!reaches(kept.urgency, device.lowestUrgency)) return;
    const sleeper = this.#sleeper(device);
    if (sleeper === undefined) return;
    sleeper.ready.set(kept.slot, kept);
    sleeper.wakes = 0;
    if (!sleeper.busy) this.#queue(sleeper);
  }

  /** The sleeper of a device; undefined when too many are remembered, or nobody is woken any more. */
  #sleeper({ key, id }: Pick<Device, 'key' | 'id'>): Sleeper | undefined {
    const known = this.#sleepers.get(key);
    if (known !== undefined) return known;
    if (this.#stopped || this.#sleepers.size >= limits.wakesRemembered) return undefined;
    const made: Sleeper = {
      key,
      id,
      ready: new Map(),
      wakes: 0,
      refused: false,
      busy: false,
      callOff: nothing,
    };
    this.#sleepers.set(key, made);
    return made;
  }

  #drop(sleeper: Sleeper): void {
    sleeper.callOff();
    if (this.#sleepers.get(sleeper.key) === sleeper) this.#sleepers.delete(sleeper.key);
  }

  #rest(sleeper: Sleeper, ms: number): void {
    sleeper.callOff();
    if (!this.#stopped) sleeper.callOff = this.#clock.after(ms, () => this.#queue(sleeper));
  }

  /** It is due: takes its turn, or waits for it in the line. */
  #queue(sleeper: Sleeper): void {
    sleeper.callOff();
    sleeper.busy = true;
    this.#line.push(sleeper);
    this.#advance();
  }

  #advance(): void {
    while (this.#underWay < limits.wakesUnderWay) {
      const next = this.#line.shift();
      if (next === undefined) return;
      this.#underWay += 1;
      void this.#turn(next).finally(() => {
        this.#underWay -= 1;
        this.#advance();
      });
    }
  }

  async #turn(sleeper: Sleeper): Promise<void> {
    let wait: number | undefined = limits.reofferMs;
    await this.#trying('wake', async () => {
      wait = await this.#wake(sleeper);
    });
    sleeper.busy = false;
    if (wait !== undefined) this.#rest(sleeper, wait);
  }

  /** Wakes for everything that is ready, or for what waits. Answers when to look again; undefined = when it leaves. */
  async #wake(sleeper: Sleeper): Promise<number | undefined> {
    const device = await this.#store.findDevice(sleeper.id);
    if (device === undefined || device.transport === null || device.channel.state !== 'live') {
      this.#drop(sleeper);
      return undefined;
    }
    if (!(await this.#readied(sleeper, device))) return undefined;
    // A message that comes while the push service answers joins the round.
    let overBudget = 0;
    for (const [slot, kept] of sleeper.ready) {
      sleeper.ready.delete(slot);
      const wait = await this.#heldFor(device, kept);
      overBudget = Math.max(overBudget, wait);
      if (wait > 0) continue;
      const answer = await this.#waker.wake(device.transport, kept);
      const outcome = typeof answer === 'string' ? answer : 'later';
      this.#events.woken(kept.version, device.id, outcome);
      if (answer === 'gone') return this.#gone(sleeper, device);
      if (answer === 'sent' && kept.tracked) await this.#sent(device, kept);
      if (answer === 'sent') continue;
      this.#noteFailure(device.key, answer.why);
      sleeper.refused = true;
      return this.#restAll(sleeper, answer.laterMs ?? reofferDelay(++sleeper.wakes));
    }
    if (overBudget > 0) return overBudget;
    sleeper.wakes += 1;
    return reofferDelay(sleeper.wakes);
  }

  /** WK5: for how many milliseconds the budget holds a wake-up back. An app that runs costs nothing, what is urgent may not wait. */
  async #heldFor(device: Device, kept: Kept): Promise<number> {
    if (kept.urgency === 'high' || (await this.#isConnected(device))) return 0;
    return this.#budget.take(device.key, this.#clock.now());
  }

  async #sent({ key, channel }: Device, { version }: Kept): Promise<void> {
    await this.#store.sent(key, version);
    this.#deliveries.moves.moved(channel.id);
  }

  /** Adds what waits to what is ready, as far as the app does not learn of it by being woken. Answers whether anything is. */
  async #readied(sleeper: Sleeper, device: Device): Promise<boolean> {
    const { ready, refused } = sleeper;
    if (ready.size > 0 && !refused) return true;
    const waiting = await this.#waitingFor(device);
    if (ready.size === 0) {
      if (waiting.length === 0) this.#drop(sleeper);
      // Its outbox offers it, and tells us when it leaves.
      if (waiting.length === 0 || (await this.#isConnected(device))) return false;
    }
    // An app that was woken fetches the rest. One that was not, and runs, does not know that there is any.
    for (const kept of refused ? waiting : waiting.slice(-1)) ready.set(kept.slot, kept);
    sleeper.refused = false;
    return true;
  }

  /** What was ready waits in the store, and is read again when the rest is over. */
  #restAll(sleeper: Sleeper, wait: number): number {
    sleeper.ready.clear();
    return wait;
  }

  /** WK6. The client may have registered another transport while the push service answered. */
  async #gone(sleeper: Sleeper, { id, transport }: Device): Promise<number | undefined> {
    const device = await this.#store.findDevice(id);
    if (device !== undefined && device.transport !== transport) return this.#restAll(sleeper, 0);
    this.#drop(sleeper);
    if (device === undefined) return undefined;
    this.#noteFailure(device.key, ended);
    const silentMs = this.#clock.now() - device.seenAt;
    if (silentMs > limits.silentDeviceDays * 86_400_000) await this.#endDevice(device);
    else await this.#store.updateDevice(device.key, { transport: null });
    return undefined;
  }

  #noteFailure(device: DeviceKey, why: string | undefined): void {
    if (why === undefined) return;
    this.#failures.delete(device);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= limits.wakesRemembered && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(device, { at: this.#clock.now(), why });
  }

  /** The newest of each slot that waits for a device and is not withheld from it, oldest first; none on a paused channel. */
  async #waitingFor({ key, lowestUrgency: lowest }: Device): Promise<readonly Kept[]> {
    return (await this.#store.missed(key, 1, { lowest })).kept;
  }

  async #isConnected(device: Device): Promise<boolean> {
    const sessions = await this.#presence.sessions(device.channel.key);
    return sessions.some((session) => session.device === device.key);
  }

  async #trying(what: string, run: () => Promise<void>): Promise<void> {
    if (this.#stopped) return;
    try {
      await run();
    } catch (error) {
      if (!this.#stopped) this.#events.failed(what, error);
    }
  }
}
