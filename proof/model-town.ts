import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushTownKeys } from '../dev-env/push-town.ts';
import { RightsTable } from '../dev-env/small-town.ts';
import type { AppId } from '../protocol/app-id.ts';
import { ReveilleError } from '../protocol/errors.ts';
import type { Subchannel } from '../protocol/subchannel.ts';
import { Acceptance } from '../server/core/accept.ts';
import { ManualClock, seededRandom } from '../server/core/manual-clock.ts';
import { Multicasts } from '../server/core/multicasts.ts';
import { utcDays } from '../server/core/quota-day.ts';
import type { Channel, Device, Draft, Kept, Store } from '../server/core/store.ts';
import { type Core, openCore } from '../server/foundation.ts';
import { silentEvents } from '../server/observe/events.ts';
import { openSqliteStore } from '../server/stores/sqlite/store.ts';
import { Promises } from './model.ts';
import { Profile } from './profile.ts';

const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;
const PROJECT = 'project-of-ann';
/** Who has a channel of the app; devices are theirs in turns. */
const accounts = ['bob', 'carol'] as const;
/** Turns of the event loop in which nothing happened, after which all is quiet: everything here settles within a few. */
const QUIET_TURNS = 6;

interface Service {
  readonly store: Store;
  readonly core: Core;
  readonly acceptance: Acceptance;
  readonly multicasts: Multicasts;
}

/** How a sender says it: by the historic door to one channel, or by the second one to all. */
export type Way =
  | { readonly account: number }
  | { readonly collapse: boolean; readonly deliver: 'all' | 'any'; readonly ttl: number };

/**
 * The real core on the real SQLite store, in this process, with a clock that is turned by hand; it crashes by going on from a copy of
 * its files as they stood at that moment. The model hears of a message when its commit has settled, before the core does.
 */
