import { existsSync } from 'node:fs';

/** Where Debian and others put the stock browsers; `CHROMIUM` and `FIREFOX` name others. */
const places = {
  chromium: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  firefox: ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/snap/bin/firefox'],
} as const;

/**
 * Where Debian's Chromium looks for extensions that the machine names. It looks in `/usr/share/chromium/extensions` too, but
 * what lies there Debian's launcher also takes for unpacked extensions, and Chromium complains of it.
 */
export const externalExtensions = '/usr/lib/chromium/extensions';

/** The program of Chromium. @throws Error that names the package to install. */
export function chromiumPath(): string {
  return found(
    process.env.CHROMIUM,
    places.chromium,
    'No Chromium here. On Debian: apt-get install chromium',
  );
}

/** The program of Firefox. @throws Error that names the package to install. */
export function firefoxPath(): string {
  return found(
    process.env.FIREFOX,
    places.firefox,
    'No Firefox here. On Debian: apt-get install firefox-esr',
  );
}

function found(named: string | undefined, candidates: readonly string[], otherwise: string): string {
  const path = [named ?? '', ...candidates].find((place) => existsSync(place));
  if (path === undefined) throw new Error(otherwise);
  return path;
}
