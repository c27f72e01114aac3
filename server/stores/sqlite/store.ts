import type { Database } from 'bun:sqlite';
import type { AppId } from '../../../protocol/app-id.ts';
import type { ChannelId } from '../../../protocol/channel-id.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Clock, Random } from '../../core/clock.ts';
import type { KeptMulticast, Multicast, MulticastDraft } from '../../core/multicast.ts';
import type {
  Channel,
  ChannelKey,
  ChannelState,
  Device,
  DeviceChange,
  DeviceDraft,
  DeviceKey,
  Draft,
  EndedListener,
  FormerDevice,
  Kept,
  LeftDevice,
  MessageTrace,
  Missed,
  MissedOf,
  Seen,
  Store,
  TraceOf,
  WakeableOf,
} from '../../core/store.ts';
import type { HolderId, Subscription } from '../../core/subscription.ts';
import { isTopic } from '../rules.ts';
import { type DeviceRow, deviceOf } from './device-table.ts';
import { asDiskFault, GroupCommit } from './group-commit.ts';
import { Membership } from './membership.ts';
import { Multicasting } from './multicasting.ts';
import { openMessageDatabase, type Synchronous } from './open-database.ts';
import { Progress } from './progress.ts';
import { Pruning } from './pruning.ts';
import { type Opened, Subscribing } from './subscribing.ts';
import { openTables, type Tables } from './tables.ts';
import { Trace } from './trace.ts';

export interface SqliteStoreOptions {
  /** The data folder; made when it is not there. The caller holds its lock (folder-lock.ts). */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  /** FULL unless a test shows what happens without. */
  readonly synchronous?: Synchronous;
  /** ST6; limits.devicesPerChannel unless given. */
  readonly devicesPerChannel?: number;
}

/**
 * The embedded store: `messages.db` in the data folder.
 * @throws Error with a text for the operator when the file is from a later version or cannot be opened.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return new SqliteStore(openMessageDatabase(options.folder, options.synchronous ?? 'FULL'), options);
}

/**
 * The Store port on one SQLite connection. Writes go through the group commit, reads see what is committed; reads settle
 * without leaving the turn. No method hands out anything but plain data, so the whole store can move into a worker thread.
 */
class SqliteStore implements Store {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #commit: GroupCommit;
  readonly #channels: Tables['channels'];
  readonly #devices: Tables['devices'];
  readonly #messages: Tables['messages'];
  readonly #endings: Tables['endings'];
  readonly #meta: Tables['meta'];
  readonly #quota: Tables['quota'];
  readonly #multicasts: Tables['multicasts'];
  readonly #steps: Tables['steps'];
  readonly #seen: Tables['seen'];
  readonly #multicasting: Multicasting;
  readonly #trace: Trace;
  readonly #progress: Progress;
  readonly #membership: Membership;
  readonly #subscribing: Subscribing;
  readonly #pruning: Pruning;
  #pruningNow: Promise<number> | undefined;
  #closed = false;

  constructor(db: Database, { clock, random, devicesPerChannel }: SqliteStoreOptions) {
    this.#db = db;
    this.#clock = clock;
    const tables = openTables(db);
    const { meta, quota, channels, devices, messages, endings, subscriptions, multicasts, steps } = tables;
    const commit = new GroupCommit(db, {
      beforeCommit() {
        meta.flush();
        quota.flush();
        steps.flush();
      },
      afterCommit: () => endings.tell(),
      afterRollback() {
        endings.forget();
        for (const table of [meta, quota, channels, devices, messages, steps]) table.forget();
      },
    });
    this.#meta = meta;
    this.#quota = quota;
    this.#channels = channels;
    this.#devices = devices;
    this.#messages = messages;
    this.#endings = endings;
    this.#multicasts = multicasts;
    this.#steps = steps;
    this.#seen = tables.seen;
    this.#commit = commit;
    this.#trace = new Trace(db);
    this.#progress = new Progress({ clock, ...tables });
    this.#multicasting = new Multicasting(clock, tables, this.#progress);
    const shared = { clock, random, meta, channels, devices };
    const membership = new Membership({ ...shared, endings, seen: tables.seen, devicesPerChannel });
    this.#membership = membership;
    this.#subscribing = new Subscribing({ ...shared, subscriptions, membership });
    this.#pruning = new Pruning(db, { ...tables, commit, subscribing: this.#subscribing });
  }

