import { type AppId, isAppId } from '../../protocol/app-id.ts';
import type { AppOwners, OwnedApp } from '../core/app-owners.ts';
import { CHANNEL_SCOPE } from '../core/sender.ts';
import { bounds } from './bounds.ts';
import type { Client, Clients } from './clients.ts';
import { type Parameters, rawValue, readForm } from './parameters.ts';
import { isRedirectOfApp } from './redirect-rules.ts';
import { canonicalScope } from './scopes.ts';

/** Who asks: a client of a project, or an installed app that is its own public client. */
export type Asker =
  | { readonly kind: 'client'; readonly id: string; readonly name: string; readonly client: Client }
  | { readonly kind: 'app'; readonly id: AppId; readonly name: string; readonly app: OwnedApp };

/** A request whose asker and redirect are known to belong together: from here on errors go back to the asker. */
export interface Addressed {
  readonly asker: Asker;
  readonly redirectUri: string;
  /** Still encoded, to go back as it came. */
  readonly rawState: string | undefined;
  /** prompt=none: no page may be shown. */
  readonly silent: boolean;
  /** The request itself, without the question mark: it is carried through sign-in, chooser and consent. */
  readonly query: string;
}

/** A request that can be granted when its person agrees. */
export interface AuthorizationRequest extends Addressed {
  readonly scope: string;
  readonly offline: boolean;
  /** Consent is asked for even when it was given before. */
  readonly forced: boolean;
  readonly choose: boolean;
  readonly loginHint: string | undefined;
  readonly challenge: string | null;
}

/** A fault before the asker is known: a page of ours says it, nothing is sent anywhere (RFC 6749 section 4.1.2.1). */
export interface Unaddressed {
  readonly fault: 'invalid_request' | 'invalid_client' | 'unauthorized_client' | 'redirect_uri_mismatch';
  readonly sentence: string;
  /** The app id that asked, whether or not it is known here: its sign-in window bears no error status. */
  readonly appId: AppId | undefined;
  /** Where a silent flow of an app hears of it: an address that the browser gives to that very app alone. */
  readonly silentRedirect: string | undefined;
  readonly rawState: string | undefined;
}

/** A fault that goes back to the asker as `error`. */
export interface Faulty {
  readonly error: 'invalid_request' | 'invalid_scope' | 'unsupported_response_type';
  readonly description: string;
}

/** Finds who asks and whether the answer may go where they want it. */
export async function readAddress(
  search: string,
  deps: { readonly clients: Clients; readonly owners: AppOwners },
): Promise<Addressed | Unaddressed> {
  const query = search.replace(/^\?/, '');
  const parameters = readForm(query);
  const clientId = parameters.get('client_id') ?? '';
  const redirectUri = parameters.get('redirect_uri') ?? '';
  const rawState = rawValue(query, 'state');
  const silent = (parameters.get('prompt') ?? '').split(' ').includes('none');
  const appId = isAppId(clientId) ? clientId : undefined;
  const ownHost = appId !== undefined && isRedirectOfApp(appId, [], redirectUri);
  const silentRedirect = silent && ownHost ? redirectUri : undefined;
  const refuse = (fault: Unaddressed['fault'], sentence: string): Unaddressed => ({
    fault,
    sentence,
    appId,
    silentRedirect,
    rawState,
  });
  if (query.length > bounds.requestCharacters) return refuse('invalid_request', 'The request is too long.');
  for (const name of ['client_id', 'redirect_uri']) {
    if (parameters.repeated.includes(name))
      return refuse('invalid_request', `The parameter ${name} came more than once.`);
    if (!parameters.get(name)) return refuse('invalid_request', `The required parameter ${name} is missing.`);
  }
  const asker = await findAsker(clientId, deps);
  if (asker === undefined)
    return appId === undefined
      ? refuse('invalid_client', unknownClient)
      : refuse('unauthorized_client', unknownApp);
  if (!isRedirectOf(asker, redirectUri)) {
    return refuse(
      'redirect_uri_mismatch',
      `The redirect URI in the request: ${redirectUri} did not match a registered redirect URI.`,
    );
  }
  return { asker, redirectUri, rawState, silent, query };
}

