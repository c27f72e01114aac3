import type { HolderId } from '../../core/subscription.ts';

/** What a registration at `register3` says of where its messages go. */
export interface Registration {
  /** Who Chromium hands a message to: an extension's id, or the platform's name for the Push API. */
  readonly category: string;
  /** The Push API's: which subscription of the browser. Empty for `chrome.gcm` and `chrome.instanceID`. */
  readonly subtype: string;
  /** The sender as the browser registered it; a push that comes "from" another is dropped by Chromium. */
  readonly sender: string;
  /** `chrome.instanceID`'s: which instance of the app. Empty for `chrome.gcm`, whose tokens of the same sender are others. */
  readonly instance: string;
}

const HOLDER = 'mcs:';

/** The holder that stands for a device. */
export function holderOf(id: bigint): HolderId {
  return `${HOLDER}${id}`;
}

/**
 * The name of a registration among its device's: `category subtype sender`, and the instance if there is one; "-" stands for
 * what is empty. The sender stands in it
 * because messages must repeat it, and a subscription that a lost database forgot is made again from its name alone.
 */
export function nameOf({ category, subtype, sender, instance }: Registration): string {
  const named = [category, subtype, sender].map((part) => part || '-');
  return [...named, ...(instance === '' ? [] : [instance])].join(' ');
}

/** The registration that `nameOf` named. */
export function readName(name: string): Registration {
  const [category = '', subtype = '', sender = '', instance = ''] = name
    .split(' ')
    .map((part) => (part === '-' ? '' : part));
  return { category, subtype, sender, instance };
}

/** True for a registration of `chrome.gcm` or `chrome.instanceID`, whose messages are text pairs and not encrypted. */
export function takesText({ holder, name }: { readonly holder: HolderId; readonly name: string }): boolean {
  return holder.startsWith(HOLDER) && readName(name).subtype === '';
}

/** True when `name` belongs to the category, subtype and instance, and to the sender, unless that is "*" (all of them). */
export function isNamed(name: string, { category, subtype, sender, instance }: Registration): boolean {
  const named = readName(name);
  const isOf = named.category === category && named.subtype === subtype && named.instance === instance;
  return isOf && (sender === '*' || named.sender === sender);
}