export class ModelTown implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly promises = new Promises();
  readonly profiles: Profile[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'reveille-model-'));
  readonly #rights = new RightsTable();
  readonly #random = seededRandom(2_013);
  readonly #devices = new Map<Profile, Device>();
  /** Sends whose answer has not come, by payload: a crash decides. */
  readonly #underWay = new Set<string>();
  #service: Service | undefined;
  #lives = 0;
  #messages = 0;
  #quota = 0;
  /** The latest that it ever was. */
  #latest = this.clock.now();
  #channels: readonly Channel[] = [];

  static async open(devices: number): Promise<ModelTown> {
    const town = new ModelTown();
    town.#rights.groups.set('publisher', new Set(['ann']));
    town.#rights.app(APP, 'publisher');
    await town.#start();
    const { receiving } = town.#up.core;
    town.#channels = await Promise.all(accounts.map((account) => receiving.open(account, APP)));
    for (let i = 0; i < devices; i++) await town.register();
    return town;
  }

  async register(): Promise<void> {
    const account = accounts[this.profiles.length % accounts.length] ?? 'bob';
    const { device } = await this.#up.core.devices.register({ account, app: APP, name: 'profile' });
    const profile = new Profile(`device ${this.profiles.length + 1}`, this.promises, this.clock);
    profile.acknowledge = (said) => this.#up.core.devices.acknowledge(device, [said]);
    this.promises.registered(profile.name, device.channel.id);
    this.profiles.push(profile);
    this.#devices.set(profile, device);
  }

  connect(profile: Profile): void {
    const device = this.#devices.get(profile);
    if (device === undefined) throw new Error(`${profile.name} is not registered`);
    const { deliveries } = this.#up.core;
    const before = profile.disconnect();
    profile.connect((recipient) => deliveries.connect(device, recipient));
    if (before !== undefined) void deliveries.disconnect(before);
  }

  disconnect(profile: Profile): void {
    const outbox = profile.disconnect();
    if (outbox !== undefined) void this.#up.core.deliveries.disconnect(outbox);
  }

  kill(profile: Profile): void {
    const outbox = profile.kill();
    if (outbox !== undefined) void this.#up.core.deliveries.disconnect(outbox);
  }

  /** PA1. */
  async pause(profile: Profile): Promise<void> {
    const { user, id } = this.#channelOf(profile);
    const { receiving } = this.#up.core;
    this.promises.pausing(id);
    await receiving.pause(user, APP);
    this.promises.paused(id);
  }

  async resume(profile: Profile): Promise<void> {
    const { user, id } = this.#channelOf(profile);
    this.promises.resuming(id);
    await this.#up.core.receiving.resume(user, APP);
  }

  /** QU1: leaves the project so many messages for today; `null` = no limit. */
  leaveQuota(left: number | null): void {
    this.#quota = left === null ? 0 : Math.max(1, this.promises.acceptedOn(this.#today) + left);
  }

  /** Sends so many at once. Answers when all are answered, with the refusals that QU1 forbids or misses as faults. */
  async send(subchannel: Subchannel, count: number, way: Way = { account: 0 }): Promise<void> {
    const life = this.#lives;
    const room = this.#quota === 0 ? count : this.#quota - this.promises.acceptedOn(this.#today);
    const answers = await Promise.all(this.#begin(subchannel, count, way));
    if (life !== this.#lives) return;
    const accepted = answers.filter(Boolean).length;
    const due = Math.max(0, Math.min(count, room));
    if (accepted !== due) throw new Error(`QU1: ${accepted} of ${count} accepted where ${due} were due`);
  }

  /** Ends the process politely and starts it again. */
  async restart(): Promise<void> {
    this.#hangUp();
    await this.#up.store.close();
    await this.#start();
  }

  /**
   * Ends it as a power cut does, `turns` of the event loop after so many sends began; then what a cut commit leaves at the end of the
   * log is written there. What had settled must be there after the start; the rest may be or not.
   */
  async crash({
    sends,
    turns,
    torn,
    way,
  }: {
    sends: number;
    turns: number;
    torn: Uint8Array;
    way: Way;
  }): Promise<void> {
    const dying = this.#up;
    const before = this.#dataFolder;
    const late = this.#begin(1 as Subchannel, sends, way);
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
    this.#lives++;
    mkdirSync(this.#dataFolder);
    for (const name of ['messages.db', 'messages.db-wal']) {
      const file = join(before, name);
      if (existsSync(file)) cpSync(file, join(this.#dataFolder, name));
    }
    appendFileSync(join(this.#dataFolder, 'messages.db-wal'), torn);
    this.#hangUp();
    await dying.store.close();
    await Promise.all(late);
    rmSync(before, { recursive: true });
    await this.#start();
    await this.#learnWhatBecameOfThem(way);
  }

  /** What has expired may have ended, and does not come back to life when the clock is set back. */
  turnClock(ms: number): void {
    this.clock.advance(ms);
    this.#latest = Math.max(this.#latest, this.clock.now());
    this.promises.passed(this.#latest);
  }

  async prune(): Promise<void> {
    await this.#up.store.prune();
  }

  /** Settles when nothing happens any more. */
  async quiet(): Promise<void> {
    for (let still = 0, last = -1; still < QUIET_TURNS; ) {
      await new Promise(setImmediate);
      const now = this.profiles.reduce((sum, { happened }) => sum + happened, 0);
      const heard = this.profiles.every(({ unheard }) => unheard === 0);
      still = heard && now === last ? still + 1 : 0;
      last = now;
    }
  }

  /** Looks at every device that reads and whose handler is well; the model counts what it is still owed. */
  expectNothingOwed(patient: boolean): void {
    for (const profile of this.profiles) {
      if (profile.owedAll) this.promises.expectNothingOwed(profile.name, this.#latest, patient);
    }
  }

  /** ME2: the trace says `confirmed` only of what ran well, and nothing waits for anyone when all has run. */
  async expectTraceToAgree(): Promise<void> {
    for (const { version, devices, expiresAt } of await this.#trace()) {
      for (const { deviceId, state } of devices) {
        const profile = this.profiles.find((one) => this.#devices.get(one)?.id === deviceId);
        if (profile === undefined) throw new Error(`the trace names ${deviceId}, which nobody is`);
        const ran = this.promises.hasRecorded(profile.name, version);
        if (state === 'confirmed' && !ran)
          throw new Error(`ME2: ${version} is confirmed, and never ran well`);
        if (state === 'waiting' && expiresAt > this.#latest)
          throw new Error(`ME2: ${version} waits for ${profile.name}, where nothing is owed`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hangUp();
    await this.#up.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #up(): Service {
    if (this.#service === undefined) throw new Error('the service is down');
    return this.#service;
  }

  get #dataFolder(): string {
    return join(this.#folder, String(this.#lives));
  }

  get #today(): string {
    return utcDays(this.clock.now()).day;
  }

  #channelOf(profile: Profile): Channel {
    const channel = this.#devices.get(profile)?.channel.id;
    const found = this.#channels.find(({ id }) => id === channel);
    if (found === undefined) throw new Error(`${profile.name} is not registered`);
    return found;
  }

  #begin(subchannel: Subchannel, count: number, way: Way): Promise<boolean>[] {
    const token = this.#rights.token('token', { dailyQuota: this.#quota });
    const service = this.#up;
    return Array.from({ length: count }, async () => {
      const payload = `message ${++this.#messages}`;
      this.#underWay.add(payload);
      try {
        await this.#sendOne(service, token, { subchannel, payload }, way);
        return true;
      } catch (error) {
        this.#underWay.delete(payload);
        if (!(error instanceof ReveilleError && ['quota-exceeded', 'unavailable'].includes(error.code)))
          throw error;
        return false;
      }
    });
  }

  async #sendOne(
    { acceptance, multicasts }: Service,
    token: string,
    message: { readonly subchannel: Subchannel; readonly payload: string },
    way: Way,
  ): Promise<void> {
    if ('account' in way) {
      const channel = this.#channels[way.account]?.id;
      if (channel === undefined) throw new Error(`there is no account ${way.account}`);
      await acceptance.accept(await acceptance.admit(token), { ...message, channel });
      return;
    }
    const channels = this.#channels.map(({ id }) => id);
    const rest = { urgency: 'normal', receipts: false, key: null, bodyHash: '' } as const;
    await multicasts.accept(await multicasts.admit(token), { ...message, ...way, ...rest, channels });
  }

  async #start(): Promise<void> {
    const { clock } = this;
    const random = this.#random;
    // A copy of the files has what was written, synced or not: the syncs are proved on a real process.
    const synchronous = 'NORMAL';
    const store = await openSqliteStore({ folder: this.#dataFolder, clock, random, synchronous });
    this.#watch(store);
    const world = { clock, random, events: silentEvents, synchronous } as const;
    const core = openCore(store, pushTownKeys(), world);
    const parts = {
      ...world,
      ...core,
      senders: this.#rights,
      wakes: { kept: async () => {} },
      calendar: utcDays,
    };
    const acceptance = new Acceptance(parts);
    this.#service = { store, core, acceptance, multicasts: new Multicasts({ ...parts, acceptance }) };
  }

  /** What the store of this life has kept, the model knows in the same turn. */
  #watch(store: Store): void {
    const life = this.#lives;
    const keep = store.keep.bind(store);
    store.keep = async (draft) => {
      const kept = await keep(draft);
      if (life === this.#lives) this.#accepted([kept], draft);
      return kept;
    };
    const keepMulticast = store.keepMulticast.bind(store);
    store.keepMulticast = async (draft) => {
      const answer = await keepMulticast(draft);
      if (life === this.#lives) this.#accepted(answer.kept, draft.message);
      return answer;
    };
  }

  /** One request was kept. */
  #accepted(
    all: readonly Pick<Kept, 'version' | 'expiresAt' | 'slot' | 'channel'>[],
    { payload, quotaDay, deliver }: Pick<Draft, 'payload' | 'quotaDay' | 'deliver'>,
  ): void {
    this.#underWay.delete(payload);
    this.promises.counted(quotaDay);
    for (const kept of all) {
      const channel = this.#channels.find(({ key }) => key === kept.channel)?.id ?? '';
      this.promises.accepted({ ...kept, slot: String(kept.slot), channel, any: deliver === 'any' });
    }
  }

  /** Every connection breaks, and the core of this life hears nothing more. */
  #hangUp(): void {
    for (const profile of this.profiles) profile.disconnect();
    this.#up.core.deliveries.endAll('going-away');
  }

  async #learnWhatBecameOfThem(way: Way): Promise<void> {
    const kept = [...(await this.#trace())].reverse();
    const deliver = 'account' in way ? 'all' : way.deliver;
    for (const payload of Map.groupBy(kept, (one) => one.payload).keys()) {
      if (!this.#underWay.has(payload)) continue;
      const all = kept.flatMap((one) => {
        const channel = this.#channels.find(({ id }) => id === one.channelId)?.key;
        return one.payload === payload && channel !== undefined ? [{ ...one, channel }] : [];
      });
      const quotaDay = utcDays(all[0]?.acceptedAt ?? 0).day;
      this.#accepted(all, { payload, quotaDay, ...(deliver === 'any' && { deliver }) });
    }
    this.#underWay.clear();
  }

  #trace() {
    return this.#up.store.trace({ project: PROJECT }, 10_000);
  }
}
