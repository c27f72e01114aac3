import type { Urgency } from '../protocol/urgency.ts';
import type { AfterClose } from '../protocol/wire.ts';
import { backoff } from './backoff.ts';
import { type Connection, createConnection } from './connection.ts';
import {
  type DeviceCredentials,
  type MarkStore,
  type Marks,
  type Offer,
  type Seen,
  type SocketConstructor,
  systemTimers,
  type Timers,
} from './ports.ts';
import { createReceiver } from './receiver.ts';
import {
  acknowledge,
  type Call,
  createCall,
  type Fetch,
  markSeen,
  register,
  type ServiceError,
} from './service.ts';
import { createUpstream } from './upstream.ts';

/** A device for programs without `chrome.*`: bots, servers, the command line, tests. Runs on Node, Bun and in browsers. */
export interface DeviceOptions {
  /** Origin of the service, `https://push.example.org`. */
  readonly origin: string;
  /**
   * Answers an access token with the scope …gcm_for_chrome.readonly. Asked when there are no credentials, or when the
   * service does not know them any more.
   */
  readonly signIn?: () => Promise<string>;
  /** What an earlier run got through `onCredentials`. */
  readonly credentials?: DeviceCredentials;
  /** Hears fresh credentials, to store them. The token in them is a secret. */
  readonly onCredentials?: (credentials: DeviceCredentials) => void | Promise<void>;
  /** Which app, when the token was issued to a project's client and not to the app itself. */
  readonly appId?: string;
  /** The lowest urgency that it wants: what lies below waits at the service for a connection that names a lower one. */
  readonly urgency?: Urgency;
  /** Shown in the user's list of devices. */
  readonly name?: string;
  /**
   * Called with one message of a subchannel at a time, in rising order. The message is confirmed when the promise that it
   * returns has ended well; else it comes again.
   */
  readonly onMessage: (message: Offer) => unknown;
  /** False: nothing is confirmed, and everything comes again at the next connect. */
  readonly confirm?: boolean;
  /** Where it is remembered what was handled. Without one a program that is killed before its confirm left gets it twice. */
  readonly marks?: MarkStore;
  /**
   * Hears how far the user has seen each subchannel, here or on other devices: what was shown of it can be taken down. The same
   * may be told again at each connect.
   */
  readonly onSeen?: (seen: Seen) => void;
  /** Called each time everything that waited has been offered. */
  readonly onLive?: () => void;
  /** Sentences for the operator: lost connections, failed handlers. */
  readonly onNote?: (line: string) => void;
  /** The platform's WebSocket where there is a global one; Node 20 has none. */
  readonly WebSocket?: SocketConstructor;
  readonly fetch?: Fetch;
  readonly timers?: Timers;
}

const client = 'reveille-device/0.1';
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

/** Remembers marks for the life of the program. */
export function memoryMarks(): MarkStore {
  let kept: Marks = {};
  return {
    load: async () => kept,
    save: async (marks) => {
      kept = { ...marks };
    },
  };
}

