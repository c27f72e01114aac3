import type { AppId } from '../../protocol/app-id.ts';
import type { SubchannelNames } from './app-owners.ts';

/** Who calls, once the access token has been checked. Filled by the oauth room. */
export interface Sender {
  /** The account that granted the token. */
  readonly account: string;
  /** The OAuth client that the token was issued to: a project's client, or an app's own (its id is the app id). */
  readonly client: string;
  /** The project of the client; null for an app's own client, which cannot send. */
  readonly project: string | null;
  readonly scopes: ReadonlySet<string>;
  /** The sign-in in which an app's own client got its code, so that signing out can end the device; null otherwise. */
  readonly signIn: string | null;
  /** Limits of the project. */
  readonly dailyQuota: number;
  readonly payloadBytes: number;
  /** Channels that multicasts may reach in a day; 0 = no limit. */
  readonly dailyTargets: number;
  /** How many subchannels it may use at /v2: the numbers below it. */
  readonly subchannels: number;
}

export const SEND_SCOPE = 'https://www.googleapis.com/auth/gcm_for_chrome';
export const CHANNEL_SCOPE = 'https://www.googleapis.com/auth/gcm_for_chrome.readonly';

/**
 * The port to rights. A token seen before is answered from memory; whatever ends a right drops it in the same step (OA1).
 */
export interface Senders {
  /** @throws ReveilleError `token-invalid` for a wrong, expired or revoked token, or one whose ground has ended. */
  identify(accessToken: string): Sender | Promise<Sender>;
  /** @throws `api-off` when messaging is switched off for the project of the sender. */
  assertEnabled(sender: Sender): void | Promise<void>;
  /** OW1. @throws `app-not-owned` when the account is not in the publisher group of the app. */
  assertOwns(sender: Sender, app: AppId): void | Promise<void>;
  /** @throws `app-unproven` when the claim on the app is unproven and `user` is not in its publisher group. */
  assertMayReach(sender: Sender, app: AppId, user: string): void | Promise<void>;
  /** Numbers of the subchannels that the owners of an app gave names, by name. */
  subchannelNames(sender: Sender, app: AppId): SubchannelNames | Promise<SubchannelNames>;
  /** Apps that the account of the sender may send for. */
  ownedApps(sender: Sender): readonly AppId[] | Promise<readonly AppId[]>;
}
/** Uploading to the store and publishing there; and looking only. Neither lets its holder send (reference 4.4). */
export const STORE_SCOPE = 'https://www.googleapis.com/auth/chromewebstore';
export const STORE_READ_SCOPE = 'https://www.googleapis.com/auth/chromewebstore.readonly';
