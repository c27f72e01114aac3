import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Clock } from '../../core/clock.ts';
import type { Hold, Holding, Holdings } from '../../core/holdings.ts';
import type { EndReason, OfferAnswer, Recipient } from '../../core/recipient.ts';
import type { Kept, MessageStore } from '../../core/store.ts';
import type { HolderId, Subscription, SubscriptionStore } from '../../core/subscription.ts';
import type { HalfOpen } from '../../doors/half-open.ts';
import type { Events } from '../../observe/events.ts';
import { type ClientFrame, type DataMessage, encode, MCS_VERSION, type ServerFrame } from './codec.ts';
import { dataMessage, deletedMessages, takesText } from './data-message.ts';
import type { DeviceKeys } from './device-keys.ts';
import type { Refused } from './frame-reader.ts';
import { holderOf } from './names.ts';

/** What a session needs of its connection. */
export interface Line {
  write(bytes: Uint8Array): void;
  /** Bytes that were written and have not left yet. */
  readonly unsent: number;
  /** Ends the connection when all of it has left. */
  end(): void;
}

/** What all sessions of the gateway share. */
export interface House {
  readonly keys: Pick<DeviceKeys, 'readDecimal'>;
  readonly holdings: Pick<Holdings, 'hold' | 'release'>;
  readonly store: Pick<SubscriptionStore, 'subscriptionsOf' | 'expiredUntold' | 'expiredTold'> &
    Pick<MessageStore, 'confirm'>;
  readonly events: Events;
  readonly clock: Clock;
  readonly halfOpen: HalfOpen;
  /** How often clients must say that they are there. */
  readonly heartbeatMs: number;
  /** The number of the last sweep, from 1: the only clock of a session. */
  sweeps: number;
}

/** From one sweep to the next. Time-outs are that coarse. */
export const SWEEP_MS = 5_000;
const sweepsIn = (ms: number) => Math.ceil(ms / SWEEP_MS);

type Login = Extract<ClientFrame, { type: 'login' }>;
type LaterFrame = Exclude<ClientFrame, { type: 'login' | 'close' }>;

type State =
  /** Open; the login is awaited. */
  | { readonly at: 'greeting'; readonly address: string }
  /** The login was good; what it acknowledges is being kept. */
  | { readonly at: 'joining'; readonly address: string }
  | { readonly at: 'joined'; readonly holder: HolderId; readonly hold: Promise<Hold> }
  | { readonly at: 'ended' };

/** A message that was written and not acknowledged, or word of what expired up to a version. */
interface InFlight {
  readonly what: 'message' | 'expired';
  /** The number of its frame. */
  readonly frame: number;
  readonly version: Version;
  readonly persistentId: string;
  readonly subscription: Subscription;
}

const ended: State = { at: 'ended' };
const settled = Promise.resolve();
/** Ends the persistent id of what tells that messages expired. */
const EXPIRED = 'x';
/** Frames that may wait for their acknowledgement while confirms are under way all the time. */
const UNTOLD_MAX = 20;

/**
 * One connection of Chromium's push client as a machine that sees no socket.
 *
 *     greeting ──login good──► joining ──its acks kept──► joined
 *         └───────────────────────┴─────────────────────────┴────► ended    (any close, from either side)
 *
 * Each side counts the frames of the other and tells in its own how many it has received. The client drops an ack from its
 * memory when we have told that we received the frame that carried it, and the next login lists the others. So a frame is
 * told as received only after what it acknowledges has been kept: then no crash, on either side, shows a message twice.
 */
export class Session implements Holding {
  readonly #house: House;
  #line: Line | undefined;
  #state: State;
  #heardAt: number;
  /** Frames sent; frames received; those of them whose acks are kept; the last number of those that we told. */
  #sent = 0;
  #received = 0;
  #kept = 0;
  #told = 0;
  #keeping: Promise<unknown> = settled;
  #keepingCount = 0;
  #tellDue = false;
  #inFlight: InFlight[] = [];
  /** The sweep since which nothing in flight was acknowledged. */
  #stuckAt = 0;
  #full = false;
  /** Frames that came since the last sweep, less those that messages ask for. */
  #frames = 0;

