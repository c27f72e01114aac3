/** Where a service says how browsers are set to use it (GET, JSON, for anyone). */
export const BROWSERS_PATH = '/v2/browsers';

/** What stock browsers are given so that this service is their push service. */
export interface BrowserSettings {
  readonly chromium: {
    /** Value of `--gcm-checkin-url`. */
    readonly checkinUrl: string;
    /** Value of `--gcm-registration-url`. */
    readonly registrationUrl: string;
    /** Value of `--gcm-mcs-endpoint`, such as `https://push.example:5228`; null while that door is shut. */
    readonly mcsEndpoint: string | null;
  };
  readonly firefox: {
    /** Value of the preference `dom.push.serverURL`. */
    readonly pushUrl: string;
  };
}

/** Preferences that make the service the push service of a Firefox. */
export function firefoxPreferences({ firefox }: BrowserSettings): Readonly<Record<string, string | boolean>> {
  return {
    'dom.push.serverURL': firefox.pushUrl,
    // Firefox takes ws:// for nothing but tests; the connection does not leave this machine then.
    ...(firefox.pushUrl.startsWith('ws:') ? { 'dom.push.testing.allowInsecureServerURL': true } : {}),
    // Said in the profile, so that tools which drive the browser do not switch push off.
    'dom.push.connection.enabled': true,
  };
}

/** The paths behind those URLs. */
export const CHECKIN_PATH = '/checkin';
export const REGISTRATION_PATH = '/register3';
export const AUTOPUSH_PATH = '/autopush';

/**
 * The settings of the service at `origin`.
 * @param mcsPort where Chromium's push client is let in, over TLS; undefined while it is not
 */
export function browserSettings(origin: string, mcsPort: number | undefined): BrowserSettings {
  const { hostname } = new URL(origin);
  return {
    chromium: {
      checkinUrl: origin + CHECKIN_PATH,
      registrationUrl: origin + REGISTRATION_PATH,
      mcsEndpoint: mcsPort === undefined ? null : `https://${hostname}:${mcsPort}`,
    },
    firefox: { pushUrl: origin.replace(/^http/, 'ws') + AUTOPUSH_PATH },
  };
}
