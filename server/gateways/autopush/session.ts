import { ECDH } from 'node:crypto';
import { asReveilleError, ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Hold, Holding, Holdings } from '../../core/holdings.ts';
import type { EndReason, OfferAnswer, Recipient } from '../../core/recipient.ts';
import type { Kept } from '../../core/store.ts';
import type { HolderId, Subscription } from '../../core/subscription.ts';
import type { HalfOpen } from '../../doors/half-open.ts';
import type { RateLimit } from '../../doors/rate-limit.ts';
import type { Events } from '../../observe/events.ts';
import { type Ack, type ClientFrame, type CloseName, closing, encode, type Refused } from './codec.ts';
import { holderOf, type Uaids } from './uaid.ts';

/** What a session needs of its connection. Bun's socket has this shape. */
export interface Line {
  /** Answers 0 when the text was dropped because the connection is gone. */
  sendText(text: string): number;
  /** Sends a protocol ping. */
  ping(): unknown;
  /** Bytes that were sent and have not left yet. */
  getBufferedAmount(): number;
  /** Sends the close and ends TCP after it: Firefox answers no close, it waits for the end (docs/decisions/0096). */
  close(code: number, reason: string): void;
}

/** Where subscriptions are made and ended. */
export interface Subscribing {
  /** Answers the token of the endpoint. @throws ReveilleError when the subscription is not made. */
  subscribe(holder: HolderId, name: string, senderKey: string | null): Promise<string>;
  unsubscribe(holder: HolderId, name: string): Promise<unknown>;
}

/** What all sessions of a gateway share. */
export interface House {
  readonly pushes: Subscribing;
  readonly holdings: Pick<Holdings, 'hold' | 'release'>;
  readonly uaids: Uaids;
  readonly events: Events;
  readonly halfOpen: HalfOpen;
  /** Registrations, per address. */
  readonly registrations: RateLimit;
  /** Scheme and host under which senders reach the service; known once it listens. */
  readonly origin: () => string;
  /** The number of the last sweep, from 1: the only clock of a session. */
  sweeps: number;
}

/** From one sweep to the next. Time-outs are that coarse, which costs nobody anything. */
export const SWEEP_MS = 5_000;
const sweepsIn = (ms: number) => Math.ceil(ms / SWEEP_MS);

type Frame<Type extends ClientFrame['type']> = Extract<ClientFrame, { type: Type }>;

type State =
  /** Open; the hello is awaited. */
  | { readonly at: 'greeting' }
  /** The hello was answered; `hold` is a promise until the subscriptions are held. Frames wait for it, in order. */
  | { readonly at: 'joined'; readonly holder: HolderId; readonly hold: Hold | Promise<Hold> }
  | { readonly at: 'ended' };

/**
 * One connection of a push client as a machine that sees no socket: frames come in by `receive`, frames leave by the line.
 *
 *     greeting ──hello──► joined
 *         └──────────────────┴────► ended    (any close, from either side)
 */
export class AutopushSession implements Holding {
  readonly #house: House;
  readonly #address: string;
  #line: Line | undefined;
  #state: State = { at: 'greeting' };
  /** Sweeps at which: something was last heard; the last protocol ping left; the line became full (0 = it is not). */
  #heardAt: number;
  #pingedAt = 0;
  #fullSince = 0;
  /** Since the window began at this sweep: pings, and frames that asked for nothing. */
  #windowAt: number;
  #pings = 0;
  #idleFrames = 0;

  constructor(house: House, address: string) {
    this.#house = house;
    this.#address = address;
    this.#heardAt = house.sweeps;
    this.#windowAt = house.sweeps;
  }

