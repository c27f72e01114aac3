import { createHash } from 'node:crypto';
import type { AppId } from '../../protocol/app-id.ts';
import { appOfChannel, type ChannelId } from '../../protocol/channel-id.ts';
import { limits, stateMs } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock } from '../core/clock.ts';
import type { Moves } from '../core/moves.ts';
import {
  type FollowedMessage,
  type Followers,
  hasEnded,
  type Receipt,
  receiptsOf,
} from '../core/receipts.ts';
import type { FormerDevice, LeftDevice, Store } from '../core/store.ts';
import type { Events } from '../observe/events.ts';
import type { DeliveryQueue } from './queue.ts';
import type { Delivery, EventType, Webhook } from './webhook.ts';
import type { Webhooks } from './webhooks.ts';

/** One message on one channel. */
interface Entry {
  readonly version: Version;
  readonly row: Row;
  expiresAt: number;
  readonly told: Set<string>;
}

/** One request that is followed, as it is kept: how many of its messages have not ended. */
interface Row {
  readonly id: string;
  readonly messageId: string | null;
  readonly asked: boolean;
  readonly until: number;
  open: number;
}

/** What was found out about an entry. */
interface News {
  readonly entry: Entry;
  readonly channel: ChannelId;
  /** Of the receipts that were not told before. */
  readonly names: readonly string[];
  readonly deliveries: readonly Delivery[];
  readonly ended: boolean;
}

/** An event that was not kept so long after its device left was not kept at all. */
const UNDER_WAY_MS = 60_000;

export interface FollowedDeps {
  readonly db: ControlDatabase;
  readonly store: Pick<Store, 'traced' | 'findMulticast' | 'findChannel' | 'devicesOf' | 'leftAfter'>;
  readonly moves: Pick<Moves, 'onMoved'>;
  readonly webhooks: Webhooks;
  readonly queue: DeliveryQueue;
  readonly clock: Clock;
  readonly events: Pick<Events, 'failed'>;
  /** Something may be due. */
  readonly kick: () => void;
}

/**
 * The messages whose fate webhooks are told of. Which ones is on disk before their sender is answered; what they have come to is
 * read from the store whenever something moved on their channel, when they expire, and once at start. The id of an event is
 * made of what it tells, so one that was kept before is not kept twice.
 */
export class Followed implements Followers {
  readonly #deps: FollowedDeps;
  /** What is kept from then on says nothing of what was kept before. */
  readonly #openedAt: number;
  readonly #byChannel = new Map<ChannelId, Map<Version, Entry>>();
  #size = 0;
  /** What is to be looked at: all of a channel, or some of its messages. A channel may hold thousands that wait. */
  #due = new Map<ChannelId, Set<Entry> | 'all'>();
  readonly #ended: string[] = [];
  #unsaved: Row[] = [];
  #saving: Promise<void> = Promise.resolve();
  #looking: Promise<void> | undefined;
  readonly #stopListening: () => void;
  #stopTimer: () => void = () => {};
  #stopped = false;

  constructor(deps: FollowedDeps) {
    this.#deps = deps;
    this.#openedAt = deps.clock.now();
    this.#stopListening = deps.moves.onMoved((channels) => this.#hear(channels));
  }

  /** Takes up what was followed before a restart, and looks at all of it; tells of devices that left before it. */
  async start(): Promise<void> {
    const { db, clock } = this.#deps;
    await db.deleteFrom('webhook_followed').where('until', '<=', clock.now()).execute();
    for (const row of await db.selectFrom('webhook_followed').selectAll().execute()) {
      const targets =
        row.version === null ? await this.#targetsOf(row.id) : await this.#targetOf(row.version);
      const messageId = row.version === null ? row.id : null;
      this.#watch({ id: row.id, messageId, asked: row.asked === 1, until: row.until, open: 0 }, targets);
    }
    this.#sweep();
    await this.#tellLeftBefore();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    this.#stopTimer();
    await this.#saving;
    await this.#looking;
  }

  followsAll(project: string, app: AppId): boolean {
    return this.#deps.webhooks.followsAll(project, app);
  }

