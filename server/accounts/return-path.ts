/** `path` with where to go on afterwards, and `more`, in its query. */
export function withReturn(
  path: string,
  returnTo: string | undefined,
  more: Record<string, string> = {},
): string {
  const query = new URLSearchParams({
    ...more,
    ...(returnTo === undefined ? {} : { return: returnTo }),
  }).toString();
  return query === '' ? path : `${path}?${query}`;
}

/** The same for a form, as its hidden field. */
export const hiddenReturn = (returnTo: string | undefined): Record<string, string> =>
  returnTo === undefined ? {} : { return: returnTo };
