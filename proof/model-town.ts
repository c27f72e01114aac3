import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushTownKeys } from '../dev-env/push-town.ts';
import { RightsTable } from '../dev-env/small-town.ts';
import type { AppId } from '../protocol/app-id.ts';
import type { ChannelId } from '../protocol/channel-id.ts';
import { ReveilleError } from '../protocol/errors.ts';
import type { Subchannel } from '../protocol/subchannel.ts';
import { Acceptance } from '../server/core/accept.ts';
import { ManualClock, seededRandom } from '../server/core/manual-clock.ts';
import { utcDays } from '../server/core/quota-day.ts';
import type { Device, Store } from '../server/core/store.ts';
import { type Core, openCore } from '../server/foundation.ts';
import { silentEvents } from '../server/observe/events.ts';
import { openSqliteStore } from '../server/stores/sqlite/store.ts';
import { Promises } from './model.ts';
import { Profile } from './profile.ts';

const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;
const PROJECT = 'project-of-ann';
/** Turns of the event loop in which nothing happened, after which all is quiet: everything here settles within a few. */
const QUIET_TURNS = 6;

interface Service {
  readonly store: Store;
  readonly core: Core;
  readonly acceptance: Acceptance;
}

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
  #channel = '' as ChannelId;

  static async open(devices: number): Promise<ModelTown> {
    const town = new ModelTown();
    town.#rights.groups.set('publisher', new Set(['ann']));
    town.#rights.app(APP, 'publisher');
    await town.#start();
    for (let i = 0; i < devices; i++) await town.register();
    return town;
  }

  async register(): Promise<void> {
    const { device } = await this.#up.core.devices.register({ account: 'bob', app: APP, name: 'profile' });
    this.#channel = device.channel.id;
    const profile = new Profile(`device ${this.profiles.length + 1}`, this.promises, this.clock);
    profile.acknowledge = (said) => this.#up.core.devices.acknowledge(device, [said]);
    this.promises.registered(profile.name);
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

  /** QU1: leaves the project so many messages for today; `null` = no limit. */
  leaveQuota(left: number | null): void {
    this.#quota = left === null ? 0 : Math.max(1, this.promises.acceptedOn(this.#today) + left);
  }

  /** Sends so many at once. Answers when all are answered, with the refusals that QU1 forbids or misses as faults. */
  async send(subchannel: Subchannel, count: number): Promise<void> {
    const life = this.#lives;
    const room = this.#quota === 0 ? count : this.#quota - this.promises.acceptedOn(this.#today);
    const answers = await Promise.all(this.#begin(subchannel, count));
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
  async crash({ sends, turns, torn }: { sends: number; turns: number; torn: Uint8Array }): Promise<void> {
    const dying = this.#up;
    const before = this.#dataFolder;
    const late = this.#begin(1 as Subchannel, sends);
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
    await this.#learnWhatBecameOfThem();
  }

  /** What has expired may have ended, and does not come back to life when the clock is set back. */
  turnClock(ms: number): void {
    this.clock.advance(ms);
    this.#latest = Math.max(this.#latest, this.clock.now());
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

  #begin(subchannel: Subchannel, count: number): Promise<boolean>[] {
    const token = this.#rights.token('token', { dailyQuota: this.#quota });
    const { acceptance } = this.#up;
    return Array.from({ length: count }, async () => {
      const payload = `message ${++this.#messages}`;
      this.#underWay.add(payload);
      try {
        const sender = await acceptance.admit(token);
        await acceptance.accept(sender, { channel: this.#channel, subchannel, payload });
        return true;
      } catch (error) {
        this.#underWay.delete(payload);
        if (!(error instanceof ReveilleError && ['quota-exceeded', 'unavailable'].includes(error.code)))
          throw error;
        return false;
      }
    });
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
    const acceptance = new Acceptance({
      ...world,
      ...core,
      senders: this.#rights,
      wakes: { kept: async () => {} },
      calendar: utcDays,
    });
    this.#service = { store, core, acceptance };
  }

  /** What the store of this life has kept, the model knows in the same turn. */
  #watch(store: Store): void {
    const life = this.#lives;
    const keep = store.keep.bind(store);
    store.keep = async (draft) => {
      const kept = await keep(draft);
      if (life === this.#lives) this.#accepted(kept, draft.quotaDay);
      return kept;
    };
  }

  #accepted(
    kept: { version: number; expiresAt: number; slot: string | null; payload: string },
    day: string,
  ): void {
    this.#underWay.delete(kept.payload);
    this.promises.accepted({ ...kept, slot: String(kept.slot) }, day);
  }

  /** Every connection breaks, and the core of this life hears nothing more. */
  #hangUp(): void {
    for (const profile of this.profiles) profile.disconnect();
    this.#up.core.deliveries.endAll('going-away');
  }

  async #learnWhatBecameOfThem(): Promise<void> {
    for (const kept of [...(await this.#trace())].reverse()) {
      if (!this.#underWay.has(kept.payload)) continue;
      this.#accepted(kept, utcDays(kept.acceptedAt).day);
    }
    this.#underWay.clear();
  }

  #trace() {
    return this.#up.store.trace({ project: PROJECT }, 10_000);
  }
}