const unknownClient = 'No OAuth client has this client_id. Copy it again from the console.';
const unknownApp =
  'No app with this id is registered on this server. Register it in the console under "My apps", or point the app at the server that knows it.';

async function findAsker(
  id: string,
  deps: { readonly clients: Clients; readonly owners: AppOwners },
): Promise<Asker | undefined> {
  if (isAppId(id)) {
    const app = await deps.owners.find(id);
    return app && { kind: 'app', id, name: app.title, app };
  }
  const client = await deps.clients.find(id);
  return client && { kind: 'client', id, name: client.name, client };
}

function isRedirectOf(asker: Asker, redirectUri: string): boolean {
  return asker.kind === 'app'
    ? isRedirectOfApp(asker.id, asker.app.redirectUris, redirectUri)
    : asker.client.redirectUris.includes(redirectUri);
}

/** Reads what is asked for. Rules in the order in which a developer meets them. */
export function readRequest(addressed: Addressed): AuthorizationRequest | Faulty {
  const parameters = readForm(addressed.query);
  const get = (name: string): string => parameters.get(name) ?? '';
  const [twice] = parameters.repeated;
  if (twice !== undefined) return invalid(`The parameter ${twice} came more than once.`);
  if (get('response_type') !== 'code') {
    return { error: 'unsupported_response_type', description: 'response_type must be code.' };
  }
  const scope = canonicalScope(get('scope'));
  if (scope === undefined) return { error: 'invalid_scope', description: 'The scope is missing or unknown.' };
  const isApp = addressed.asker.kind === 'app';
  if (isApp && scope !== CHANNEL_SCOPE)
    return { error: 'invalid_scope', description: `An app may ask for ${CHANNEL_SCOPE} only.` };
  const wrong = wrongChoice(parameters) ?? wrongChallenge(parameters, isApp);
  if (wrong !== undefined) return invalid(wrong);
  const prompts = get('prompt').split(' ');
  return {
    ...addressed,
    scope,
    // An app gets no refresh token: its device token carries on.
    offline: !isApp && get('access_type') === 'offline',
    forced: get('approval_prompt') === 'force' || prompts.includes('consent'),
    choose: prompts.includes('select_account'),
    loginHint: get('login_hint') || undefined,
    challenge: get('code_challenge') || null,
  };
}

const invalid = (description: string): Faulty => ({ error: 'invalid_request', description });

/** Parameters that are one of a few words; an empty one counts as not sent. */
function wrongChoice(parameters: Parameters): string | undefined {
  const choices = { access_type: ['online', 'offline'], approval_prompt: ['auto', 'force'] } as const;
  for (const [name, words] of Object.entries(choices)) {
    const value = parameters.get(name);
    if (value && !words.some((word) => word === value)) return `${name} must be ${words.join(' or ')}.`;
  }
  const prompts = (parameters.get('prompt') ?? '').split(' ').filter((word) => word !== '');
  if (prompts.some((word) => !['none', 'consent', 'select_account'].includes(word))) {
    return 'prompt must be none, consent or select_account.';
  }
  return prompts.includes('none') && prompts.length > 1 ? 'prompt=none stands alone.' : undefined;
}

/**
 * RFC 7636 with S256 only: `plain`, and a challenge without a method, which means plain, would let whoever sees the
 * request use the code.
 */
function wrongChallenge(parameters: Parameters, required: boolean): string | undefined {
  const challenge = parameters.get('code_challenge') ?? '';
  const method = parameters.get('code_challenge_method') ?? '';
  if (challenge === '') {
    if (required) return 'An app must send code_challenge and code_challenge_method=S256 (PKCE).';
    return method === '' ? undefined : 'code_challenge is missing.';
  }
  if (method !== 'S256') return 'code_challenge_method must be S256.';
  return /^[A-Za-z0-9_-]{43}$/.test(challenge)
    ? undefined
    : 'code_challenge must be 43 characters of base64url.';
}
