const browsers: readonly [RegExp, string][] = [
  [/\bEdg\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bFirefox\/(\d+)/, 'Firefox'],
  [/\bChrome\/(\d+)/, 'Chrome'],
];
const systems: readonly [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** A name for a device that gave none, as its user would say it: "Chrome 128 on Linux". */
export function deviceName(userAgent: string | null): string {
  const agent = userAgent ?? '';
  const browser = browsers.find(([pattern]) => pattern.test(agent));
  if (browser === undefined) return 'unnamed device';
  const name = `${browser[1]} ${browser[0].exec(agent)?.[1]}`;
  const system = systems.find(([pattern]) => pattern.test(agent));
  return system === undefined ? name : `${name} on ${system[1]}`;
}
