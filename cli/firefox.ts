import { type BrowserSettings, firefoxPreferences } from '../protocol/browser-settings.ts';
import type { Launch } from './chromium.ts';

type Preference = string | number | boolean;

/** Arguments of Firefox for a profile in `folder`. */
export function firefoxArguments(folder: string, launch: Launch): string[] {
  return [
    '--no-remote',
    '--profile',
    folder,
    ...(launch.headless ? ['--headless'] : []),
    ...launch.more,
    ...(launch.headless ? [] : [launch.start]),
  ];
}

/**
 * Files of the profile, by name.
 * @param secure the addresses that show the pinned certificates, in the same order
 * @param extension an unpacked extension: its id, and the folder in which it lies
 */
export function firefoxFiles(
  settings: BrowserSettings,
  launch: Omit<Launch, 'extension'>,
  secure: readonly string[],
  extension?: { readonly id: string; readonly folder: string },
): Readonly<Record<string, string>> {
  const preferences: Record<string, Preference> = {
    ...firefoxPreferences(settings),
    'browser.shell.checkDefaultBrowser': false,
    'browser.aboutwelcome.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    ...(extension === undefined ? {} : unpackedPreferences),
    // Without a screen there is no notification service of the system to ask.
    ...(launch.headless ? { 'alerts.useSystemBackend': false } : {}),
  };
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  const overrides = launch.pinned.map((certificate, index) => {
    const { hostname, port } = new URL(secure[index] ?? '');
    return `${hostname}:${port || 443}:\t${sha256}\t${certificate.fingerprint256}\t`;
  });
  return {
    'user.js': `${lines.join('\n')}\n`,
    ...(overrides.length === 0 ? {} : { 'cert_override.txt': `${overrides.join('\n')}\n` }),
    // A file of that name with a folder in it stands for the extension in that folder.
    ...(extension === undefined ? {} : { [`extensions/${extension.id}`]: extension.folder }),
  };
}

/** The object identifier of SHA-256, which names the fingerprint's kind in `cert_override.txt`. */
const sha256 = 'OID.2.16.840.1.101.3.4.2.1';

/** An unsigned extension that lies in the profile is taken without a question. ESR and Developer Edition heed this, release does not. */
const unpackedPreferences = {
  'xpinstall.signatures.required': false,
  'extensions.autoDisableScopes': 0,
  'extensions.startupScanScopes': 15,
};