  keep(draft: Draft): Promise<Kept> {
    return this.#commit.write(() => {
      const now = this.#clock.now();
      this.#channels.assertOpen(draft.channel);
      this.#quota.assertLeft(draft);
      if (draft.slot === null && this.#messages.isQueueFull(draft.channel, now)) {
        throw new ReveilleError('queue-full');
      }
      if (isTopic(draft.slot) && this.#messages.areTopicsFull(draft.channel, draft.slot, now)) {
        throw new ReveilleError('queue-full');
      }
      this.#quota.add(draft);
      return this.#messages.append(draft, this.#meta.takeVersion(now), now);
    });
  }

  keepMulticast(draft: MulticastDraft): Promise<KeptMulticast> {
    return this.#commit.write(() => this.#multicasting.keep(draft));
  }

  async findMulticast(id: string): Promise<Multicast | undefined> {
    return this.#read(() => this.#multicasts.byId(id));
  }

  async lastConfirmed(channel: ChannelKey): Promise<number | undefined> {
    return this.#read(() => this.#steps.lastConfirmed(channel));
  }

  async missed(device: DeviceKey, limit: number, which: MissedOf = {}): Promise<Missed> {
    // A confirm that came before must count, so it is waited for.
    const found = this.#commit.isBehind
      ? undefined
      : this.#read(() => this.#progress.missed(device, limit, which));
    if (found?.mustRecord === false) return found.missed;
    return this.#commit.write(() => this.#progress.recordMissed(device, limit, which));
  }

  sent(device: DeviceKey, version: Version): Promise<void> {
    return this.#commit.write(() => this.#progress.sent(device, version));
  }

  async taken(device: DeviceKey, version: Version): Promise<void> {
    if (!this.#read(() => this.#progress.mustRecordTaken(device, version))) return;
    await this.#commit.write(() => this.#progress.taken(device, version));
  }

  confirm(device: DeviceKey, version: Version, patient = false): Promise<boolean> {
    return this.#commit.write(() => this.#progress.confirm(device, version), patient);
  }

  runFailed(device: DeviceKey, version: Version): Promise<{ failedRuns: number; ended: boolean }> {
    return this.#commit.write(() => this.#progress.runFailed(device, version));
  }

  supersede(device: DeviceKey, version: Version): Promise<void> {
    return this.#commit.write(() => this.#progress.supersede(device, version));
  }

  withdraw(version: Version): Promise<ChannelKey | undefined> {
    return this.#commit.write(() => this.#progress.withdraw(version));
  }

  markSeen(device: DeviceKey, seen: Seen): Promise<boolean> {
    return this.#commit.write(() => this.#membership.markSeen(device, seen));
  }

  async seenOf(channel: ChannelKey): Promise<readonly Seen[]> {
    return this.#read(() => this.#seen.of(channel));
  }

  prune(): Promise<number> {
    // A second call while one is at work joins it: two cursors would only tread on each other.
    this.#pruningNow ??= this.#pruning.run(this.#clock.now()).finally(() => {
      this.#pruningNow = undefined;
    });
    return this.#pruningNow;
  }

  async trace(of: TraceOf, limit: number): Promise<readonly MessageTrace[]> {
    const now = this.#clock.now();
    return this.#read(() => {
      if ('channel' in of) return this.#trace.ofChannel(of.channel, limit, now);
      if ('receipts' in of) return this.#trace.ofReceipts(of.receipts, limit, now);
      const project = this.#messages.findProject(of.project);
      return project === undefined ? [] : this.#trace.ofProject(project, limit, now);
    });
  }

  async traced(version: Version): Promise<MessageTrace | undefined> {
    return this.#read(() => this.#trace.one(version, this.#clock.now()));
  }

  onEnded(listener: EndedListener): void {
    this.#endings.listen(listener);
  }

  async acceptedOn(project: string, quotaDay: string): Promise<number> {
    return this.#read(() => this.#quota.acceptedOn(project, quotaDay));
  }

  async openChannel(user: string, app: AppId): Promise<Channel> {
    const known = this.#read(() => this.#channels.find(user, app));
    if (known !== undefined && known.state !== 'removed') return known;
    return this.#commit.write(() => this.#membership.openChannel(user, app));
  }

  findChannel(id: ChannelId): Channel | undefined {
    return this.#read(() => this.#channels.byId(id));
  }

  async channelsOf(user: string): Promise<readonly Channel[]> {
    return this.#read(() => this.#channels.ofUser(user));
  }

  setChannelState(channel: ChannelKey, state: ChannelState): Promise<readonly LeftDevice[]> {
    return this.#commit.write(() => this.#membership.setChannelState(channel, state));
  }

  async register(draft: DeviceDraft): Promise<{ device: Device; evicted: DeviceKey | null }> {
    return this.#commit.write(() => this.#membership.register(draft));
  }

  async findDevice(id: string): Promise<Device | undefined> {
    return this.#read(() => {
      const row = this.#devices.byId(id);
      return row && this.#whole(row);
    });
  }

  async devicesOf(channel: ChannelKey): Promise<readonly Device[]> {
    return this.#read(() => this.#devices.ofChannel(channel).flatMap((row) => this.#whole(row) ?? []));
  }

  wakeable(of: WakeableOf): readonly Device[] {
    return this.#read(() => this.#devices.wakeable(of).flatMap((row) => this.#whole(row) ?? []));
  }

  updateDevice(device: DeviceKey, change: DeviceChange): Promise<void> {
    return this.#commit.write(() => this.#membership.updateDevice(device, change));
  }

  seen(device: DeviceKey): Promise<void> {
    return this.#commit.write(() => this.#membership.seen(device));
  }

  removeDevice(device: DeviceKey): Promise<void> {
    return this.#commit.write(() => this.#membership.removeDevice(device));
  }

  async leftAfter(moment: number, limit: number): Promise<readonly FormerDevice[]> {
    return this.#read(() => this.#membership.leftAfter(moment, limit));
  }

  removeSignIn(signIn: string): Promise<readonly LeftDevice[]> {
    return this.#commit.write(() => this.#membership.removeSignIn(signIn));
  }

  removeUser(user: string): Promise<readonly LeftDevice[]> {
    return this.#inSteps(() => this.#membership.removeSomeOfUser(user));
  }

  removeApp(app: AppId): Promise<readonly LeftDevice[]> {
    return this.#inSteps(() => this.#membership.removeSomeOfApp(app));
  }

  async openSubscription(holder: HolderId, name: string): Promise<Opened | undefined> {
    const found = this.#read(() => this.#subscribing.find(holder, name));
    if (found === 'removed') return undefined;
    if (found !== undefined) return { subscription: found, fresh: false };
    return this.#commit.write(() => this.#subscribing.open(holder, name));
  }

  async renewSubscription(holder: HolderId, name: string): Promise<Opened> {
    return this.#commit.write(() => this.#subscribing.renew(holder, name));
  }

  async subscriptionsOf(holder: HolderId): Promise<readonly Subscription[]> {
    return this.#read(() => this.#subscribing.of(holder));
  }

  removeSubscription(holder: HolderId, name: string): Promise<boolean> {
    return this.#commit.write(() => this.#subscribing.remove(holder, name));
  }

  removeHolder(holder: HolderId): Promise<readonly string[]> {
    return this.#commit.write(() => this.#subscribing.removeHolder(holder));
  }

  heldNow(holder: HolderId): Promise<void> {
    return this.#commit.write(() => this.#subscribing.heldNow(holder));
  }

  async silentHolders(before: number, limit: number): Promise<readonly HolderId[]> {
    return this.#read(() => this.#subscribing.silent(before, limit));
  }

  async expiredUntold(subscription: Subscription): Promise<Version | undefined> {
    const read = () => this.#subscribing.expiredUntold(subscription);
    // A confirm that came before must count, so it is waited for.
    return this.#commit.isBehind ? this.#commit.write(read) : this.#read(read);
  }

  expiredTold(subscription: Subscription, version: Version): Promise<void> {
    return this.#commit.write(() => this.#subscribing.expiredTold(subscription, version));
  }

  hurry(): void {
    this.#commit.hurry();
  }

  async close(): Promise<void> {
    this.#commit.close();
    await this.#pruningNow?.catch(() => undefined);
    if (this.#closed) return;
    this.#closed = true;
    // `true` ends the prepared statements too; without it the files stay open behind them.
    this.#db.close(true);
  }

  #whole(row: DeviceRow): Device | undefined {
    const channel = this.#channels.byKey(row.channel);
    // The one device of a push subscription is nobody's to name.
    return channel === undefined || channel.user === '' ? undefined : deviceOf(row, channel);
  }

  async #inSteps(
    step: () => { readonly left: readonly LeftDevice[]; readonly more: boolean },
  ): Promise<readonly LeftDevice[]> {
    const left: LeftDevice[] = [];
    for (let more = true; more; ) {
      const done = await this.#commit.write(step);
      left.push(...done.left);
      more = done.more;
    }
    return left.sort((a, b) => a.key - b.key);
  }

  /** Reads what is committed. A disk that fails in reading is as unavailable as one that fails in writing. */
  #read<Result>(read: () => Result): Result {
    if (this.#closed) throw new ReveilleError('unavailable', 'The store is closed.');
    try {
      return read();
    } catch (error) {
      throw asDiskFault(error) ?? error;
    }
  }
}