  async follow({ id, project, targets, asked }: FollowedMessage): Promise<void> {
    const { webhooks, clock, events } = this.#deps;
    const apps = new Set(targets.map(({ channelId }) => appOfChannel(channelId)));
    if (![...apps].some((app) => webhooks.toldOf({ project, app, asked }).length > 0)) return;
    const name = id ?? String(targets[0]?.version);
    const row: Row = { id: name, messageId: id, asked, until: clock.now() + stateMs, open: 0 };
    if (!this.#watch(row, targets)) return;
    this.#unsaved.push(row);
    this.#saving = this.#saving
      .then(() => this.#save())
      .catch((error: unknown) => events.failed('webhooks', error));
    await this.#saving;
  }

  /** Devices left their channels: the webhooks of their apps are told of each, and how many are left. */
  async left(devices: readonly LeftDevice[]): Promise<void> {
    const leftAt = this.#deps.clock.now();
    await this.#tellLeft(
      devices.map((device) => ({ ...device, leftAt })),
      () => true,
    );
  }

  /**
   * A kill may come between the commit in which a device leaves and the one that keeps the event. A webhook has heard of all that
   * left a while before the last one that it heard of.
   */
  async #tellLeftBefore(): Promise<void> {
    const { store, queue, clock } = this.#deps;
    const moment = clock.now() - limits.webhookLeftMs;
    const left = await store.leftAfter(moment, limits.webhookQueue);
    if (left.length === 0) return;
    const newest = await queue.newest('device.gone', this.#openedAt);
    await this.#tellLeft(
      left.toReversed(),
      ({ id, createdAt }, { leftAt }) => leftAt >= Math.max(createdAt, (newest.get(id) ?? 0) - UNDER_WAY_MS),
    );
  }

