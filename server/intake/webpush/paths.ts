/** What a path of the web push doors names. */
export type PushPath =
  | { readonly kind: 'push'; readonly token: string }
  | { readonly kind: 'message'; readonly name: string }
  | { readonly kind: 'receipts'; readonly name: string };

/** Ours, autopush's two, and the three that Chromium pastes its token into (only the host has to be replaced then). */
const PUSH = /^\/(?:wpush(?:\/v[12])?|fcm\/send|preprod\/wp|wp)\/([^/]+)$/;
const MESSAGE = /^\/m\/([^/]+)$/;
const RECEIPTS = /^\/receipts\/([^/]+)$/;

/** Does a path belong to these doors, also when it names nothing in there? */
export function isPushPath(path: string): boolean {
  return /^\/(?:wpush|fcm\/send|preprod\/wp|wp|m|receipts)\//.test(path);
}

/** Reads a path; undefined when it names nothing. */
export function readPushPath(path: string): PushPath | undefined {
  const token = PUSH.exec(path)?.[1];
  if (token !== undefined) return { kind: 'push', token };
  const message = MESSAGE.exec(path)?.[1];
  if (message !== undefined) return { kind: 'message', name: message };
  const receipts = RECEIPTS.exec(path)?.[1];
  return receipts === undefined ? undefined : { kind: 'receipts', name: receipts };
}
