import type { X509Certificate } from 'node:crypto';
import { type BrowserSettings, firefoxPreferences } from '../protocol/browser-settings.ts';
import { shellWord } from './shell-word.ts';

export interface FleetExtension {
  readonly id: string;
  /** Chromium: the update manifest. Firefox: the package. */
  readonly url: string;
}

/** What all browsers of a machine are to be set to. */
export interface Fleet {
  readonly settings: BrowserSettings;
  /** Whom they are to trust for it; undefined when a public authority vouches for the service. */
  readonly authority: X509Certificate | undefined;
  readonly extensions: readonly FleetExtension[];
  /** Origins that may notify, which is what a page needs in order to be pushed to. */
  readonly notifications: readonly string[];
}

type Files = Readonly<Record<string, string>>;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * Chromium: a managed policy for what policies can set, and Debian's drop-in for the switches, which none can.
 * @param switches what makes the service its push service
 */
export function chromiumFiles(fleet: Fleet, switches: readonly string[]): Files {
  const { authority, extensions, notifications } = fleet;
  return {
    '/etc/chromium/policies/managed/reveille.json': json({
      ...(authority === undefined ? {} : { CACertificates: [authority.raw.toString('base64')] }),
      NotificationsAllowedForUrls: notifications,
      ...(extensions.length === 0
        ? {}
        : {
            ExtensionSettings: Object.fromEntries(
              extensions.map(({ id, url }) => [
                id,
                { installation_mode: 'normal_installed', update_url: url, override_update_url: true },
              ]),
            ),
          }),
    }),
    '/etc/chromium.d/reveille': `# Sourced by Debian's launcher. Elsewhere: start the browser once with these switches; the first check-in
# stores them in the profile.
CHROMIUM_FLAGS="$CHROMIUM_FLAGS ${switches.map((one) => shellWord(one)).join(' ')}"
`,
  };
}

const AUTHORITY_PATH = '/etc/firefox/policies/reveille-ca.crt';

/** Firefox: one policy is enough. */
export function firefoxFleetFiles({ settings, authority, extensions, notifications }: Fleet): Files {
  const preferences = Object.entries(firefoxPreferences(settings)).map(([name, value]) => [
    name,
    { Value: value, Status: 'locked' },
  ]);
  const policies = {
    Preferences: Object.fromEntries(preferences),
    ...(authority === undefined ? {} : { Certificates: { Install: [AUTHORITY_PATH] } }),
    Permissions: { Notifications: { Allow: notifications } },
    ...(extensions.length === 0
      ? {}
      : {
          ExtensionSettings: Object.fromEntries(
            extensions.map(({ id, url }) => [
              id,
              { installation_mode: 'normal_installed', install_url: url },
            ]),
          ),
        }),
  };
  return {
    '/etc/firefox/policies/policies.json': json({ policies }),
    ...(authority === undefined ? {} : { [AUTHORITY_PATH]: `${authority.toString().trimEnd()}\n` }),
  };
}