  async #tellLeft(
    devices: readonly FormerDevice[],
    wants: (webhook: Webhook, device: FormerDevice) => boolean,
  ): Promise<void> {
    const { queue, kick, webhooks } = this.#deps;
    const sights = new Map<ChannelId, object>();
    const deliveries: Delivery[] = [];
    for (const device of devices) {
      const { key, channelId, leftAt } = device;
      const about = {
        project: null,
        app: appOfChannel(channelId),
        asked: true,
        type: 'device.gone',
      } as const;
      const told = webhooks.toldOf(about).filter((webhook) => wants(webhook, device));
      if (told.length === 0) continue;
      const sight = sights.get(channelId) ?? (await this.#sightOf(channelId));
      sights.set(channelId, sight);
      const data = { channelId, ...sight };
      for (const { id } of told) deliveries.push(deliveryOf(id, 'device.gone', `gone ${key}`, leftAt, data));
    }
    if (deliveries.length === 0) return;
    await queue.add(deliveries);
    kick();
  }

  async #sightOf(channelId: ChannelId): Promise<{ readonly exists: boolean; readonly devices: number }> {
    const { store } = this.#deps;
    const channel = await store.findChannel(channelId);
    if (channel === undefined || channel.state === 'removed') return { exists: false, devices: 0 };
    return { exists: true, devices: (await store.devicesOf(channel.key)).length };
  }

  #watch(row: Row, targets: FollowedMessage['targets']): boolean {
    const fresh: [ChannelId, Entry][] = [];
    if (this.#size + targets.length > limits.receiptsFollowed) {
      this.#deps.events.failed('webhooks', new Error('too many messages are followed'));
      return false;
    }
    for (const { channelId, version } of targets) {
      const entries = this.#byChannel.get(channelId) ?? new Map<Version, Entry>();
      this.#byChannel.set(channelId, entries);
      if (entries.has(version)) continue;
      const entry: Entry = { version, row, expiresAt: 0, told: new Set() };
      entries.set(version, entry);
      fresh.push([channelId, entry]);
      row.open += 1;
      this.#size += 1;
    }
    // It may have come further already.
    this.#lookAt(fresh);
    return true;
  }

  /** Those that come while a commit is under way share the next one. */
  async #save(): Promise<void> {
    const rows = this.#unsaved;
    this.#unsaved = [];
    if (rows.length === 0) return;
    await this.#deps.db
      .insertInto('webhook_followed')
      .values(
        rows.map(({ id, messageId, asked, until }) => ({
          id,
          version: messageId === null ? Number(id) : null,
          asked: asked ? 1 : 0,
          until,
        })),
      )
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  async #targetsOf(id: string): Promise<FollowedMessage['targets']> {
    const multicast = await this.#deps.store.findMulticast(id);
    return multicast?.targets.flatMap((one) => ('version' in one ? [one] : [])) ?? [];
  }

  async #targetOf(version: number): Promise<FollowedMessage['targets']> {
    const trace = await this.#deps.store.traced(version as Version);
    return trace === undefined || trace.channelId === ''
      ? []
      : [{ channelId: trace.channelId, version: trace.version }];
  }

  /** Something moved on these channels. */
  #hear(channels: readonly ChannelId[]): void {
    for (const channel of channels) if (this.#byChannel.has(channel)) this.#due.set(channel, 'all');
    this.#kick();
  }

  #lookAt(some: readonly (readonly [ChannelId, Entry])[]): void {
    for (const [channel, entry] of some) {
      const due = this.#due.get(channel) ?? new Set<Entry>();
      if (due !== 'all') this.#due.set(channel, due.add(entry));
    }
    this.#kick();
  }

  #kick(): void {
    if (this.#due.size > 0 && !this.#stopped) this.#looking ??= this.#look();
  }

  async #look(): Promise<void> {
    try {
      while (this.#due.size > 0 && !this.#stopped) {
        const due = this.#due;
        this.#due = new Map();
        await this.#tell(due).catch((error: unknown) => {
          // Looked at again with the next sweep.
          for (const channel of due.keys()) this.#due.set(channel, 'all');
          throw error;
        });
      }
    } catch (error) {
      if (!this.#stopped) this.#deps.events.failed('webhooks', error);
    } finally {
      this.#looking = undefined;
    }
  }

  /** Keeps what is new, and only then takes it as told. */
  async #tell(due: ReadonlyMap<ChannelId, ReadonlySet<Entry> | 'all'>): Promise<void> {
    const news: News[] = [];
    for (const [channel, entries] of due) {
      const all = this.#byChannel.get(channel)?.values() ?? [];
      news.push(...(await this.#newsOf(channel, entries === 'all' ? [...all] : entries)));
    }
    const deliveries = news.flatMap((one) => one.deliveries);
    if (deliveries.length > 0) await this.#deps.queue.add(deliveries);
    for (const { entry, channel, names, ended } of news) {
      for (const name of names) entry.told.add(name);
      if (ended) this.#letGo(channel, entry);
    }
    await this.#forgetEnded();
    if (deliveries.length > 0) this.#deps.kick();
  }

  async #newsOf(channel: ChannelId, entries: Iterable<Entry>): Promise<readonly News[]> {
    const news: News[] = [];
    for (const entry of entries) {
      const trace = await this.#deps.store.traced(entry.version);
      if (trace !== undefined) entry.expiresAt = trace.expiresAt;
      const receipts = trace === undefined ? [] : receiptsOf(trace).filter((one) => isNews(entry, one));
      const ended = trace === undefined || hasEnded(trace) || entry.row.until <= this.#deps.clock.now();
      const deliveries = receipts.flatMap((one) => this.#deliveries(entry, one, trace?.project ?? null));
      news.push({ entry, channel, names: receipts.map(nameOf), deliveries, ended });
    }
    return news;
  }

  #deliveries({ row }: Entry, receipt: Receipt, project: string | null): readonly Delivery[] {
    const { state, device, channelId, version, at } = receipt;
    if (state === 'sent') return [];
    const type: EventType = `message.${state}`;
    const time = new Date(at).toISOString();
    const data = { message: row.messageId, channelId, version, device, state, at: time };
    return this.#deps.webhooks
      .toldOf({ project, app: appOfChannel(channelId), asked: row.asked, type })
      .map(({ id }) => deliveryOf(id, type, nameOf(receipt), at, data));
  }

  #letGo(channel: ChannelId, { version, row }: Entry): void {
    const entries = this.#byChannel.get(channel);
    if (entries?.delete(version) !== true) return;
    if (entries.size === 0) this.#byChannel.delete(channel);
    this.#size -= 1;
    row.open -= 1;
    if (row.open === 0) this.#ended.push(row.id);
  }

  async #forgetEnded(): Promise<void> {
    const ids = this.#ended.splice(0, 500);
    if (ids.length === 0) return;
    // One that is being saved must be there before it can be forgotten.
    await this.#saving;
    await this.#deps.db.deleteFrom('webhook_followed').where('id', 'in', ids).execute();
  }

  /** Looks at what has expired, and lets go of what has been followed for long enough. */
  #sweep(): void {
    const now = this.#deps.clock.now();
    const due = [...this.#byChannel].flatMap(([channel, entries]) =>
      [...entries.values()]
        .filter(({ expiresAt, row }) => Math.min(expiresAt, row.until) <= now)
        .map((entry) => [channel, entry] as const),
    );
    this.#lookAt(due);
    if (!this.#stopped) this.#stopTimer = this.#deps.clock.after(limits.webhookLookMs, () => this.#sweep());
  }
}

const nameOf = ({ version, device, state }: Receipt): string => `${version} ${device} ${state}`;
const isNews = ({ told }: Entry, receipt: Receipt): boolean => !told.has(nameOf(receipt));

/** An event for a webhook; its id is the same whenever the same thing is told. */
export function deliveryOf(
  webhook: string,
  type: EventType,
  name: string,
  at: number,
  data: object,
): Delivery {
  const id = createHash('sha256').update(`${webhook} ${name}`).digest('base64url').slice(0, 24);
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
  return { id: `msg_${id}`, webhook, type, body };
}
