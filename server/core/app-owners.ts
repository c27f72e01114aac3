import type { AppId } from '../../protocol/app-id.ts';

/** Numbers of subchannels by their names. */
export type SubchannelNames = ReadonlyMap<string, number>;

/** What rights need to know of an app. */
export interface OwnedApp {
  readonly id: AppId;
  readonly title: string;
  /** The publisher group: its members may send for the app. */
  readonly group: string;
  /** False while the app is registered by its public key alone. */
  readonly proven: boolean;
  /** 'ask' = a consent page comes before a channel is given. */
  readonly channelConsent: 'none' | 'ask';
  /** Origins of a hosted app, beside `chrome-extension://<id>`. */
  readonly origins: readonly string[];
  /** Redirects beside `https://<id>.chromiumapp.org/`. */
  readonly redirectUris: readonly string[];
  readonly subchannelNames: SubchannelNames;
}

/** The port to who owns which app, filled by the webstore room. */
export interface AppOwners {
  find(app: AppId): Promise<OwnedApp | undefined>;
  /** Is the account in the publisher group now? */
  isMember(account: string, group: string): Promise<boolean>;
  appsOf(account: string): Promise<readonly OwnedApp[]>;
}

/** Did the account take the app's channel away? Then only a person lets it in again, not a silent sign-in. */
export type WasRemoved = (account: string, app: AppId) => Promise<boolean>;
