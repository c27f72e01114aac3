import type { AppId } from '../../protocol/app-id.ts';
import { appOfChannel, type ChannelId, isChannelId } from '../../protocol/channel-id.ts';
import { asReveilleError, type ErrorCode, ReveilleError } from '../../protocol/errors.ts';
import { limits, retentionMs } from '../../protocol/limits.ts';
import { slotOf } from '../../protocol/slot.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Events } from '../observe/events.ts';
import type { Acceptance } from './accept.ts';
import type { Announcer } from './announcer.ts';
import type { Bus } from './bus.ts';
import type { Clock, Random } from './clock.ts';
import type { Moves } from './moves.ts';
import type { KeptMulticast, Multicast, MulticastDraft, MulticastTarget, TargetResult } from './multicast.ts';
import { knownNames, namedSubchannel } from './named-subchannels.ts';
import type { QuotaCalendar } from './quota-day.ts';
import { type Followers, nobodyFollows } from './receipts.ts';
import type { Sender, Senders } from './sender.ts';
import type { ChannelState, MessageTrace, Store } from './store.ts';
import type { Wakes } from './wake.ts';

/** One message for many channels, as its sender means it. */
export interface MulticastRequest {
  /** As they were sent: what is no channel id is refused by itself. */
  readonly channels: readonly string[];
  /** A number, or a name that each app has for one of its own. */
  readonly subchannel: number | string;
  /** False: it queues behind older ones of its subchannel and replaces none. */
  readonly collapse: boolean;
  /** `any` = the first device of a channel that confirms it ends it for the others. */
  readonly deliver: 'all' | 'any';
  readonly payload: string;
  /** Seconds; 0 = for devices that are connected. */
  readonly ttl: number;
  readonly urgency: Urgency;
  /** Webhooks are told what becomes of it, not only those that are told of every message. */
  readonly receipts: boolean;
  /** The sender's own name for the request, and the SHA-256 of its body; null = it may not be repeated. */
  readonly key: string | null;
  readonly bodyHash: string;
}

/** What would become of a channel. */
export interface CheckedTarget {
  readonly channelId: string;
  readonly refusal: ErrorCode | null;
  /** What more there is to say of the refusal. */
  readonly detail?: string;
}

type Addressed = Pick<MulticastRequest, 'channels' | 'subchannel' | 'collapse'>;

interface Target extends MulticastTarget {
  readonly state: ChannelState;
}

export interface MulticastState extends Multicast {
  /** How each accepted message stands, by its version. */
  readonly traces: ReadonlyMap<Version, MessageTrace>;
}

export interface ChannelSight {
  readonly exists: boolean;
  readonly devices: number;
  /** Milliseconds since 1970; undefined = never. */
  readonly lastConfirmed: number | undefined;
}

interface MulticastsDeps {
  readonly acceptance: Pick<Acceptance, 'admit' | 'load'>;
  readonly senders: Senders;
  readonly store: Pick<
    Store,
    'findChannel' | 'devicesOf' | 'keepMulticast' | 'findMulticast' | 'traced' | 'lastConfirmed'
  >;
  readonly announcer: Pick<Announcer, 'announce'>;
  readonly bus: Pick<Bus, 'announceAll'>;
  readonly deliveries: { readonly moves: Pick<Moves, 'moved'> };
  readonly wakes: Pick<Wakes, 'kept'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly calendar: QuotaCalendar;
  /** None = nobody is told of what becomes of messages. */
  readonly followers?: Followers;
  readonly events: Events;
}

/** The second API's way into the house: one message to many channels, and what became of it. */
export class Multicasts {
  readonly #deps: MulticastsDeps;

  constructor(deps: MulticastsDeps) {
    this.#deps = deps;
  }

  /** Before anything is read of a message. @throws `overloaded`. */
  assertRoom(): void {
    this.#deps.acceptance.load.assertRoom();
  }

  /** As Acceptance.admit; the client of an app has no project and cannot send. */
  async admit(accessToken: string | undefined): Promise<Sender & { readonly project: string }> {
    const sender = await this.#deps.acceptance.admit(accessToken);
    if (sender.project === null)
      throw new ReveilleError('scope-insufficient', 'The client of an app cannot send.');
    return { ...sender, project: sender.project };
  }

  /** What would become of each channel now. Keeps nothing, counts nothing, tells nobody. */
  async validate(sender: Sender, request: Addressed): Promise<readonly CheckedTarget[]> {
    return this.#explained(sender, await this.#check(sender, request));
  }