  /** The connection is open. */
  opened(line: Line): void {
    this.#line = line;
    if (this.#state.at === 'greeting') this.#house.halfOpen.enter(this.#address);
  }

  /** Something came that is no text: a protocol ping or pong. */
  pinged(): void {
    this.#heard();
    this.#noteIdle();
  }

  /** A frame came. Settles when what it asks for is done; never rejects. */
  async receive(frame: ClientFrame | Refused): Promise<void> {
    this.#heard();
    const state = this.#state;
    if (state.at === 'ended') return;
    if (frame.type === 'refused') return this.close(frame.close, frame.why);
    if (frame.type === 'hello') {
      if (state.at === 'joined') return this.close('frame-bad', 'hello comes once');
      return this.#join(frame);
    }
    if (state.at === 'greeting') return this.close('frame-bad', 'the first frame must be hello');
    try {
      await this.#act(frame, state.holder, state.hold);
    } catch (error) {
      // What was not kept is offered again: the browser acknowledges it again then.
      this.#house.events.failed('autopush', error);
    }
  }

  /** The line has sent some of what it held. */
  async drained(): Promise<void> {
    if (this.#fullSince === 0 || this.#state.at !== 'joined') return;
    if ((this.#line?.getBufferedAmount() ?? 0) > limits.socketBufferBytes) return;
    this.#fullSince = 0;
    const { hold } = this.#state;
    (hold instanceof Promise ? await hold.catch(() => undefined) : hold)?.drained();
  }

  /** Ends what has lasted too long, and asks silent clients for a sign of life: Firefox gives one every half hour only. */
  sweep(): void {
    const now = this.#house.sweeps;
    const silent = now - this.#heardAt;
    if (now - this.#windowAt >= sweepsIn(limits.autopushIdleMs)) {
      this.#windowAt = now;
      this.#pings = 0;
      this.#idleFrames = 0;
    }
    const full = this.#fullSince === 0 ? 0 : now - this.#fullSince;
    if (this.#state.at === 'greeting' && silent > sweepsIn(limits.helloMs)) this.close('hello-late');
    else if (full > sweepsIn(limits.silenceMs)) this.close('too-slow');
    else if (this.#pingedAt === 0) this.#askForLife(silent);
    else if (now - this.#pingedAt > sweepsIn(limits.autopushPongMs)) this.close('silent');
  }

  /** Closes from our side with a code of the closed set. */
  close(name: CloseName, why?: string): void {
    if (this.#state.at === 'ended') return;
    this.#leave(name);
    const { code, reason } = closing(name, why);
    this.#line?.close(code, reason);
  }

  replaced(): void {
    this.close('replaced');
  }

  /** The connection is closed, whoever did it. */
  closed(code: number): void {
    if (this.#state.at !== 'ended') this.#leave(String(code));
    this.#line = undefined;
  }

  /** A uaid that we did not issue gets another: its owner drops its old subscriptions then, as it must. */
  #join({ uaid: given, broadcasts }: Frame<'hello'>): void {
    const { uaids, holdings, events, halfOpen } = this.#house;
    const uaid = given !== undefined && uaids.issued(given) ? given : uaids.issue();
    const holder = holderOf(uaid);
    // What waits is offered as soon as the hold reads it, so the answer leaves first.
    this.#line?.sendText(encode({ type: 'hello', status: 200, uaid, use_webpush: true, broadcasts: {} }));
    halfOpen.leave(this.#address);
    const hold = holdings.hold(holder, this);
    this.#state = { at: 'joined', holder, hold };
    events.connected(holder, 'autopush');
    this.#answerBroadcasts(broadcasts);
    hold.then(
      (held) => {
        if (this.#state.at === 'joined') this.#state = { at: 'joined', holder, hold: held };
      },
      (error: unknown) => {
        events.failed('autopush', error);
        this.close('internal');
      },
    );
  }

  async #act(
    frame: Exclude<ClientFrame, { type: 'hello' }>,
    holder: HolderId,
    hold: Hold | Promise<Hold>,
  ): Promise<void> {
    switch (frame.type) {
      case 'register':
        return this.#register(frame, holder);
      case 'unregister':
        return this.#unregister(frame, holder);
      case 'ack':
        return this.#acknowledge(frame.acks, await hold);
      case 'nack':
        this.#noteIdle();
        if (frame.version !== undefined)
          this.#house.events.answered(frame.version, holder, `handler ${frame.fault}`);
        return;
      case 'broadcast_subscribe':
        this.#noteIdle();
        return this.#answerBroadcasts(frame.broadcasts);
      case 'ping':
        return this.#pong();
      case 'unknown':
        return this.#noteIdle();
    }
  }

  async #register({ channelID, key }: Frame<'register'>, holder: HolderId): Promise<void> {
    const { pushes, registrations, events, origin } = this.#house;
    try {
      registrations.assert(this.#address);
      const senderKey = key === null ? null : readKey(key);
      if (senderKey === undefined) throw new ReveilleError('input-invalid', 'The key is no point of P-256.');
      const token = await pushes.subscribe(holder, channelID, senderKey);
      const pushEndpoint = `${origin()}/wpush/${senderKey === null ? 'v1' : 'v2'}/${token}`;
      this.#line?.sendText(encode({ type: 'register', status: 200, channelID, pushEndpoint }));
    } catch (thrown) {
      const error = asReveilleError(thrown);
      if (error.status >= 500) events.failed('autopush', thrown);
      else events.refused('autopush', error.code, error.detail, this.#address);
      this.#noteIdle();
      // A browser tells its page no more than that it failed.
      this.#line?.sendText(encode({ type: 'register', status: error.status, channelID }));
    }
  }

  /** Answered 200 also for a channel that we do not know: a browser that was offline forgets it under another uaid. */
  async #unregister({ channelID, reason }: Frame<'unregister'>, holder: HolderId): Promise<void> {
    const { pushes, events } = this.#house;
    this.#noteIdle();
    let status = 200;
    try {
      await pushes.unsubscribe(holder, channelID);
      events.unsubscribed(holder, 'autopush', reason);
    } catch (error) {
      events.failed('autopush', error);
      status = 500;
    }
    this.#line?.sendText(encode({ type: 'unregister', status, channelID }));
  }

  /** Each is final. One for something that is not on its way here is counted, and costs the store nothing. */
  async #acknowledge(acks: readonly Ack[], hold: Hold): Promise<void> {
    await Promise.all(
      acks.map(async ({ channelID, version, outcome }) => {
        const outbox = hold.outbox(channelID);
        if (outbox === undefined || version === undefined || !outbox.offered().includes(version))
          return this.#noteIdle();
        this.#house.events.answered(version, outbox.device.id, outcome);
        await outbox.confirm(version);
      }),
    );
  }

  #askForLife(silentSweeps: number): void {
    if (silentSweeps < sweepsIn(limits.autopushPingMs)) return;
    this.#pingedAt = this.#house.sweeps;
    this.#line?.ping();
  }

  #pong(): void {
    this.#pings++;
    if (this.#pings > limits.autopushPings) this.close('frame-bad', 'too many pings');
    else this.#line?.sendText(encode({ type: 'ping' }));
  }

  /** We publish nothing by broadcast. Mozilla's own ids are left alone: an answer would send Firefox to Mozilla's servers. */
  #answerBroadcasts(ids: readonly string[]): void {
    const unknown = ids.filter((id) => !id.startsWith('remote-settings/'));
    if (unknown.length > 0) this.#line?.sendText(encode({ type: 'broadcast', unknown }));
  }

  #heard(): void {
    this.#heardAt = this.#house.sweeps;
    this.#pingedAt = 0;
  }

  #noteIdle(): void {
    this.#idleFrames++;
    if (this.#idleFrames > limits.autopushIdleFrames) this.close('overload');
  }

  recipientFor({ name }: Subscription): Recipient {
    return {
      offer: (kept) => this.#offer(name, kept),
      caughtUp() {},
      end: (reason) => this.#subscriptionEnded(reason),
    };
  }

  #offer(channelID: string, kept: Kept): OfferAnswer {
    if (this.#state.at !== 'joined' || this.#line === undefined) return 'gone';
    if (this.#line.getBufferedAmount() > limits.socketBufferBytes) {
      if (this.#fullSince === 0) this.#fullSince = this.#house.sweeps;
      return 'full';
    }
    return this.#line.sendText(encode({ type: 'notification', channelID, kept })) === 0 ? 'gone' : 'taken';
  }

  /** A subscription that ended by itself ends nothing else: its browser learns it when it next asks. */
  #subscriptionEnded(reason: EndReason): void {
    if (reason !== 'device-ended') this.close(reason);
  }

  #leave(reason: string): void {
    const state = this.#state;
    this.#state = { at: 'ended' };
    const { holdings, events, halfOpen } = this.#house;
    if (state.at === 'greeting') halfOpen.leave(this.#address);
    if (state.at !== 'joined') return;
    events.disconnected(state.holder, 'autopush', reason);
    Promise.resolve(state.hold).then(
      (hold) => holdings.release(hold).catch((error: unknown) => events.failed('disconnect', error)),
      () => {},
    );
  }
}

/** The sender's public key (RFC 8292): a point of P-256, base64 of either alphabet, padded or not. Answers it in base64url. */
function readKey(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (text.length > 100 || bytes.length !== 65 || bytes[0] !== 4) return undefined;
  try {
    ECDH.convertKey(bytes, 'prime256v1');
    return bytes.toString('base64url');
  } catch {
    return undefined;
  }
}
