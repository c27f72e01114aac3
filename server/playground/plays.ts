import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';
import type { Exchange } from './exchange.ts';

/** The gear: how the playground asks. */
export interface Configuration {
  /** "Use your own OAuth credentials": without it nothing is asked, because the playground has none of its own. */
  readonly own: boolean;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly accessType: 'offline' | 'online';
  readonly prompt: 'force' | 'auto';
  /** Where step 3 puts the access token: `Authorization: Bearer`, `Authorization: OAuth`, or `?access_token=`. */
  readonly tokenPlace: TokenPlace;
}

export const tokenPlaces = ['bearer', 'oauth', 'query'] as const;
export type TokenPlace = (typeof tokenPlaces)[number];

/** What step 2 has in its fields. */
export interface Tokens {
  readonly code: string;
  readonly refreshToken: string;
  readonly accessToken: string;
  /** When the access token ends, by the clock of this server; 0 when it was typed. */
  readonly expiresAt: number;
  readonly autoRefresh: boolean;
}

/** The fields of step 3, as they were typed. */
export interface Draft {
  readonly method: string;
  readonly url: string;
  /** One `Name: value` a line. */
  readonly headers: string;
  readonly body: string;
}

/** Everything that one browser has in its playground. */
export interface Play {
  readonly configuration: Configuration;
  readonly scope: string;
  /** Sent along with the authorization that is under way; what comes back without it did not begin here. */
  readonly state: string | undefined;
  readonly tokens: Tokens;
  readonly draft: Draft;
  /** Newest first. */
  readonly exchanges: readonly Exchange[];
}

interface Held {
  play: Play;
  /** The sign-in that it belongs to; undefined until someone signs in. */
  signIn: string | undefined;
  seenAt: number;
}

/**
 * The playgrounds of all browsers, in memory alone: a client secret and tokens are never written to disk, and end with the
 * browser's sign-in, with an hour of silence, or with the process.
 */
export class Plays {
  readonly #held = new Map<string, Held>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What the browser `id` has, for who is signed in there now. A playground that belongs to another sign-in is dropped
   * rather than shown.
   */
  find(id: string | undefined, signIn: string | undefined): Play | undefined {
    if (id === undefined) return undefined;
    const held = this.#held.get(id);
    if (held === undefined) return undefined;
    const over = held.seenAt + limits.playgroundIdleMs < this.#clock.now();
    if (over || (held.signIn !== undefined && held.signIn !== signIn)) {
      this.#held.delete(id);
      return undefined;
    }
    this.#hold(id, { ...held, signIn });
    return held.play;
  }

  keep(id: string, signIn: string | undefined, play: Play): void {
    this.#hold(id, {
      play: { ...play, exchanges: play.exchanges.slice(0, limits.playgroundExchanges) },
      signIn,
      seenAt: 0,
    });
  }

  forget(id: string): void {
    this.#held.delete(id);
  }

  /** The sign-in is over, and so is what was held for it. */
  endSignIn(signIn: string): void {
    for (const [id, held] of this.#held) if (held.signIn === signIn) this.#held.delete(id);
  }

  #hold(id: string, held: Held): void {
    this.#held.delete(id);
    this.#held.set(id, { ...held, seenAt: this.#clock.now() });
    if (this.#held.size <= limits.playgrounds) return;
    // Strangers make room first: a flood of them must not take what someone who is signed in has under way.
    const [oldest] = this.#held.keys();
    const stranger = [...this.#held].find(([other, { signIn }]) => signIn === undefined && other !== id);
    this.#held.delete(stranger?.[0] ?? oldest ?? id);
  }
}
