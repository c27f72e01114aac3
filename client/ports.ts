import type { Version } from '../protocol/version.ts';
import type { RefusalKind } from '../protocol/wire.ts';

/**
 * What the client asks of its surroundings. The shim fills these from `chrome.*`, `client/device.ts` from whatever runs it,
 * tests by hand: so every rule below runs on Node, on Bun and in browsers alike.
 */

/** A message as the server offers it. */
export interface Offer {
  readonly version: Version;
  readonly subchannelId: number;
  readonly payload: string;
  /** Of a queue: older ones run too, also when they come after newer ones. */
  readonly collapse?: false | undefined;
}

/** The user has seen a subchannel up to a version. */
export interface Seen {
  readonly subchannelId: number;
  readonly version: Version;
}

/** Per subchannel the highest version whose run ended well; of its queue (`q0`) each of the last ones. */
export type Marks = Readonly<Record<string, number | readonly number[]>>;

/** Where the marks outlive the program: HA1 rests on it. */
export interface MarkStore {
  load(): Promise<Marks>;
  save(marks: Marks): Promise<void>;
}

/** The way back to the server. Nothing waits for it: what gets lost is offered again, and answered again from the mark. */
export interface Upstream {
  taken(version: Version): void;
  confirm(version: Version): void;
  refuse(version: Version, kind: RefusalKind, reason: string): void;
}

/** The app's handlers, here and in the other places where the same profile runs the app. */
export interface Handlers {
  any(): boolean | Promise<boolean>;
  /** Calls them all; rejects with the first failure after all have ended. */
  run(message: Offer): Promise<void>;
}

/** What identifies a device towards the server. `token` is a secret. */
export interface DeviceCredentials {
  readonly deviceId: string;
  readonly deviceToken: string;
  readonly channelId: string;
}

/** Time, injected so that tests turn it by hand. */
export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function calls it off. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The five members of a WebSocket that the client touches. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type SocketConstructor = new (url: string) => Socket;
