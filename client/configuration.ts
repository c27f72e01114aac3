/** What an app's manifest and the address of the script say. */
export interface Configuration {
  /** Origin of the push service; undefined when nobody named one. */
  readonly server: string | undefined;
  /** Id of the app at the service, for Firefox, where the browser's id of the extension is another. */
  readonly app: string | undefined;
  /** The app wants the service's page opened when it is removed. */
  readonly uninstallPage: boolean;
  readonly permissions: ReadonlySet<string>;
}

/**
 * Reads the configuration. `import './push-messaging.js?server=…'` wins over the manifest key
 * `"push_messaging": {"server": "…"}`; Chromium keeps unknown keys and unknown permissions of a manifest.
 */
export function readConfiguration(manifest: object, scriptUrl: string | undefined): Configuration {
  const { push_messaging: key, permissions } = manifest as {
    push_messaging?: { server?: string; app?: string; uninstall_page?: boolean };
    permissions?: readonly string[];
  };
  const url = URL.parse(URL.parse(`${scriptUrl}`)?.searchParams.get('server') ?? `${key?.server}`);
  return {
    server: url?.protocol.startsWith('http') ? url.origin : undefined,
    app: key?.app,
    uninstallPage: key?.uninstall_page === true,
    permissions: new Set(permissions),
  };
}

/** Chrome's own line of 2014 for an API without its permission (reference 2.1). */
export const noPermission =
  'chrome.pushMessaging is not available: You do not have permission to access this API. Ensure that the required permission or manifest property is included in your manifest.json.';

export const noServer =
  'Name the push service in manifest.json: "push_messaging": {"server": "https://push.example.org"}.';

/** For Firefox. */
export const noApp =
  'Name the app in manifest.json by its id at the push service: "push_messaging": {"app": "…", "server": "…"}.';

const effects = {
  identity: 'nobody can sign in',
  storage: 'a slower store serves',
  alarms: 'a stopped app stays so',
};

/** What an extension of Firefox needs beside them. */
const firefoxEffects = { webRequest: 'no message wakes a stopped app' };

/** One line for each permission that the shim could use and does not have. */
export function missingPermissions({ permissions }: Configuration, inFirefox: boolean): readonly string[] {
  return Object.entries(inFirefox ? { ...effects, ...firefoxEffects } : effects)
    .filter(([name]) => !permissions.has(name))
    .map(([name, effect]) => `Add "${name}" to "permissions" in manifest.json: without it ${effect}.`);
}
