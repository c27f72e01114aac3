/** The id of an app or extension: 32 letters a-p, made by the browser from its public key (reference 4.1). */
export type AppId = string & { readonly __brand: 'AppId' };

const APP_ID = /^[a-p]{32}$/;

/** True for exactly 32 letters a to p. */
export function isAppId(text: string): text is AppId {
  return APP_ID.test(text);
}
