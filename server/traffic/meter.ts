import { limits } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { Clock } from '../core/clock.ts';
import { PUSH_PROJECT } from '../core/push.ts';
import type { EndedMessage, Store } from '../core/store.ts';
import type { Events } from '../observe/events.ts';
import { type Kind, tookKind } from './counts.ts';
import type { CountedMinute, TrafficLedger } from './ledger.ts';

const MINUTE = 60_000;

/** Whose a message is, and to which devices it went out already. */
interface Known {
  readonly project: string;
  readonly app: string;
  devices: Set<string> | undefined;
}

/** A push: it belongs to no project. */
const nobodys: Known = { project: '', app: '', devices: undefined };

interface Series {
  readonly project: string;
  readonly app: string;
  readonly counts: Map<string, number>;
}

/** The counting of one minute. */
interface Minute {
  readonly at: number;
  readonly series: Map<string, Series>;
}

type Counted = Pick<Events, 'accepted' | 'turnedAway' | 'offered' | 'woken'>;

/**
 * Counts the traffic of projects and apps while it happens, in memory, and hands it on to the ledger now and then: to accept a
 * message costs two looks into a map, and no write. What a crash takes along is the last limits.trafficFlushMs of the charts.
 *
 * Pushes of web push senders belong to no project and are not counted.
 */
export class TrafficMeter {
  readonly events: Counted;
  readonly #clock: Clock;
  /** The newest, and those before them. To drop a whole generation costs nothing; to drop the oldest one by one does. */
  #known = new Map<number, Known>();
  #knownBefore = new Map<number, Known>();
  #minute: Minute;
  #waiting: Minute[] = [];
  #lookUps: (readonly [Version, readonly string[]])[] = [];
  #looking: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #store: Pick<Store, 'traced'> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#minute = { at: minuteOf(clock.now()), series: new Map() };
    this.events = {
      accepted: (version, project, app) => {
        this.#count(project, app, 'accepted');
        this.#remember(version, project, app);
      },
      turnedAway: (project, app, code) => this.#count(project, app, `refused:${code}`),
      offered: (version, devices) => this.#delivered(version as Version, devices),
      woken: (version, device, outcome) => {
        if (outcome === 'sent') this.#delivered(version as Version, [device]);
      },
    };
  }

  /** Hears how messages end, and can look up whose a message is that was accepted before the start. */
  watch(store: Pick<Store, 'traced' | 'onEnded'>): void {
    this.#store = store;
    store.onEnded((ended) => {
      for (const one of ended) this.#ended(one);
    });
  }

  /** Hands what was counted on to the ledger. When it does not take it, it is kept for the next time. */
  flush(ledger: Pick<TrafficLedger, 'add'>): Promise<void> {
    this.#flushing ??= this.#flush(ledger).finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flush(ledger: Pick<TrafficLedger, 'add'>): Promise<void> {
    await this.#looking;
    this.#waiting.push(this.#minute);
    this.#minute = { at: minuteOf(this.#clock.now()), series: new Map() };
    const written = this.#waiting.filter(({ series }) => series.size > 0);
    if (written.length > 0) await ledger.add(written.map(countedOf));
    this.#waiting = this.#waiting.filter((minute) => !written.includes(minute) && minute.series.size > 0);
  }

  #ended({ project, app, ending, acceptedAt }: EndedMessage): void {
    this.#count(project, app, ending);
    if (ending === 'confirmed') this.#count(project, app, tookKind(this.#clock.now() - acceptedAt));
  }

  #count(project: string, app: string, kind: Kind, times = 1): void {
    if (project === PUSH_PROJECT || project === '') return;
    const at = minuteOf(this.#clock.now());
    if (at !== this.#minute.at) this.#turn(at);
    const { counts } = this.#seriesOf(project, app);
    counts.set(kind, (counts.get(kind) ?? 0) + times);
  }

  #seriesOf(project: string, app: string): Series {
    const { series } = this.#minute;
    const key = `${project} ${app}`;
    const known = series.get(key);
    if (known !== undefined) return known;
    const made: Series = { project, app, counts: new Map() };
    if (series.size < limits.trafficSeries || app === '') series.set(key, made);
    else return this.#seriesOf(project, '');
    return made;
  }

  #turn(at: number): void {
    this.#waiting.push(this.#minute);
    if (this.#waiting.length > limits.trafficMinutesWaiting) this.#waiting.shift();
    this.#minute = { at, series: new Map() };
  }

  #remember(version: number, project: string, app: string): Known {
    const known: Known = project === PUSH_PROJECT ? nobodys : { project, app, devices: undefined };
    if (this.#known.size >= limits.trafficMessages / 2) {
      this.#knownBefore = this.#known;
      this.#known = new Map();
    }
    this.#known.set(version, known);
    return known;
  }

  /** Counts a delivery once for each device, as far as the message is remembered. */
  #delivered(version: Version, devices: readonly string[]): void {
    const known = this.#whose(version);
    if (known === undefined) this.#askWhose(version, devices);
    else this.#countDelivered(known, devices);
  }

  #whose(version: Version): Known | undefined {
    return this.#known.get(version) ?? this.#knownBefore.get(version);
  }

  #askWhose(version: Version, devices: readonly string[]): void {
    if (this.#store === undefined || this.#lookUps.length >= limits.trafficLookUps) return;
    this.#lookUps.push([version, devices]);
    this.#looking ??= this.#lookUp(this.#store).finally(() => {
      this.#looking = undefined;
    });
  }

  #countDelivered(known: Known, devices: readonly string[]): void {
    if (known === nobodys) return;
    known.devices ??= new Set();
    const before = known.devices.size;
    for (const device of devices) known.devices.add(device);
    const more = known.devices.size - before;
    if (more > 0) this.#count(known.project, known.app, 'delivered', more);
  }

  async #lookUp(store: Pick<Store, 'traced'>): Promise<void> {
    for (let next = this.#lookUps.shift(); next !== undefined; next = this.#lookUps.shift()) {
      const [version, devices] = next;
      const trace = this.#whose(version) ? undefined : await store.traced(version).catch(() => undefined);
      const app = trace?.channelId.split('/')[1] ?? '';
      const known = this.#whose(version) ?? (trace && this.#remember(version, trace.project, app));
      if (known !== undefined) this.#countDelivered(known, devices);
    }
  }
}

const minuteOf = (at: number): number => at - (at % MINUTE);

function countedOf({ at, series }: Minute): CountedMinute {
  return { at, series: [...series.values()] };
}