  constructor(house: House, address: string) {
    this.#house = house;
    this.#state = { at: 'greeting', address };
    this.#heardAt = house.sweeps;
  }

  /** The connection is open. */
  opened(line: Line): void {
    this.#line = line;
    if (this.#state.at === 'greeting') this.#house.halfOpen.enter(this.#state.address);
  }

  /** A frame came. Settles when it has been answered; never rejects. */
  async receive(frame: ClientFrame | Refused): Promise<void> {
    const state = this.#state;
    if (state.at === 'ended') return;
    if (frame.type === 'refused') return this.close(frame.why);
    this.#heardAt = this.#house.sweeps;
    if (++this.#frames > limits.clientFrames) return this.close('too many frames');
    if ((this.#line?.unsent ?? 0) > limits.unreadBytes) return this.close('too slow');
    if (frame.type === 'close') return this.close('closed by the client');
    if (state.at === 'greeting') {
      if (frame.type !== 'login') return this.close('the first frame must be a login');
      return this.#login(frame, state.address);
    }
    if (frame.type === 'login') return this.close('a login comes once');
    if (state.at === 'joining') return this.close('frames come after the answer to the login');
    this.#act(frame, state.hold);
  }

  /** The line has sent what it held. */
  drained(): void {
    this.#offerMore();
  }

  /** Ends what has lasted too long: the wait for a login, silence, an acknowledgement that does not come. */
  sweep(): void {
    const now = this.#house.sweeps;
    const silent = now - this.#heardAt;
    this.#frames = 0;
    if (this.#state.at !== 'joined') {
      if (silent > sweepsIn(limits.helloMs)) this.close('no login came');
    } else if (silent > sweepsIn(this.#house.heartbeatMs + limits.mcsSpareMs)) {
      this.close('silent');
    } else if (this.#inFlight.length > 0 && now - this.#stuckAt > sweepsIn(limits.mcsUnacknowledgedMs)) {
      this.close('too slow');
    }
  }

  /** Ends the connection from our side. */
  close(reason: string): void {
    if (this.#state.at === 'ended') return;
    this.#send({ type: 'close' });
    this.#leave(reason);
    this.#line?.end();
  }

  replaced(): void {
    this.close('replaced');
  }

  /** The connection is gone, whoever ended it. */
  closed(): void {
    if (this.#state.at !== 'ended') this.#leave('lost');
    this.#line = undefined;
  }

  async #login(login: Login, address: string): Promise<void> {
    const { keys, holdings, events, halfOpen, heartbeatMs, clock } = this.#house;
    this.#received = 1;
    const device = login.user === login.resource ? keys.readDecimal(login.user, login.authToken) : undefined;
    if (device === undefined) return this.#refuse(login.id);
    const holder = holderOf(device);
    this.#state = { at: 'joining', address };
    try {
      await this.#confirmListed(holder, login.persistentIds);
    } catch (error) {
      events.failed('mcs', error);
      return this.close('going-away');
    }
    if (this.#state.at !== 'joining') return;
    this.#kept = 1;
    this.#send({ type: 'loggedIn', id: login.id, heartbeatMs, now: clock.now(), received: this.#kept });
    halfOpen.leave(address);
    const hold = holdings.hold(holder, this);
    this.#state = { at: 'joined', holder, hold };
    events.connected(holder, 'mcs');
    hold.catch((error: unknown) => {
      events.failed('mcs', error);
      this.close('going-away');
    });
  }

  /** The client retries after 23 s, then less and less often; it does not check in again by itself. */
  #refuse(id: string): void {
    this.#send({ type: 'loginRefused', id, why: 'This service did not give out that device id and token.' });
    this.#leave('device-unknown');
    this.#line?.end();
  }

  /** What the client received on earlier connections, and could not tell or does not know that it told. */
  async #confirmListed(holder: HolderId, persistentIds: readonly string[]): Promise<void> {
    if (persistentIds.length === 0) return;
    const { store, events } = this.#house;
    const known = new Map((await store.subscriptionsOf(holder)).map((one) => [one.id, one]));
    const confirms = persistentIds.map(async (persistentId) => {
      const { what, subscription: id, version } = readPersistentId(persistentId);
      const subscription = known.get(id);
      if (subscription === undefined || version === undefined) return;
      if (what === 'expired') return store.expiredTold(subscription, version);
      await store.confirm(subscription.key, version);
      events.confirmed(version, id);
    });
    await Promise.all(confirms);
  }

  recipientFor(subscription: Subscription): Recipient {
    if (takesText(subscription.name)) void this.#tellOfExpired(subscription);
    return {
      offer: (kept) => this.#offer(subscription, kept),
      caughtUp: () => {},
      end: (reason: EndReason) => {
        // One subscription's end is not its browser's.
        if (reason !== 'device-ended') this.close(reason);
      },
    };
  }

  #offer(subscription: Subscription, kept: Kept): OfferAnswer {
    const line = this.#line;
    if (this.#state.at !== 'joined' || line === undefined) return 'gone';
    // Offered again while it is on its way: the stream loses nothing, and the client would show it twice.
    if (this.#inFlight.some(({ version }) => version === kept.version)) return 'taken';
    if (this.#inFlight.length >= limits.mcsInFlight || line.unsent > limits.socketBufferBytes) {
      this.#full = true;
      return 'full';
    }
    const persistentId = `${subscription.id}.${kept.version}`;
    const message = dataMessage(kept, subscription.name, persistentId);
    this.#write(message, { what: 'message', version: kept.version, persistentId, subscription });
    return 'taken';
  }

  /** The app asks its own server what it missed. When too much is on its way, or no ack comes, the next connection tells it. */
  async #tellOfExpired(subscription: Subscription): Promise<void> {
    try {
      const version = await this.#house.store.expiredUntold(subscription);
      if (version === undefined || this.#state.at !== 'joined') return;
      if (this.#inFlight.length >= limits.mcsInFlight) return;
      const persistentId = `${subscription.id}.${version}${EXPIRED}`;
      const message = deletedMessages(subscription.name, persistentId);
      this.#write(message, { what: 'expired', version, persistentId, subscription });
    } catch (error) {
      this.#house.events.failed('mcs', error);
    }
  }

  #write(message: DataMessage, one: Omit<InFlight, 'frame'>): void {
    if (this.#inFlight.length === 0) this.#stuckAt = this.#house.sweeps;
    this.#frames -= limits.clientFramesPerMessage;
    this.#send({ type: 'data', message, received: this.#kept });
    this.#inFlight.push({ frame: this.#sent, ...one });
  }

  #act(frame: LaterFrame, hold: Promise<Hold>): void {
    const number = ++this.#received;
    if (frame.received > this.#sent) {
      this.close('it acknowledges frames that were never sent');
      return;
    }
    const selected = new Set(frame.type === 'iq' ? frame.acknowledged : []);
    const acknowledged = this.#takeFromFlight(
      (one) => one.frame <= frame.received || selected.has(one.persistentId),
    );
    if (frame.type === 'ping') this.#send({ type: 'pong', received: this.#kept });
    if (frame.type === 'data') this.#refuseUpstream(frame);
    const confirms = acknowledged.map((one) => this.#confirm(one, hold));
    this.#tellWhenKept(number, confirms, frame.type !== 'pong');
    this.#offerMore();
  }

  #takeFromFlight(isTaken: (one: InFlight) => boolean): readonly InFlight[] {
    if (this.#inFlight.length === 0) return [];
    const taken = this.#inFlight.filter(isTaken);
    if (taken.length === 0) return taken;
    this.#inFlight = this.#inFlight.filter((one) => !isTaken(one));
    this.#stuckAt = this.#house.sweeps;
    return taken;
  }

  async #confirm({ what, subscription, version }: InFlight, hold: Promise<Hold>): Promise<void> {
    if (what === 'expired') return this.#house.store.expiredTold(subscription, version);
    const outbox = (await hold).outbox(subscription.name);
    if (outbox === undefined) await this.#house.store.confirm(subscription.key, version);
    else await outbox.confirm(version);
  }

  /** Tells the client that its frame arrived, once the confirms that it carried are kept. */
  #tellWhenKept(frame: number, confirms: readonly Promise<void>[], tell: boolean): void {
    this.#tellDue ||= tell;
    if (confirms.length === 0 && this.#keepingCount === 0) {
      this.#kept = frame;
      this.#tell();
      return;
    }
    this.#keepingCount++;
    this.#keeping = Promise.all([this.#keeping, ...confirms]).then(
      () => {
        this.#keepingCount--;
        this.#kept = frame;
        if (this.#keepingCount === 0 || this.#kept - this.#told > UNTOLD_MAX) this.#tell();
      },
      (error: unknown) => {
        // The client lists it at its next login.
        if (this.#state.at !== 'ended') this.#house.events.failed('mcs', error);
        this.close('going-away');
      },
    );
  }

  #tell(): void {
    if (!this.#tellDue) return;
    if (this.#told < this.#kept) this.#send({ type: 'streamAck', received: this.#kept });
    this.#tellDue = false;
  }

  /** Nobody takes messages of `chrome.gcm.send` here: its app is told so, by `onSendError`, which shows the persistent id. */
  #refuseUpstream({ id, category }: Extract<ClientFrame, { type: 'data' }>): void {
    const appData = {
      message_type: 'send_error',
      error: 'No server takes messages from apps. Send them to your own server over HTTP.',
    };
    this.#send({
      type: 'data',
      message: { from: 'gcm@chrome.com', category, persistentId: id, appData },
      received: this.#kept,
    });
  }

  /** Half of the window must be free, so that the outboxes are asked once for many messages. */
  #offerMore(): void {
    const state = this.#state;
    if (!this.#full || state.at !== 'joined' || (this.#line?.unsent ?? 0) > limits.socketBufferBytes) return;
    if (this.#inFlight.length > limits.mcsInFlight / 2) return;
    this.#full = false;
    state.hold.then((hold) => hold.drained()).catch(() => {});
  }

  #leave(reason: string): void {
    const state = this.#state;
    this.#state = ended;
    this.#inFlight = [];
    if (state.at === 'ended') return;
    const { holdings, events, halfOpen } = this.#house;
    if (state.at !== 'joined') {
      halfOpen.leave(state.address);
      if (reason !== 'lost') events.refused('mcs', 'connection', reason, state.address);
    } else {
      events.disconnected(state.holder, 'mcs', reason);
      state.hold
        .then((hold) => holdings.release(hold))
        .catch((error: unknown) => events.failed('mcs', error));
    }
  }

  #send(frame: ServerFrame): void {
    if (this.#sent === 0) this.#line?.write(Uint8Array.of(MCS_VERSION));
    this.#sent++;
    if ('received' in frame) this.#told = frame.received;
    this.#line?.write(encode(frame));
  }
}

/**
 * The parts of a persistent id: the subscription's public name, a version, and whether it told that messages up to it had expired.
 * The client repeats what we gave it, or anything.
 */
function readPersistentId(
  text: string,
): Pick<InFlight, 'what'> & { subscription: string; version: Version | undefined } {
  const what = text.endsWith(EXPIRED) ? 'expired' : 'message';
  const dot = text.lastIndexOf('.');
  const version = Number(text.slice(dot + 1, what === 'expired' ? -EXPIRED.length : undefined));
  const isVersion = dot > 0 && Number.isSafeInteger(version) && version > 0;
  return { what, subscription: text.slice(0, dot), version: isVersion ? (version as Version) : undefined };
}
