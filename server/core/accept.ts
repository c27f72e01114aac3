import { appOfChannel } from '../../protocol/channel-id.ts';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { retentionMs, stateMs } from '../../protocol/limits.ts';
import type { Message } from '../../protocol/message.ts';
import type { Events } from '../observe/events.ts';
import type { Announcer } from './announcer.ts';
import type { Clock } from './clock.ts';
import { Load } from './load.ts';
import type { QuotaCalendar } from './quota-day.ts';
import { type Followers, nobodyFollows } from './receipts.ts';
import { SEND_SCOPE, type Sender, type Senders } from './sender.ts';
import type { Channel, Draft, Kept, MessageStore, Store } from './store.ts';
import type { Wakes } from './wake.ts';

/**
 * The way of a message into the house. The order of the steps is part of the promise: who does not own the app never
 * learns whether a user exists, and nobody is told of a message before it is on disk (AC1).
 */
export class Acceptance {
  /** What the doors ask before they read a message. */
  readonly load: Load;
  readonly #senders: Senders;
  readonly #store: Pick<Store, 'findChannel'> & Pick<MessageStore, 'keep'>;
  readonly #announcer: Announcer;
  readonly #wakes: Pick<Wakes, 'kept'>;
  readonly #clock: Clock;
  readonly #calendar: QuotaCalendar;
  readonly #followers: Followers;
  readonly #events: Events;

  constructor(deps: {
    readonly senders: Senders;
    readonly store: Store;
    readonly announcer: Announcer;
    readonly wakes: Pick<Wakes, 'kept'>;
    /** None = one of its own. */
    readonly load?: Load;
    readonly clock: Clock;
    readonly calendar: QuotaCalendar;
    /** None = nobody is told of what becomes of messages. */
    readonly followers?: Followers;
    readonly events: Events;
  }) {
    this.#senders = deps.senders;
    this.#store = deps.store;
    this.#announcer = deps.announcer;
    this.#wakes = deps.wakes;
    this.load = deps.load ?? new Load();
    this.#clock = deps.clock;
    this.#calendar = deps.calendar;
    this.#followers = deps.followers ?? nobodyFollows;
    this.#events = deps.events;
  }

  /**
   * The first step: who is it, and may this token send at all? At once for a token that was seen before.
   * @throws `token-missing`, `token-invalid`, `scope-insufficient`, `api-off`.
   */
  admit(accessToken: string | undefined): Sender | Promise<Sender> {
    if (accessToken === undefined || accessToken === '') throw new ReveilleError('token-missing');
    const sender = this.#senders.identify(accessToken);
    return sender instanceof Promise ? sender.then((one) => this.#admit(one)) : this.#admit(sender);
  }

  /**
   * The steps after the door has read the message: ownership, channel, quota, keep, announce.
   * Settles when the message is synced to disk; its version is the message's id.
   * @throws `app-not-owned`, `channel-invalid`, `app-unproven`, `quota-exceeded`, `store-full`, `unavailable`, `overloaded`.
   */
  async accept(sender: Sender, message: Message): Promise<Kept> {
    const app = appOfChannel(message.channel);
    // What is remembered is answered at once, and not waited for.
    const owned = this.#senders.assertOwns(sender, app);
    if (owned !== undefined) await owned;
    const found = this.#store.findChannel(message.channel);
    const channel = notRemoved(found instanceof Promise ? await found : found);
    const reached = this.#senders.assertMayReach(sender, app, channel.user);
    if (reached !== undefined) await reached;
    const project = sender.project ?? '';
    const followed = this.#followers.followsAll(project, app);
    const kept = await this.#keep(sender, channel, message, followed);
    this.#events.accepted(kept.version, project, app);
    // A paused channel keeps its messages and stays silent; resuming it reads the store.
    if (channel.state === 'live') {
      void this.#announcer.announce(kept);
      void this.#wakes.kept(kept);
    }
    if (followed) {
      const targets = [{ channelId: message.channel, version: kept.version }];
      await this.#followers.follow({ id: null, project, targets, asked: false });
    }
    return kept;
  }

  #admit(sender: Sender): Sender | Promise<Sender> {
    const turnedAway = (thrown: unknown): never => {
      if (sender.project !== null) this.#events.turnedAway(sender.project, '', asReveilleError(thrown).code);
      throw thrown;
    };
    try {
      if (!sender.scopes.has(SEND_SCOPE))
        throw new ReveilleError('scope-insufficient', `It needs ${SEND_SCOPE}.`);
      const enabled = this.#senders.assertEnabled(sender);
      return enabled === undefined ? sender : enabled.then(() => sender, turnedAway);
    } catch (thrown) {
      return turnedAway(thrown);
    }
  }

  async #keep(sender: Sender, channel: Channel, message: Message, followed: boolean): Promise<Kept> {
    if (sender.project === null)
      throw new ReveilleError('scope-insufficient', 'The client of an app cannot send.');
    const now = this.#clock.now();
    const today = this.#calendar(now);
    const draft: Draft = {
      channel: channel.key,
      slot: String(message.subchannel),
      payload: message.payload,
      expiresAt: now + retentionMs,
      project: sender.project,
      dailyQuota: sender.dailyQuota,
      quotaDay: today.day,
    };
    this.load.begin();
    try {
      return await this.#store.keep(followed ? { ...draft, stateUntil: now + stateMs } : draft);
    } catch (error) {
      if (!(error instanceof ReveilleError) || error.code !== 'quota-exceeded') throw error;
      const resetsAt = new Date(today.endsAt).toISOString();
      throw new ReveilleError(
        'quota-exceeded',
        `The limit of this project is ${sender.dailyQuota} a day; it resets at ${resetsAt}.`,
        { retryAfterSeconds: Math.ceil((today.endsAt - now) / 1_000) },
      );
    } finally {
      this.load.end();
    }
  }
}

function notRemoved(channel: Channel | undefined): Channel {
  if (channel === undefined) throw new ReveilleError('channel-invalid', 'No user has this channel.');
  if (channel.state === 'removed') {
    throw new ReveilleError('channel-invalid', 'The user removed the app or the account, so forget this id.');
  }
  return channel;
}
