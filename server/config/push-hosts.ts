/**
 * The push services of the browsers: Chrome and its relatives (jmt17 is where a Chromium of an unknown channel goes, such as
 * Debian's), Firefox, Edge on Windows, Safari.
 */
export const vendorHosts: readonly string[] = [
  'fcm.googleapis.com',
  'android.googleapis.com',
  'jmt17.google.com',
  '*.push.services.mozilla.com',
  '*.notify.windows.com',
  '*.push.apple.com',
];

const ENTRY = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?$/;

/**
 * Hosts with commas between: `host`, `host:port`, `*.host`; `vendors` stands for the list above, `none` alone for nobody.
 * undefined = one is none of these.
 */
export function parsePushHosts(text: string): readonly string[] | undefined {
  const entries = text
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.some((entry) => !ENTRY.test(entry))) return undefined;
  if (entries.length === 1 && entries[0] === 'none') return [];
  return entries.flatMap((entry) => (entry === 'vendors' ? vendorHosts : [entry]));
}
