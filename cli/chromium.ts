import type { X509Certificate } from 'node:crypto';
import type { BrowserSettings } from '../protocol/browser-settings.ts';
import { CliError } from './call.ts';
import { spkiOf } from './trust.ts';

/** What a browser is started with. */
export interface Launch {
  /** What to open, beside what the user asks for. */
  readonly start: string;
  readonly headless: boolean;
  /** Folder of an unpacked extension. */
  readonly extension: string | undefined;
  /** Certificates that the browser would not trust by itself. */
  readonly pinned: readonly X509Certificate[];
  /** Further arguments, as the user wrote them. */
  readonly more: readonly string[];
}

/**
 * The three switches that make a service the push service of a Chromium.
 * @throws CliError when the service lets no Chromium in.
 */
export function pushSwitches({ chromium }: BrowserSettings): readonly string[] {
  if (chromium.mcsEndpoint === null) throw new CliError(mcsShut);
  return [
    `--gcm-checkin-url=${chromium.checkinUrl}`,
    `--gcm-registration-url=${chromium.registrationUrl}`,
    `--gcm-mcs-endpoint=${chromium.mcsEndpoint}`,
  ];
}

export const mcsShut =
  "The server's door for Chromium's push client is shut: it speaks TLS only and the server has no certificate. " +
  'Make one with ./bin/reveille cert, then start serve again.';

/** Arguments of Chromium for a profile in `folder`. @throws CliError as pushSwitches. */
export function chromiumArguments(settings: BrowserSettings, folder: string, launch: Launch): string[] {
  const pins = [...new Set(launch.pinned.map(spkiOf))];
  return [
    `--user-data-dir=${folder}`,
    '--no-first-run',
    '--no-default-browser-check',
    ...pushSwitches(settings),
    ...(pins.length === 0 ? [] : [`--ignore-certificate-errors-spki-list=${pins.join(',')}`]),
    ...(launch.extension === undefined ? [] : [`--load-extension=${launch.extension}`]),
    ...(launch.headless ? ['--headless=new'] : []),
    // Chromium refuses its sandbox to root; who is root is in a container, most often.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...launch.more,
    ...(launch.headless ? [] : [launch.start]),
  ];
}
