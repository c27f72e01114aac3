/** One way in which an item comes into a browser. */
export interface InstallWay {
  readonly title: string;
  /** Where the text belongs: a file, or a shell. */
  readonly where: string;
  readonly text: string;
}

export interface Installed {
  readonly id: string;
  /** Where browsers ask for newer versions; for testers with their key. */
  readonly updateUrl: string;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/**
 * How an item that is not of the browser vendor's store is installed, platform by platform. What Chromium of each platform
 * takes is in docs/store.md.
 */
export function installWays({ id, updateUrl }: Installed): readonly InstallWay[] {
  const forced = `${id};${updateUrl}`;
  return [
    {
      title: 'Linux, by policy',
      where: `/etc/chromium/policies/managed/${id}.json`,
      text: json({
        ExtensionSettings: {
          [id]: { installation_mode: 'normal_installed', update_url: updateUrl, override_update_url: true },
        },
      }),
    },
    {
      title: 'Linux, by external-extension file',
      where: `/usr/lib/chromium/extensions/${id}.json on Debian; elsewhere /usr/share/chromium/extensions/${id}.json`,
      text: json({ external_update_url: updateUrl }),
    },
    {
      title: 'Windows, by policy',
      where: 'As administrator',
      text: `reg add "HKLM\\Software\\Policies\\Chromium\\ExtensionInstallForcelist" /v 1 /t REG_SZ /d "${forced}"`,
    },
    {
      title: 'macOS, by policy',
      where: 'In a terminal',
      text: `sudo defaults write "/Library/Managed Preferences/org.chromium.Chromium" \\\n  ExtensionInstallForcelist -array-add "${forced}"`,
    },
  ];
}

/** What lets the install link of this origin work. */
export const sourcesPolicy = (origin: string): string => json({ ExtensionInstallSources: [`${origin}/*`] });