  /**
   * Keeps the message for every channel that takes it, then announces it. Settles when it is synced to disk.
   * @throws `input-invalid` for a number that is no subchannel of the project, `quota-exceeded`, `targets-exceeded`, `idempotency-conflict`, `store-full`, `unavailable`, `overloaded`: then nothing was kept.
   */
  async accept(sender: Sender & { readonly project: string }, request: MulticastRequest): Promise<Multicast> {
    const { announcer, wakes, events, followers = nobodyFollows } = this.#deps;
    const targets = await this.#check(sender, request);
    const { multicast, kept, dropped } = await this.#keep(sender, request, targets);
    const paused = new Set(targets.flatMap((one) => (one.state === 'paused' ? [one.channel] : [])));
    const apps = new Map<Version, AppId>();
    for (const one of multicast.targets) {
      if ('version' in one) apps.set(one.version, appOfChannel(one.channelId));
      // A repeat was answered before.
      else if (kept.length > 0) events.turnedAway(sender.project, '', one.refusal);
    }
    for (const one of kept) {
      events.accepted(one.version, sender.project, apps.get(one.version) ?? '');
      if (paused.has(one.channel)) continue;
      void announcer.announce(one);
      void wakes.kept(one);
    }
    for (const one of dropped) this.#tellDropped(one, targets);
    const accepted = multicast.targets.flatMap((one) => ('version' in one ? [one] : []));
    const { id, project } = multicast;
    await followers.follow({ id, project, targets: accepted, asked: request.receipts });
    return { ...multicast, targets: await this.#explained(sender, multicast.targets) };
  }

  /**
   * How a multicast stands, for senders of its project that may still send for its apps.
   * @param only reads how it stands on these channels, not on all
   * @throws `not-found`, also after limits.stateDays and for a multicast of another project; `app-not-owned`.
   */
  async state(sender: Sender, id: string, only?: ReadonlySet<ChannelId>): Promise<MulticastState> {
    const { store, senders } = this.#deps;
    const multicast = await store.findMulticast(id);
    if (multicast === undefined || multicast.project !== sender.project)
      throw new ReveilleError('not-found', 'Your project has no such message of the last seven days.');
    const accepted = multicast.targets.flatMap((one) => ('version' in one ? [one] : []));
    for (const app of new Set(accepted.map(({ channelId }) => appOfChannel(channelId))))
      await senders.assertOwns(sender, app);
    const traces = new Map<Version, MessageTrace>();
    for (const { version, channelId } of accepted) {
      if (only?.has(channelId) === false) continue;
      const trace = await store.traced(version);
      if (trace !== undefined) traces.set(version, trace);
    }
    return { ...multicast, traces };
  }

  /**
   * What a sender may know of a channel of its app.
   * @throws `channel-invalid` for what is no channel id, `app-not-owned`.
   */
  async channel(sender: Sender, id: string): Promise<ChannelSight> {
    if (!isChannelId(id)) throw new ReveilleError('channel-invalid');
    await this.#deps.senders.assertOwns(sender, appOfChannel(id));
    const channel = await this.#deps.store.findChannel(id);
    if (channel === undefined || channel.state === 'removed')
      return { exists: false, devices: 0, lastConfirmed: undefined };
    const devices = await this.#deps.store.devicesOf(channel.key);
    const lastConfirmed = await this.#deps.store.lastConfirmed(channel.key);
    return { exists: true, devices: devices.length, lastConfirmed };
  }

  /** Whoever has not offered it yet need not, and who follows it hears of its end. */
  #tellDropped({ channel, version }: KeptMulticast['dropped'][number], targets: readonly Target[]): void {
    const { bus, deliveries, events } = this.#deps;
    bus
      .announceAll({ kind: 'withdrawn', channel, version })
      .catch((error: unknown) => events.failed('announce', error));
    const target = targets.find((one) => one.channel === channel);
    if (target !== undefined) deliveries.moves.moved(target.channelId);
  }

