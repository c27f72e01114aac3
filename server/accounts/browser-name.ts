/** Longer names first where one contains the other: Edge and Opera call themselves Chrome too, Chrome calls itself Safari. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|Opera)\//, 'Opera'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(iPhone|iPad)\b/, 'iOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** "Firefox on Linux" from a User-Agent header; its first word for programs; never longer than 40 characters. */
export function browserName(userAgent: string): string {
  const named = (list: typeof browsers) => list.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = named(browsers) ?? userAgent.split('/', 1)[0]?.trim().slice(0, 40);
  if (!browser) return 'Unknown program';
  const system = named(systems);
  return system === undefined ? browser : `${browser} on ${system}`;
}

/** An address as people write it: better-auth keeps the network of an IPv6 address, with every zero. */
export function shortAddress(address: string): string {
  if (!address.includes(':') || !URL.canParse(`http://[${address}]`)) return address || 'unknown';
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