export class Device {
  readonly #options: DeviceOptions;
  readonly #call: Call;
  readonly #timers: Timers;
  readonly #onOffer: (offer: Offer) => void;
  readonly #forget: () => void;
  #credentials: DeviceCredentials | undefined;
  #connection: Connection | undefined;
  #callOff = (): void => {};
  #closed = false;
  /** Registrations since it was last live. */
  #anew = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#call = createCall(options.origin, options.fetch ?? ((url, init) => fetch(url, init)));
    this.#timers = options.timers ?? systemTimers;
    this.#credentials = options.credentials;
    if (options.confirm === false) {
      this.#onOffer = (offer) => void this.#handle(offer).catch((error) => this.#note(String(error)));
      this.#forget = () => {};
    } else {
      const receiver = this.#receiver();
      this.#onOffer = receiver.offer;
      this.#forget = receiver.forget;
    }
  }

  /** The channel to send to, once the device is registered. */
  get channelId(): string | undefined {
    return this.#credentials?.channelId;
  }

  /**
   * Registers where needed, connects, and stays connected. Settles when everything that waited has been offered. A service
   * that cannot be reached is tried again, up to a minute apart.
   * @throws ServiceError or what `signIn` threw, when the service refuses the device for good.
   */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      void this.#start(1);
    });
  }

  /**
   * The user has seen a message here, and with it all before it on its subchannel: tells their other devices.
   * @throws ServiceError, and Error before the device is registered.
   */
  async seen({ subchannelId, version }: Seen): Promise<void> {
    if (this.#credentials === undefined)
      throw new Error('The device is not registered yet: call connect first.');
    await markSeen(this.#call, this.#credentials, { subchannelId, version });
  }

  /** Disconnects and stays so. What is being handled ends, but is not confirmed any more. */
  close(): void {
    this.#closed = true;
    this.#callOff();
    this.#connection?.close();
  }

  async #start(attempt: number): Promise<void> {
    try {
      const device = this.#credentials ?? (await this.#register());
      this.#credentials = device;
      if (this.#closed) return;
      this.#connection = this.#open(device);
      this.#connection.connect();
    } catch (error) {
      if ((error as ServiceError).status !== 0) return this.#end(error as Error);
      this.#note(String(error));
      const ms = backoff(attempt, firstWaitMs, longestWaitMs);
      if (!this.#closed) this.#callOff = this.#timers.after(ms, () => void this.#start(attempt + 1));
    }
  }

  async #register(): Promise<DeviceCredentials> {
    const { signIn, name, appId, onCredentials } = this.#options;
    if (signIn === undefined)
      throw new Error('The service does not know this device: sign in to register it again.');
    const device = await register(this.#call, await signIn(), { name, appId });
    await onCredentials?.(device);
    return device;
  }

  #open(device: DeviceCredentials): Connection {
    return createConnection(this.#options.origin, device, {
      WebSocket: this.#options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor),
      timers: this.#timers,
      client,
      urgency: this.#options.urgency,
      delay: (attempt) => backoff(attempt, firstWaitMs, longestWaitMs),
      onOffer: this.#onOffer,
      onSeen: this.#options.onSeen,
      onLive: () => {
        this.#anew = 0;
        this.#settle?.resolve();
        this.#options.onLive?.();
      },
      onClosed: (next, code, reason) => this.#lost(next, code, reason),
    });
  }

  #lost(next: AfterClose, code: number, reason: string): void {
    const line = `The push service hung up: ${code} ${reason}`;
    this.#note(line);
    if (next === 'stop') this.#end(new Error(line));
    if (next !== 'register') return;
    this.#credentials = undefined;
    this.#forget();
    // At once the first time; a service that knows not even a fresh device must not be asked without a pause.
    const ms = this.#anew === 0 ? 0 : backoff(this.#anew, firstWaitMs, longestWaitMs);
    this.#anew += 1;
    this.#callOff = this.#timers.after(ms, () => void this.#start(1));
  }

  #end(error: Error): void {
    this.#note(String(error));
    this.#settle?.reject(error);
  }

  async #handle(offer: Offer): Promise<void> {
    await this.#options.onMessage(offer);
  }

  #receiver() {
    return createReceiver({
      marks: this.#options.marks ?? memoryMarks(),
      handlers: { any: () => true, run: (offer) => this.#handle(offer) },
      upstream: createUpstream(
        (frame) => this.#connection?.send(frame) ?? false,
        (ack) => {
          if (this.#credentials === undefined || this.#closed) return;
          acknowledge(this.#call, this.#credentials, ack).catch((error) => this.#note(String(error)));
        },
      ),
      timers: this.#timers,
      awake: () => () => {},
      complain: (line) => this.#note(line),
    });
  }

  #note(line: string): void {
    this.#options.onNote?.(line);
  }
}
