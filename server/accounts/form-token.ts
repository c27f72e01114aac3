import { type Clock, systemClock } from '../core/clock.ts';

/** A page that was open longer than this asks to be filled in again. */
const validMs = 12 * 3_600_000;

/** The part of `Secrets` that form tokens need. */
export interface FormSecrets {
  mac(purpose: string, data: string): Uint8Array;
  verifyMac(purpose: string, data: string, mac: Uint8Array): boolean;
}

/**
 * The hidden value of a form, which a foreign page cannot know: a MAC over who it is for, what it is for and when.
 * @param account the account that will send the form, or whatever ties it to one browser before anyone has signed in
 * @param purpose what the form does; put the id of what it acts on in, such as `revoke:<grant>`
 */
export function formToken(
  secrets: FormSecrets,
  account: string,
  purpose: string,
  clock: Clock = systemClock,
): string {
  const at = Math.floor(clock.now() / 1_000).toString(36);
  return `${at}.${Buffer.from(secrets.mac('form', boundTo(account, purpose, at))).toString('base64url')}`;
}

/** Is this the token of that form, made for that account within the last 12 hours? Anything else is false, never thrown. */
export function checkFormToken(
  secrets: FormSecrets,
  account: string,
  purpose: string,
  token: unknown,
  clock: Clock = systemClock,
): boolean {
  if (typeof token !== 'string' || token.length > 200) return false;
  const [at = '', mac = ''] = token.split('.');
  if (!/^[0-9a-z]{1,10}$/.test(at)) return false;
  // A clock that was set back must not lock people out: only age counts, not a time ahead.
  if (clock.now() - Number.parseInt(at, 36) * 1_000 > validMs) return false;
  return secrets.verifyMac('form', boundTo(account, purpose, at), Buffer.from(mac, 'base64url'));
}

/** JSON keeps the parts apart, so that no account and purpose can be read as another pair. */
const boundTo = (account: string, purpose: string, at: string): string =>
  JSON.stringify([account, purpose, at]);
