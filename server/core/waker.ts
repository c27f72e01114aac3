import type { Kept } from './store.ts';

/**
 * What became of a wake-up: `sent` = the push service took it; `gone` = it will never reach anyone by this transport again;
 * else nothing was taken now, and it makes sense again after `laterMs` (undefined = nobody said when).
 */
export type Woken = 'sent' | 'gone' | Refused;

interface Refused {
  readonly laterMs: number | undefined;
  /** A sentence for the owner of the device; undefined = nothing failed, it was not its turn. */
  readonly why: string | undefined;
}

/** A push service that cannot now, and until when it is not called (milliseconds since 1970). */
export interface PushRest {
  readonly host: string;
  readonly until: number;
}

/** The port to what reaches a device that is not connected, filled by gateways/webpush-out. */
export interface Waker {
  /**
   * Wakes the app of a device for a message. Never rejects for what the push service says or does not say.
   * @param transport JSON text, as the device registered it.
   */
  wake(transport: string, kept: Kept): Promise<Woken>;
}
