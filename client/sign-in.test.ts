import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createCall } from './service.ts';
import { challengeOf, failures, signIn } from './sign-in.ts';

const origin = 'http://127.0.0.1:8030';
const appId = 'abcdefghijklmnopabcdefghijklmnop';
const redirect = `https://${appId}.chromiumapp.org/`;

interface World {
  /** Where the flow ends; throws what Chromium would say. */
  readonly flow?: (url: URL) => string;
  readonly token?: () => Response;
}

function world({ flow = granted, token = () => Response.json({ access_token: 'access' }) }: World = {}) {
  const notes: string[] = [];
  const forms: URLSearchParams[] = [];
  const opened: { url: URL; interactive: boolean }[] = [];
  const ports = {
    origin,
    appId,
    note: (line: string) => void notes.push(line),
    call: createCall(origin, async (_, init) => {
      forms.push(init.body as URLSearchParams);
      return token();
    }),
    launch: async (url: string, interactive: boolean) => {
      opened.push({ url: new URL(url), interactive });
      return flow(new URL(url));
    },
  };
  return { ports, notes, forms, opened };
}

const granted = (url: URL): string => `${redirect}?code=the-code&state=${url.searchParams.get('state')}`;
const denied =
  (error: string, description = '') =>
  (): string =>
    `${redirect}?${new URLSearchParams({ error, ...(description === '' ? {} : { error_description: description }) })}`;
const native = (text: string) => (): never => {
  throw new Error(text);
};
const refused = (status: number, error: string) => () => Response.json({ error }, { status });

test('CL12 the flow asks for a code with PKCE and the scope of a reader, without a page unless interactive', async () => {
  const { ports, opened, forms } = world();
  assert.equal(await signIn(ports, false), 'access');
  assert.equal(await signIn(ports, true), 'access');
  const [silent, shown] = opened.map(({ url, interactive }) => ({
    ...Object.fromEntries(url.searchParams),
    interactive,
  }));
  assert.ok(silent !== undefined && shown !== undefined);
  const { code_challenge, state, ...rest } = silent as Record<string, unknown>;
  assert.deepEqual(rest, {
    client_id: appId,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'https://www.googleapis.com/auth/gcm_for_chrome.readonly',
    code_challenge_method: 'S256',
    prompt: 'none',
    interactive: false,
  });
  assert.equal('prompt' in shown, false);
  assert.notEqual((shown as Record<string, unknown>).state, state);
  const form = Object.fromEntries(forms[0] ?? []);
  assert.equal(await challengeOf(String(form.code_verifier)), code_challenge);
  assert.deepEqual(
    { ...form, code_verifier: '' },
    {
      grant_type: 'authorization_code',
      code: 'the-code',
      redirect_uri: redirect,
      client_id: appId,
      code_verifier: '',
    },
  );
});

test('CL12 the challenge is the one of RFC 7636, appendix B', async () => {
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  assert.equal(await challengeOf(verifier), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

test('CL13 an answer with a foreign state is refused', async () => {
  const { ports, forms } = world({ flow: () => `${redirect}?code=stolen&state=other` });
  await assert.rejects(signIn(ports, true), { message: failures.refused(origin) });
  assert.equal(forms.length, 0);
});

test('CL7 signed out: the historic sentence, for a redirect with login_required and for the page that was not shown', async () => {
  for (const flow of [
    denied('login_required'),
    native('User interaction required. Try setting `abortOnLoad…`'),
  ]) {
    await assert.rejects(signIn(world({ flow }).ports, false), { message: 'The user is not signed in.' });
  }
});

test('CL7 a dismissed window has its own sentence and next step', async () => {
  const { ports, notes } = world({ flow: native('The user did not approve access.') });
  await assert.rejects(signIn(ports, true), { message: failures.dismissed });
  assert.deepEqual(notes, ['The user did not approve access.']);
});

test('CL7 a second window at the same time has its own sentence', async () => {
  const { ports } = world({ flow: native('Only one web auth flow is allowed at a time.') });
  await assert.rejects(signIn(ports, true), { message: failures.oneWindow });
});

test('CL7 a page that could not be loaded: unknown app, dead service and refusing service are told apart', async () => {
  const flow = native('Authorization page could not be loaded.');
  await assert.rejects(signIn(world({ flow, token: refused(401, 'invalid_client') }).ports, false), {
    message: failures.unknownApp(origin, appId),
  });
  const dead = (): never => {
    throw new TypeError('fetch failed');
  };
  await assert.rejects(signIn(world({ flow, token: dead }).ports, false), /cannot be reached/);
  await assert.rejects(signIn(world({ flow, token: refused(400, 'invalid_grant') }).ports, false), {
    message: failures.refused(origin),
  });
});

test('CL7 what the service says in words reaches the app: a disabled account, a consent that is missing', async () => {
  const flow = denied('access_denied', 'This account is disabled. Ask the administrator.');
  await assert.rejects(signIn(world({ flow }).ports, false), {
    message: 'This account is disabled. Ask the administrator.',
  });
  await assert.rejects(signIn(world({ flow: denied('consent_required') }).ports, false), {
    message: failures.noConsent,
  });
  await assert.rejects(signIn(world({ flow: denied('server_error') }).ports, false), {
    message: failures.refused(origin),
  });
  await assert.rejects(signIn(world({ flow: denied('unauthorized_client') }).ports, false), {
    message: failures.unknownApp(origin, appId),
  });
});

test('CL7 a refused token exchange keeps the historic sentence, a service that died before it has its own', async () => {
  const { ports, notes } = world({ token: refused(400, 'invalid_grant') });
  await assert.rejects(signIn(ports, false), { message: 'Cannot obtain access token for the user.' });
  assert.equal(notes.length, 1);
  const dead = (): never => {
    throw new TypeError('fetch failed');
  };
  await assert.rejects(signIn(world({ token: dead }).ports, false), /cannot be reached/);
});

test('CL7 a sentence of ours that the flow could not even begin with is kept', async () => {
  const own = `${failures.unavailable} Add "identity" to "permissions" in manifest.json.`;
  await assert.rejects(signIn(world({ flow: native(own) }).ports, false), { message: own });
});

test('CL12 the verifier has 256 random bits in letters that a form leaves alone', async () => {
  const { ports, forms } = world();
  await signIn(ports, false);
  const verifier = forms[0]?.get('code_verifier') ?? '';
  assert.match(verifier, /^[\w-]{43}$/);
  assert.equal(createHash('sha256').update(verifier).digest('base64url'), await challengeOf(verifier));
});
