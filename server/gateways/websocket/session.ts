import { asReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  type ClientFrame,
  type CloseName,
  formatFrame,
  RESTING_CLOSE,
  type Refused,
} from '../../../protocol/wire.ts';
import type { AppOwners } from '../../core/app-owners.ts';
import type { Deliveries } from '../../core/deliver.ts';
import type { Devices } from '../../core/devices.ts';
import type { Outbox } from '../../core/outbox.ts';
import type { EndReason, OfferAnswer, Recipient } from '../../core/recipient.ts';
import type { Kept, Seen } from '../../core/store.ts';
import { assertAppOrigin } from '../../doors/app-origin.ts';
import type { HalfOpen } from '../../doors/half-open.ts';
import type { Events } from '../../observe/events.ts';
import { closeOf, closing, encodeMessage } from './codec.ts';

/** What a session needs of its connection. Bun's socket has this shape, so an idle connection pays for no adapter. */
export interface Line {
  /** Answers 0 when the text was dropped because the connection is gone. */
  sendText(text: string): number;
  /** Bytes that were sent and have not left yet. */
  getBufferedAmount(): number;
  close(code: number, reason: string): void;
}

/** What all sessions of a gateway share. */
export interface House {
  readonly devices: Pick<Devices, 'authenticate' | 'setLowestUrgency'>;
  readonly deliveries: Pick<Deliveries, 'connect' | 'disconnect'>;
  readonly owners: Pick<AppOwners, 'find'>;
  readonly events: Events;
  readonly halfOpen: HalfOpen;
  /** The number of the last sweep, from 1: the only clock of a session. */
  sweeps: number;
}

/** From one sweep to the next. Time-outs are that coarse, which costs nobody anything. */
export const SWEEP_MS = 5_000;
const sweepsIn = (ms: number) => Math.ceil(ms / SWEEP_MS);

type Hello = Extract<ClientFrame, { type: 'hello' }>;

type State =
  /** Open; the hello is awaited. */
  | { readonly at: 'greeting'; readonly address: string; readonly origin: string | null }
  /** The hello came; its device token is under check. */
  | { readonly at: 'proving'; readonly address: string }
  | { readonly at: 'joined'; readonly outbox: Outbox }
  | { readonly at: 'ended' };

const ended: State = { at: 'ended' };
const GATEWAY = 'websocket';
/** "Going away" (RFC 6455 section 7.4.1): Chromium says it for an extension whose worker it stops, and browsers when they quit. */
const WORKER_STOPPED = 1001;
const PONG = formatFrame({ type: 'pong' });
const LIVE = formatFrame({ type: 'live' });

/**
 * One connection as a machine that sees no socket: frames come in by `receive`, frames leave by the line.
 *
 *     greeting ──hello──► proving ──token good──► joined
 *         └───────────────────┴──────────────────────┴────► ended    (any close, from either side)
 */
export class Session implements Recipient {
  readonly #house: House;
  #line: Line | undefined;
  #state: State;
  /** The sweep at which something was last heard, and the one since which the line is full (0 = it is not). */
  #heardAt: number;
  #fullSince = 0;
  #wantsSeen = false;
  /** Frames that came since the last sweep, less those that messages ask for. */
  #frames = 0;

  /** @param origin the `Origin` header, null when absent; it is judged after the token (DV8). */
  constructor(house: House, address: string, origin: string | null) {
    this.#house = house;
    this.#state = { at: 'greeting', address, origin };
    this.#heardAt = house.sweeps;
  }

