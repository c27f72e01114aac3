import { CHANNEL_SCOPE, SEND_SCOPE, STORE_READ_SCOPE, STORE_SCOPE } from '../core/sender.ts';

/** What a scope lets its holder do, as the consent page and the list of connected services say it. */
const meanings: ReadonlyMap<string, string> = new Map([
  [SEND_SCOPE, 'Send push messages to the apps and extensions that you publish'],
  [CHANNEL_SCOPE, 'Know the address (channel) at which an app reaches you, and receive its messages'],
  [STORE_SCOPE, 'Upload and publish the extensions of your publisher groups in the store'],
  [STORE_READ_SCOPE, 'See the extensions of your publisher groups in the store'],
]);

/** Every scope that is given here, with what it lets its holder do. */
export const givenScopes: readonly (readonly [scope: string, meaning: string])[] = [...meanings];

/**
 * A scope parameter as its canonical text: known scopes, each once, sorted, one space between (RFC 6749 section 3.3: the
 * order has no meaning). A consent is remembered under this text.
 * @returns undefined when it is empty or names a scope that we do not give.
 */
export function canonicalScope(text: string | undefined): string | undefined {
  const names = new Set((text ?? '').split(/\s+/).filter((name) => name !== ''));
  if (names.size === 0 || [...names].some((name) => !meanings.has(name))) return undefined;
  return [...names].sort().join(' ');
}

/** The scopes of a canonical text. */
export const scopesOf = (scope: string): readonly string[] => scope.split(' ');

/** One sentence for each scope of a canonical text, for people. */
export const meaningsOf = (scope: string): readonly string[] =>
  scopesOf(scope).map((name) => meanings.get(name) ?? name);
