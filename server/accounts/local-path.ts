/**
 * A `return` target, when it is a place on this server: a path, with a query maybe.
 * Anything that a browser could read as another origin is undefined: `//host`, a backslash, a scheme, and tabs and
 * line ends, which browsers drop before they read (WHATWG URL, section 4.4).
 */
export function localPath(value: unknown, origin: string): string | undefined {
  if (typeof value !== 'string' || value.length > 8_192) return undefined;
  if (!value.startsWith('/') || value.startsWith('//') || value.includes('\\')) return undefined;
  for (const char of value) if (char.charCodeAt(0) <= 0x20 || char.charCodeAt(0) === 0x7f) return undefined;
  if (!URL.canParse(value, origin)) return undefined;
  const url = new URL(value, origin);
  return url.origin === new URL(origin).origin && !url.pathname.startsWith('//') ? value : undefined;
}

/** The sign-in page that comes back to `path`. */
export const signInPath = (path: string): string =>
  `/accounts/sign-in?${new URLSearchParams({ return: path })}`;