  /** The connection is open. */
  opened(line: Line): void {
    this.#line = line;
    if (this.#state.at === 'greeting') this.#house.halfOpen.enter(this.#state.address);
  }

  /** Something came that is no frame of ours: a protocol ping. */
  heard(): void {
    this.#heardAt = this.#house.sweeps;
    if (++this.#frames > limits.clientFrames) this.close('overload');
  }

  /** A frame came. Settles when what it asks for is done; never rejects. */
  async receive(frame: ClientFrame | Refused): Promise<void> {
    this.heard();
    if (frame.type === 'refused') return this.close(frame.close, frame.why);
    switch (this.#state.at) {
      case 'greeting':
        if (frame.type !== 'hello') return this.close('frame-bad', 'the first frame must be hello');
        return this.#prove(frame, this.#state.address, this.#state.origin);
      case 'proving':
        if (frame.type !== 'ping') return this.close('frame-bad', 'wait for welcome');
        this.#line?.sendText(PONG);
        return;
      case 'joined':
        return this.#act(frame, this.#state.outbox);
      case 'ended':
        return;
    }
  }

  offer(kept: Kept): OfferAnswer {
    if (this.#state.at !== 'joined' || this.#line === undefined) return 'gone';
    if (this.#isFull(this.#line)) return 'full';
    this.#frames -= limits.clientFramesPerMessage;
    return this.#line.sendText(encodeMessage(kept)) === 0 ? 'gone' : 'taken';
  }

  caughtUp(): void {
    this.#line?.sendText(LIVE);
  }

  get wantsSeen(): boolean {
    return this.#wantsSeen;
  }

  seen({ subchannel, version }: Seen): void {
    this.#send({ type: 'seen', subchannelId: subchannel, version });
  }

  end(reason: EndReason): void {
    this.close(reason);
  }

  describe(): { gateway: string; silentMs: number } {
    return { gateway: GATEWAY, silentMs: (this.#house.sweeps - this.#heardAt) * SWEEP_MS };
  }

  /** The line has sent some of what it held. */
  drained(): void {
    if (this.#fullSince === 0 || this.#state.at !== 'joined') return;
    if ((this.#line?.getBufferedAmount() ?? 0) > limits.socketBufferBytes) return;
    this.#fullSince = 0;
    this.#state.outbox.drained();
  }

  /** Ends what has lasted too long: the wait for a hello, silence, a line that does not drain. */
  sweep(): void {
    const now = this.#house.sweeps;
    const silent = now - this.#heardAt;
    this.#frames = 0;
    if (this.#state.at === 'greeting' && silent > sweepsIn(limits.helloMs)) this.close('hello-late');
    else if (silent > sweepsIn(limits.silenceMs)) this.close('silent');
    else if (this.#fullSince !== 0 && now - this.#fullSince > sweepsIn(limits.silenceMs))
      this.close('too-slow');
  }

  /** Closes from our side with a code of the closed set. */
  close(name: CloseName, why?: string): void {
    if (this.#state.at === 'ended') return;
    this.#leave(name);
    const { code, reason } = closing(name, why);
    this.#line?.close(code, reason);
  }

  /** The connection is closed, whoever did it. */
  closed(code: number): void {
    if (this.#state.at !== 'ended')
      this.#leave(String(code), code === RESTING_CLOSE || code === WORKER_STOPPED);
    this.#line = undefined;
  }

  async #prove(hello: Hello, address: string, origin: string | null): Promise<void> {
    this.#state = { at: 'proving', address };
    const { devices, deliveries, owners, events, halfOpen } = this.#house;
    try {
      const known = await devices.authenticate({ id: hello.device, token: hello.token });
      await assertAppOrigin(origin, known.channel.app, owners);
      const device = await devices.setLowestUrgency(known, hello.urgency ?? 'very-low');
      if (this.#state.at !== 'proving') return;
      const { protocol } = hello;
      this.#wantsSeen = hello.seen === true;
      this.#send({ type: 'welcome', protocol, channelId: device.channel.id, pingMs: limits.pingMs });
      halfOpen.leave(address);
      const { key, id, channel, lowestUrgency } = device;
      // For as long as the connection lasts, so without token hash and name, and without the channel's user and app.
      const addressee = { key, id, channel: { key: channel.key, id: channel.id }, lowestUrgency };
      this.#state = { at: 'joined', outbox: deliveries.connect(addressee, this) };
      events.connected(device.id, GATEWAY);
    } catch (thrown) {
      const error = asReveilleError(thrown);
      if (error.code === 'internal') events.failed('websocket', thrown);
      else events.refused('websocket', error.code, error.detail, address);
      this.close(closeOf(error));
    }
  }

  #isFull(line: Line): boolean {
    if (line.getBufferedAmount() <= limits.socketBufferBytes) return false;
    if (this.#fullSince === 0) this.#fullSince = this.#house.sweeps;
    return true;
  }

  async #act(frame: ClientFrame, outbox: Outbox): Promise<void> {
    try {
      switch (frame.type) {
        case 'ping':
          if (this.#line !== undefined && !this.#isFull(this.#line)) this.#line.sendText(PONG);
          return;
        case 'taken':
          return await outbox.taken(frame.version);
        case 'confirm':
          return await outbox.confirm(frame.version);
        case 'refuse':
          return await outbox.refuse(
            frame.version,
            frame.kind,
            frame.reason.slice(0, limits.reasonCharacters),
          );
        case 'hello':
          return this.close('frame-bad', 'hello comes once');
      }
    } catch (error) {
      // What was not kept is offered again: the device says it again then.
      this.#house.events.failed('websocket', error);
    }
  }

  #leave(reason: string, rests = false): void {
    const state = this.#state;
    this.#state = ended;
    if (state.at === 'greeting' || state.at === 'proving') this.#house.halfOpen.leave(state.address);
    if (state.at !== 'joined') return;
    const { deliveries, events } = this.#house;
    events.disconnected(state.outbox.device.id, GATEWAY, reason);
    deliveries
      .disconnect(state.outbox, reason, rests)
      .catch((error: unknown) => events.failed('disconnect', error));
  }

  #send(frame: Parameters<typeof formatFrame>[0]): void {
    this.#line?.sendText(formatFrame(frame));
  }
}
