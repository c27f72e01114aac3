import { limits } from '../../../protocol/limits.ts';

interface Host {
  underWay: number;
  /** Not to be called before, milliseconds since 1970. */
  restUntil: number;
  /** Failures in a row. */
  failures: number;
  /** Of the last failure, until it has answered. */
  why: string | undefined;
}

/**
 * How each push service is treated: limits.pushesPerHost at a time, and a rest after it said that it cannot. Hosts are named
 * by those that are allowed, so there are few.
 */
export class HostRests {
  readonly #hosts = new Map<string, Host>();

  /** Takes a place. Answers 0, or the milliseconds after which it may be asked again. */
  enter(name: string, now: number): number {
    const host = this.#host(name);
    const restMs = host.restUntil - now;
    // A clock that stepped back must not make it rest longer than any rest.
    if (restMs > 0 && restMs <= limits.pushRestMsMax) return restMs;
    if (host.underWay >= limits.pushesPerHost) return limits.pushCrowdedMs;
    host.underWay += 1;
    return 0;
  }

  /** Until when it rests, in milliseconds since 1970; undefined when it may be called. */
  restsUntil(name: string, now: number): number | undefined {
    const until = this.#hosts.get(name)?.restUntil ?? 0;
    return until > now && until - now <= limits.pushRestMsMax ? until : undefined;
  }

  /** The push service answered, whatever it said of the push. */
  left(name: string): void {
    const host = this.#host(name);
    host.underWay -= 1;
    host.failures = 0;
    host.why = undefined;
  }

  /**
   * It cannot now, and `why`. Answers the milliseconds of its rest.
   * @param askedMs what it asked for, where it did; else limits.pushRestMs, doubling up to limits.pushRestMsMax.
   */
  failed(name: string, askedMs: number | undefined, now: number, why: string): number {
    const host = this.#host(name);
    host.underWay -= 1;
    const own = limits.pushRestMs * 2 ** Math.min(host.failures, 20);
    host.failures += 1;
    host.why = why;
    const rest = Math.min(Math.max(askedMs ?? own, 0), limits.pushRestMsMax);
    host.restUntil = Math.max(host.restUntil, now + rest);
    return rest;
  }

  /** Why it rests; undefined when it does not. */
  whyOf(name: string): string | undefined {
    return this.#host(name).why;
  }

  #host(name: string): Host {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const made: Host = { underWay: 0, restUntil: 0, failures: 0, why: undefined };
    this.#hosts.set(name, made);
    return made;
  }
}

/** A Retry-After header in milliseconds from `now`: seconds or a date (RFC 9110 section 10.2.3); undefined when it is neither. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