  /** AC2 for each channel: form, ownership, then whether there is such a channel. An app is asked for once. */
  async #check(sender: Sender, request: Addressed): Promise<readonly Target[]> {
    assertSubchannel(sender, request.subchannel);
    const owned = new Map<AppId, ErrorCode | null>();
    const targets: Target[] = [];
    for (const channelId of request.channels)
      targets.push(
        await this.#named(sender, request, await this.#target(sender, channelId as ChannelId, owned)),
      );
    return targets;
  }

  /** A target in the slot of the subchannel that its app calls so. */
  async #named(sender: Sender, { subchannel, collapse }: Addressed, target: Target): Promise<Target> {
    if (typeof subchannel === 'number' || target.channel === null) return target;
    const names = await this.#deps.senders.subchannelNames(sender, appOfChannel(target.channelId));
    const number = namedSubchannel(names, subchannel, sender.subchannels);
    if (number === undefined) return { ...target, channel: null, refusal: 'subchannel-unknown' };
    return { ...target, slot: slotOf(number, collapse) };
  }

  /** With the names that there are, where one was sent that is not among them. */
  async #explained<T extends TargetResult | CheckedTarget>(
    sender: Sender,
    targets: readonly T[],
  ): Promise<readonly (T & { readonly detail?: string })[]> {
    const explained: (T & { readonly detail?: string })[] = [];
    for (const target of targets) {
      if ('version' in target || target.refusal !== 'subchannel-unknown') explained.push(target);
      else {
        const app = appOfChannel(target.channelId as ChannelId);
        const names = await this.#deps.senders.subchannelNames(sender, app);
        explained.push({ ...target, detail: knownNames(names, sender.subchannels) });
      }
    }
    return explained;
  }

  async #target(sender: Sender, channelId: ChannelId, owned: Map<AppId, ErrorCode | null>): Promise<Target> {
    const refused = (refusal: ErrorCode): Target => ({
      channelId,
      channel: null,
      refusal,
      state: 'removed',
    });
    if (!isChannelId(channelId)) return refused('channel-invalid');
    const app = appOfChannel(channelId);
    if (!owned.has(app)) owned.set(app, await refusalOf(() => this.#deps.senders.assertOwns(sender, app)));
    const foreign = owned.get(app) ?? null;
    if (foreign !== null) return refused(foreign);
    const channel = await this.#deps.store.findChannel(channelId);
    if (channel === undefined || channel.state === 'removed') return refused('channel-invalid');
    const unproven = await refusalOf(() => this.#deps.senders.assertMayReach(sender, app, channel.user));
    if (unproven !== null) return refused(unproven);
    return { channelId, channel: channel.key, refusal: null, state: channel.state };
  }

  async #keep(
    sender: Sender & { readonly project: string },
    request: MulticastRequest,
    targets: readonly Target[],
  ) {
    const { store, clock, random, acceptance } = this.#deps;
    const now = clock.now();
    const today = this.#deps.calendar(now);
    const ttlMs = request.ttl === 0 ? limits.instantMs : Math.min(request.ttl * 1_000, retentionMs);
    const draft: MulticastDraft = {
      id: Buffer.from(random(15)).toString('base64url'),
      key: request.key,
      bodyHash: request.bodyHash,
      dailyTargets: sender.dailyTargets,
      targets,
      message: {
        // Under a name each target has its own.
        slot: slotOf(typeof request.subchannel === 'number' ? request.subchannel : 0, request.collapse),
        payload: request.payload,
        ...(request.deliver === 'any' && { deliver: 'any' }),
        ...(request.urgency !== 'normal' && { urgency: request.urgency }),
        expiresAt: now + ttlMs,
        project: sender.project,
        dailyQuota: sender.dailyQuota,
        quotaDay: today.day,
      },
    };
    acceptance.load.begin(targets.length);
    try {
      return await store.keepMulticast(draft);
    } catch (error) {
      const { code } = asReveilleError(error);
      if (code !== 'quota-exceeded' && code !== 'targets-exceeded') throw error;
      const limit = code === 'quota-exceeded' ? sender.dailyQuota : sender.dailyTargets;
      const resetsAt = new Date(today.endsAt).toISOString();
      throw new ReveilleError(
        code,
        `The limit of this project is ${limit} a day; it resets at ${resetsAt}.`,
        {
          retryAfterSeconds: Math.ceil((today.endsAt - now) / 1_000),
        },
      );
    } finally {
      acceptance.load.end(targets.length);
    }
  }
}

/** @throws `input-invalid` for a number that the project may not use. */
function assertSubchannel({ subchannels }: Sender, subchannel: number | string): void {
  if (typeof subchannel === 'string' || subchannel < subchannels) return;
  const detail = `subchannel: this project may use 0 to ${subchannels - 1}; an administrator can allow up to ${limits.subchannelsMax}.`;
  throw new ReveilleError('input-invalid', detail, { location: 'subchannel' });
}

/** The code with which a right is refused, null when it is there. What is no matter of rights is thrown on. */
async function refusalOf(assert: () => void | Promise<void>): Promise<ErrorCode | null> {
  try {
    await assert();
    return null;
  } catch (error) {
    const { code } = asReveilleError(error);
    if (code === 'app-not-owned' || code === 'app-unproven') return code;
    throw error;
  }
}
