import { type Call, type ServiceError, unreachable } from './service.ts';

/**
 * Sign-in of an installed app: OAuth 2.0 code flow with PKCE (RFC 7636) and the redirect that only the browser can
 * catch; or of a web app, with one of its own origin.
 */
export interface SignInPorts {
  readonly origin: string;
  readonly call: Call;
  readonly appId: string;
  /** Where the flow ends, if not at the address that Chromium keeps for the extension. */
  readonly redirectUri?: string;
  /** `chrome.identity.launchWebAuthFlow`: answers the address that the flow ended at. `interactive` false shows no page. */
  readonly launch: (url: string, interactive: boolean) => Promise<string | undefined>;
  /** Where the browser's own wording of a failure goes, for developers. */
  readonly note: (line: string) => void;
}

/** What `lastError.message` says: the historic strings (reference 2.3), sentences where those were numbers or silence. */
export const failures = {
  unavailable: 'The API is not available for this user.',
  signedOut: 'The user is not signed in.',
  noToken: 'Cannot obtain access token for the user.',
  noConsent: 'The user has not allowed this app. Call getChannelId(true).',
  dismissed: 'The user closed the sign-in window. Explain it, then call getChannelId(true) again.',
  oneWindow: 'A sign-in window is open. Finish it, then call again.',
  unknownApp: (origin: string, appId: string) =>
    `The push service at ${origin} does not know the app ${appId}. Register it there, or put its "key" into manifest.json.`,
  refused: (origin: string) =>
    `The push service at ${origin} cannot sign the user in. Open it in a tab: it says why.`,
} as const;

const scope = 'https://www.googleapis.com/auth/gcm_for_chrome.readonly';
const form = (fields: Record<string, string>): URLSearchParams => new URLSearchParams(fields);

/** Signs in and answers an access token. @throws Error whose message is for the app's developer or user. */
export async function signIn(ports: SignInPorts, interactive: boolean): Promise<string> {
  const { origin, call, appId, note, redirectUri = `https://${appId}.chromiumapp.org/` } = ports;
  const verifier = random();
  const state = random();
  const client = { client_id: appId, redirect_uri: redirectUri };
  const query = form({
    ...client,
    response_type: 'code',
    scope,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: 'S256',
    state,
    ...(interactive ? {} : { prompt: 'none' }),
  });
  const landed = await launch(ports, `${origin}/o/oauth2/auth?${query}`, interactive);
  const answer = new URL(landed).searchParams;
  const code = answer.get('code');
  if (code === null || answer.get('state') !== state) throw new Error(redirectFailure(ports, answer));
  try {
    const exchange = form({ ...client, grant_type: 'authorization_code', code, code_verifier: verifier });
    return String((await call('/o/oauth2/token', undefined, exchange)).access_token);
  } catch (error) {
    note(String(error));
    throw (error as ServiceError).status === 0 ? error : new Error(failures.noToken);
  }
}

/** RFC 7636, section 4.2: S256. */
export async function challengeOf(verifier: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** Runs the flow; a failure is told in our words. */
async function launch(ports: SignInPorts, url: string, interactive: boolean): Promise<string> {
  try {
    return (await ports.launch(url, interactive)) ?? 'about:blank';
  } catch (error) {
    const native = (error as Error).message;
    ports.note(native);
    throw new Error(await flowFailure(ports, native));
  }
}

/** What the error codes of a redirect mean (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6). */
function redirectFailure({ origin, appId, note }: SignInPorts, answer: URLSearchParams): string {
  const error = `${answer.get('error')}`;
  const description = answer.get('error_description');
  note(`${error}: ${description}`);
  if (/login|interaction/.test(error)) return failures.signedOut;
  if (error === 'consent_required') return failures.noConsent;
  if (/_client/.test(error)) return failures.unknownApp(origin, appId);
  // access_denied, a disabled account: the service says it in words.
  return description ?? failures.refused(origin);
}

/**
 * What Chromium's own texts mean (section 3 of the evidence). It says "could not be loaded" for a dead service and for any
 * page answered 4xx or 5xx alike, so the service is asked which it was: at the token endpoint an unknown client is
 * `invalid_client`.
 */
async function flowFailure({ origin, call, appId }: SignInPorts, native: string): Promise<string> {
  if (/approve/.test(native)) return failures.dismissed;
  if (/interaction/.test(native)) return failures.signedOut;
  if (/one web auth flow/.test(native)) return failures.oneWindow;
  if (native.startsWith(failures.unavailable)) return native;
  try {
    await call(
      '/o/oauth2/token',
      undefined,
      form({ grant_type: 'authorization_code', code: '-', client_id: appId }),
    );
  } catch (error) {
    const { status, reason } = error as ServiceError;
    if (status === 0) return unreachable(origin);
    if (/_client/.test(reason)) return failures.unknownApp(origin, appId);
  }
  return failures.refused(origin);
}

const random = (): string => base64Url(crypto.getRandomValues(new Uint8Array(32)));

function base64Url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replace(/[+/=]/g, (sign) => ({ '+': '-', '/': '_' })[sign] ?? '');
}
