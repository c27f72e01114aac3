import { SEND_SCOPE } from '../core/sender.ts';
import type { Draft, Play } from './plays.ts';

export const PLAYGROUND = '/oauthplayground';

/** What a link can fill in: the scopes of step 1 and the request of step 3. */
export interface Shared {
  readonly scope: string;
  readonly draft: Draft;
}

const names = ['scope', 'method', 'url', 'headers', 'body'] as const;

/** The address that fills the playground in as it is now. Secrets and tokens stay out of it, wherever they stand. */
export function shareLink(origin: string, { configuration, tokens, scope, draft }: Play): string {
  const secrets = [configuration.clientSecret, tokens.code, tokens.refreshToken, tokens.accessToken];
  const cleaned = (text: string): string => withoutSecrets(text, secrets);
  const query = new URLSearchParams({
    scope: cleaned(scope),
    method: draft.method,
    url: cleaned(draft.url),
    headers: cleaned(withoutCredentials(draft.headers)),
    body: cleaned(draft.body),
  });
  for (const name of names) if (query.get(name) === '') query.delete(name);
  return `${origin}${PLAYGROUND}?${query}`;
}

/** What a link asks to be filled in; undefined when the address is a plain one. */
export function fromLink(query: URLSearchParams): Shared | undefined {
  if (!names.some((name) => query.has(name))) return undefined;
  const text = (name: (typeof names)[number], most: number): string => (query.get(name) ?? '').slice(0, most);
  return {
    scope: text('scope', 1_000),
    draft: {
      method: text('method', 10) || 'POST',
      url: text('url', 2_000),
      headers: text('headers', 4_000),
      body: text('body', 16_000),
    },
  };
}

/** Headers by which someone proves who they are. */
const withoutCredentials = (headers: string): string =>
  headers
    .split(/\r?\n/)
    .filter((line) => !/^\s*([\w-]*(auth|token|key|secret|cookie)[\w-]*)\s*:/i.test(line))
    .join('\n');

/** Tokens and codes by their shape (server/oauth/token-shapes.ts), also those that were never in a field of step 2. */
const TOKEN_SHAPES = /(?:\b[14](?:\/|%2F)|ya29\.)[\w-]{43}/gi;
const SECRET_PAIRS =
  /((?:client_secret|refresh_token|access_token|oauth_token|code_verifier|password|code)=)[^&\s"']*/gi;
const SECRET_MEMBERS =
  /(["'](?:client_secret|refresh_token|access_token|oauth_token|code_verifier|password|code)["']\s*:\s*)(?:"[^"]*"|'[^']*')/gi;

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let left = text;
  for (const secret of secrets)
    if (secret !== '') left = left.replaceAll(secret, '').replaceAll(encodeURIComponent(secret), '');
  return left.replace(TOKEN_SHAPES, '').replace(SECRET_PAIRS, '$1').replace(SECRET_MEMBERS, '$1""');
}

/** Requests to begin with, by name. */
export const examples = {
  send: { label: 'Send a message', draft: sendDraft },
  channel: {
    label: 'My channel id prefix',
    draft: () => ({ method: 'GET', url: '/gcm_for_chrome/v1/channels/id', headers: '', body: '' }),
  },
  tokeninfo: {
    label: 'Look at the access token',
    draft: () => ({ method: 'GET', url: '/oauth2/v1/tokeninfo', headers: '', body: '' }),
  },
} as const satisfies Readonly<
  Record<string, { readonly label: string; readonly draft: (channel: string) => Draft }>
>;

export const isExample = (name: string): name is keyof typeof examples => Object.hasOwn(examples, name);

/** The guide's message, to a channel of the one who is here when there is one. */
function sendDraft(channel: string): Draft {
  const message = {
    channelId: channel || 'THE CHANNEL ID THAT YOUR APP GOT',
    subchannelId: '0',
    payload: 'Thanks for installing my app!',
  };
  return {
    method: 'POST',
    url: '/gcm_for_chrome/v1/messages',
    headers: 'Content-Type: application/json',
    body: JSON.stringify(message, null, 2),
  };
}

/** A playground that nobody has touched yet. */
export function freshPlay(channel: string): Play {
  return {
    configuration: {
      own: false,
      clientId: '',
      clientSecret: '',
      accessType: 'offline',
      prompt: 'force',
      tokenPlace: 'bearer',
    },
    scope: SEND_SCOPE,
    state: undefined,
    tokens: { code: '', refreshToken: '', accessToken: '', expiresAt: 0, autoRefresh: true },
    draft: examples.send.draft(channel),
    exchanges: [],
  };
}
