import { limits, retentionMs } from '../../protocol/limits.ts';
import type { Ending } from '../core/store.ts';

/** Rules of the port that every engine shares, so that two engines cannot read them differently. */

export const traceMs: number = limits.traceHours * 3_600_000;

/** How long a device that left is remembered by name: until no message that lists it can be in the trace. */
export const formerDeviceMs: number = retentionMs + traceMs;

/** How long a removed subscription is remembered as removed. */
export const removedSubscriptionMs: number = limits.removedSubscriptionDays * 86_400_000;

/** Is a slot one that a sender named (a topic), of which there may be any number? Subchannels are few. */
export function isTopic(slot: string | null): slot is string {
  return slot?.startsWith('t:') === true;
}

/** How long the state of a message is kept. */
export { stateMs } from '../../protocol/limits.ts';

/** Is a multicast under the key of an earlier one a repeat of it? Also when the clock was set back since. */
export function isRepeat(earlierAt: number, now: number): boolean {
  return Math.abs(now - earlierAt) < limits.idempotencyHours * 3_600_000;
}

/** Days of counted quota that are kept. */
export const quotaDaysKept = 90;

/**
 * May a confirm be recorded after this ending? Those that we assumed give way to it: a run is a fact.
 * @param any the message is for any one device, so that it was withdrawn because another had confirmed it.
 */
export function mayBeConfirmed(before: Ending | undefined, any: boolean): boolean {
  if (before === undefined || before === 'superseded' || before === 'expired') return true;
  return any && before === 'withdrawn';
}

/** How a message ends when we say so and not the device: one that expired earlier has expired, whatever came later. */
export function assumedEnding<Assumed extends 'superseded' | 'withdrawn'>(
  expiresAt: number,
  now: number,
  assumed: Assumed,
): { readonly ending: Assumed | 'expired'; readonly at: number } {
  return expiresAt <= now ? { ending: 'expired', at: expiresAt } : { ending: assumed, at: now };
}

/** Would its device miss a message that is gone now? Not one that was for connected devices alone. */
export function isMissed(
  message: { readonly acceptedAt: number; readonly expiresAt: number },
  now: number,
): boolean {
  return message.expiresAt <= now && message.expiresAt - message.acceptedAt > limits.instantMs;
}

/**
 * Does a message leave the trace?
 * @param crowdedOut it is not among the newest limits.traceMessages.
 */
export function leavesTrace(acceptedAt: number, crowdedOut: boolean, now: number): boolean {
  // A message from the future was kept before the clock was set back: it counts as old, else it would hold up the rest.
  const age = Math.abs(now - acceptedAt);
  return age >= traceMs || (crowdedOut && age >= limits.silenceMs);
}

/** The first quota day that is kept, "2026-11-24". */
export function firstQuotaDay(now: number): string {
  return new Date(now - quotaDaysKept * 86_400_000).toISOString().slice(0, 10);
}
