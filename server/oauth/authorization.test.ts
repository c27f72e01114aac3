import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { AppId } from '../../protocol/app-id.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../core/sender.ts';
import {
  appPath,
  as,
  askToken,
  authorizationPath,
  callback,
  challenge,
  consent,
  fieldOf,
  grantTo,
  onwardOf,
  openTown,
  type Person,
  post,
  type Town,
  verifier,
} from './fixture.test.ts';

let town: Town;

const open = async (): Promise<void> => {
  town = await openTown();
};
const close = (): Promise<void> => town.close();

/** The answer to a GET as [status, where it leads or '']. */
async function asked(path: string, person?: Person): Promise<[number, string]> {
  const answer = await town.request(path, person === undefined ? { redirect: 'manual' } : as(person));
  return [answer.status, answer.headers.get('location') ?? ''];
}

async function pageAt(
  path: string,
  person?: Person,
): Promise<{ status: number; html: string; headers: Headers }> {
  const answer = await town.request(path, person === undefined ? { redirect: 'manual' } : as(person));
  expect(answer.headers.get('location')).toBeNull();
  return { status: answer.status, html: await answer.text(), headers: answer.headers };
}

describe('who asks', () => {
  beforeAll(open);
  afterAll(close);

  test.each([
    [{ client_id: undefined }, 'invalid_request'],
    [{ client_id: '' }, 'invalid_request'],
    [{ redirect_uri: undefined }, 'invalid_request'],
    [{ client_id: '123456789012-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.apps.reveille' }, 'invalid_client'],
    [{ client_id: "' OR 1=1 --" }, 'invalid_client'],
    [{ redirect_uri: `${callback}/` }, 'redirect_uri_mismatch'],
    [{ redirect_uri: `${callback}?a=b` }, 'redirect_uri_mismatch'],
    [{ redirect_uri: callback.toUpperCase() }, 'redirect_uri_mismatch'],
    [{ redirect_uri: 'https://sender.example.evil.example/back' }, 'redirect_uri_mismatch'],
    [{ redirect_uri: 'https://sender.example@evil.example/back' }, 'redirect_uri_mismatch'],
    [{ redirect_uri: 'javascript:alert(1)' }, 'redirect_uri_mismatch'],
    [{ redirect_uri: 'https://evil.example/', prompt: 'none' }, 'redirect_uri_mismatch'],
  ])('OA17 a request with %j gets a page with 400 and goes nowhere', async (change, error) => {
    const { status, html } = await pageAt(authorizationPath(town, change), town.ann);
    expect([status, html.includes(`Error: ${error}`)]).toEqual([400, true]);
  });

  test('OA17 the page says which redirect did not match, and a name that is script is text', async () => {
    const redirect_uri = 'https://evil.example/<script>alert(1)</script>';
    const { html } = await pageAt(authorizationPath(town, { redirect_uri }));
    expect(html).toContain('The redirect URI in the request: https://evil.example/&lt;script&gt;');
    expect(html).toContain('did not match a registered redirect URI');
    expect(html).not.toContain('<script');
  });

  test('OA17 a parameter that comes twice cannot say one thing to us and another to the client', async () => {
    for (const twice of ['&redirect_uri=https://evil.example/', `&client_id=${town.client.id}`]) {
      expect((await pageAt(`${authorizationPath(town)}${twice}`, town.ann)).status).toBe(400);
    }
  });

  test('OA17 an unknown app gets a page, and in silence an answer at its own address only', async () => {
    const app = 'a'.repeat(32) as AppId;
    const { status, html } = await pageAt(appPath(app), town.ann);
    expect([status, html.includes('unauthorized_client')]).toEqual([200, true]);
    const [, silent] = await asked(appPath(app, { prompt: 'none', state: 's' }));
    expect(silent).toStartWith(`https://${app}.chromiumapp.org/?error=unauthorized_client`);
    expect(silent).toEndWith('&state=s');
    const foreign = await pageAt(appPath(app, { prompt: 'none', redirect_uri: 'https://evil.example/' }));
    expect(foreign.status).toBe(200);
  });
});

describe('what is asked', () => {
  beforeAll(open);
  afterAll(close);

  test.each([
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: undefined }, 'unsupported_response_type'],
    [{ response_type: 'code token' }, 'unsupported_response_type'],
    [{ scope: undefined }, 'invalid_scope'],
    [{ scope: 'email' }, 'invalid_scope'],
    [{ access_type: 'always' }, 'invalid_request'],
    [{ approval_prompt: 'never' }, 'invalid_request'],
    [{ prompt: 'login' }, 'invalid_request'],
    [{ prompt: 'none consent' }, 'invalid_request'],
  ])('OA20 %j goes back to the client as an error, before anyone must sign in', async (change, error) => {
    const [status, location] = await asked(authorizationPath(town, { ...change, state: 'x' }));
    const back = new URL(location);
    expect([status, `${back.origin}${back.pathname}`]).toEqual([302, callback]);
    expect([back.searchParams.get('error'), back.searchParams.get('state')]).toEqual([error, 'x']);
    expect(back.searchParams.get('error_description')).not.toBeNull();
  });

  test('OA20 any other parameter twice is an error of the client', async () => {
    const [, location] = await asked(`${authorizationPath(town)}&scope=x`);
    expect(location).toContain('error=invalid_request');
  });

  test.each(['', 'a%20b', 'x+y', '%C3%BC%2F%26', 'a=b=c', "'quoted'", 'x'.repeat(2_000)])(
    'OA19 state %j goes back as it came, with a code and with an error',
    async (state) => {
      await grantTo(town, town.ann);
      const path = `${authorizationPath(town)}&state=${state}`;
      expect((await asked(path, town.ann))[1]).toMatch(/\?code=4\/[\w-]{43}&state=/);
      const raw = new URL(`http://x/${path}`).search.split('&state=')[1] ?? '';
      expect((await asked(path, town.ann))[1].split('&state=')[1]).toBe(raw);
      expect((await asked(`${path}&prompt=none`))[1]).toBe(`${callback}?error=login_required&state=${raw}`);
    },
  );

  test('OA19 without a state none goes back', async () => {
    await grantTo(town, town.ann);
    expect((await asked(authorizationPath(town), town.ann))[1]).not.toContain('state');
  });
});

describe('who is here', () => {
  beforeEach(open);
  afterEach(close);

  test('OA21 nobody: the sign-in page, which comes back to the same request', async () => {
    const [status, location] = await asked(
      authorizationPath(town, { state: 'a b', login_hint: 'ann@example.com' }),
    );
    const signIn = new URL(location, 'http://x');
    expect([status, signIn.pathname, signIn.searchParams.get('email')]).toEqual([
      302,
      '/accounts/sign-in',
      'ann@example.com',
    ]);
    const again = signIn.searchParams.get('return') ?? '';
    expect(again).toStartWith('/o/oauth2/auth?response_type=code');
    expect(again).toContain('state=a+b');
    expect((await pageAt(again, town.ann)).html).toContain('Guestbook server');
  });

  test('OA21 someone else than the hint, or a choice that is wanted: the chooser, once', async () => {
    for (const change of [
      { login_hint: 'bob@example.com' },
      { prompt: 'select_account' },
      { prompt: 'select_account consent' },
    ]) {
      const [, location] = await asked(authorizationPath(town, change), town.ann);
      const chooser = new URL(location, 'http://x');
      expect(chooser.pathname).toBe('/accounts/choose');
      const again = chooser.searchParams.get('return') ?? '';
      expect(again.includes('prompt=consent')).toBe(change.prompt?.includes('consent') ?? false);
      expect((await pageAt(again, town.ann)).html).toContain('Allow access');
    }
    expect((await pageAt(authorizationPath(town, { login_hint: 'ANN@example.com' }), town.ann)).status).toBe(
      200,
    );
  });

  test('OA22 prompt=none: a code when all is settled, else an error, never a page', async () => {
    const silent = authorizationPath(town, { prompt: 'none' });
    expect((await asked(silent))[1]).toBe(`${callback}?error=login_required`);
    expect((await asked(silent, town.ann))[1]).toBe(`${callback}?error=consent_required`);
    await grantTo(town, town.ann);
    expect((await asked(silent, town.ann))[1]).toMatch(/\?code=4\//);
    expect((await asked(`${silent}&approval_prompt=force`, town.ann))[1]).toBe(
      `${callback}?error=consent_required`,
    );
    expect((await asked(`${silent}&login_hint=bob@example.com`, town.ann))[1]).toBe(
      `${callback}?error=login_required`,
    );
  });

  test('OA33 a disabled account is told so in silence, and meets the sign-in page otherwise', async () => {
    const bob = await town.person('bob');
    await town.accounts.disable(bob.id, town.ann.id);
    const back = new URL((await asked(authorizationPath(town, { prompt: 'none' }), bob))[1] ?? '');
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.get('error_description')).toContain('This account is disabled.');
    expect((await asked(authorizationPath(town), bob))[1]).toStartWith('/accounts/sign-in?');
    await town.accounts.enable(bob.id, town.ann.id);
    expect((await asked(authorizationPath(town, { prompt: 'none' }), bob))[1]).toBe(
      `${callback}?error=login_required`,
    );
  });
});

describe('consent', () => {
  beforeEach(open);
  afterEach(close);

  test('OA23 the page names who asks, for what, in whose name; nobody can frame it', async () => {
    const { status, html, headers } = await pageAt(authorizationPath(town), town.ann);
    expect(status).toBe(200);
    for (const text of [
      'Guestbook server',
      'Send push messages',
      'while you are not here',
      'ann@example.com',
      'sender.example',
    ]) {
      expect(html).toContain(text);
    }
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('OA23 it is asked the first time for a set of scopes, the first time offline, and when forced', async () => {
    const online = authorizationPath(town, { access_type: 'online' });
    const page = async (path: string): Promise<boolean> => (await asked(path, town.ann))[0] === 200;
    expect(await page(online)).toBe(true);
    await exchanged(await consent(town, town.ann, online));
    expect(await page(online)).toBe(false);
    expect(await page(authorizationPath(town))).toBe(true);
    await grantTo(town, town.ann);
    expect(await page(authorizationPath(town))).toBe(false);
    expect(await page(authorizationPath(town, { scope: `${CHANNEL_SCOPE} ${SEND_SCOPE}` }))).toBe(true);
    for (const forced of [{ approval_prompt: 'force' }, { prompt: 'consent' }]) {
      expect(await page(authorizationPath(town, forced))).toBe(true);
    }
    expect((await asked(authorizationPath(town), await town.person('bob')))[0]).toBe(200);
  });

  test('OA23 a consent that was allowed but never exchanged is not remembered', async () => {
    await consent(town, town.ann, authorizationPath(town));
    expect((await asked(authorizationPath(town), town.ann))[0]).toBe(200);
  });

  test('OA23 a no goes back as access_denied, and gives nothing', async () => {
    const { html } = await pageAt(authorizationPath(town, { state: 's' }), town.ann);
    const fields = { request: fieldOf(html, 'request'), form_token: fieldOf(html, 'form_token') };
    for (const decision of ['deny', 'whatever']) {
      const answer = await town.request('/o/oauth2/auth', post(town.ann, { ...fields, decision }));
      expect(onwardOf(await answer.text())).toBe(`${callback}?error=access_denied&state=s`);
    }
    expect(await town.db.selectFrom('codes').selectAll().execute()).toEqual([]);
  });

  test('OA23 no yes counts without the token of this sign-in and this request', async () => {
    const bob = await town.person('bob');
    const again = { ...bob, cookie: (await town.accounts.signIn(bob.email, 'correct horse battery')).cookie };
    const mine = (await pageAt(authorizationPath(town), bob)).html;
    const other = (await pageAt(authorizationPath(town, { state: 'other' }), bob)).html;
    const anns = (await pageAt(authorizationPath(town), town.ann)).html;
    const request = fieldOf(mine, 'request');
    const forged: readonly [Person, Record<string, string>][] = [
      [bob, { request }],
      [bob, { request, form_token: '' }],
      [bob, { request, form_token: fieldOf(other, 'form_token') }],
      [bob, { request: fieldOf(other, 'request'), form_token: fieldOf(mine, 'form_token') }],
      [bob, { request, form_token: fieldOf(anns, 'form_token') }],
      [again, { request, form_token: fieldOf(mine, 'form_token') }],
    ];
    for (const [who, fields] of forged) {
      const answer = await town.request('/o/oauth2/auth', post(who, { ...fields, decision: 'allow' }));
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain('Please decide again');
    }
    expect(await town.db.selectFrom('codes').selectAll().execute()).toEqual([]);
    // Twelve hours later the right one is no good either.
    town.clock.advance(13 * 3_600_000);
    const late = { request, form_token: fieldOf(mine, 'form_token'), decision: 'allow' };
    expect((await town.request('/o/oauth2/auth', post(bob, late))).status).toBe(403);
  });

  test('OA23 a form that carries another request than a good one goes nowhere', async () => {
    const { html } = await pageAt(authorizationPath(town), town.ann);
    const request = fieldOf(html, 'request').replace(
      encodeURIComponent(callback),
      'https%3A%2F%2Fevil.example%2F',
    );
    const fields = { request, form_token: fieldOf(html, 'form_token'), decision: 'allow' };
    const answer = await town.request('/o/oauth2/auth', post(town.ann, fields));
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    expect((await town.request('/o/oauth2/auth', post(town.ann, {}))).status).toBe(400);
  });

  test('OA23 a form cannot smuggle a line end into a redirect', async () => {
    const query = authorizationPath(town, { scope: 'email' }).split('?')[1] ?? '';
    const fields = { request: `${query}&state=a\r\nSet-Cookie: b=c#d` };
    const answer = await town.request('/o/oauth2/auth', post(town.ann, fields));
    expect(answer.headers.get('location')).toEndWith('&state=aSet-Cookie:%20b=c');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  test('OA23 when the sign-in has ended meanwhile, the form leads to the sign-in page', async () => {
    const { html } = await pageAt(authorizationPath(town), town.ann);
    const fields = {
      request: fieldOf(html, 'request'),
      form_token: fieldOf(html, 'form_token'),
      decision: 'allow',
    };
    const answer = await town.request('/o/oauth2/auth', post(undefined, fields));
    expect(answer.headers.get('location')).toStartWith('/accounts/sign-in?return=');
  });

  test('OA23 the alias answers as well', async () => {
    expect((await pageAt(authorizationPath(town).replace('/auth?', '/v2/auth?'), town.ann)).html).toContain(
      'Allow access',
    );
  });
});

async function exchanged(back: URL): Promise<Record<string, unknown>> {
  const code = back.searchParams.get('code') ?? '';
  const answer = await askToken(town, { grant_type: 'authorization_code', code, redirect_uri: callback });
  return (await answer.json()) as Record<string, unknown>;
}

describe('the 26th consent', () => {
  beforeEach(open);
  afterEach(close);

  const forced = { approval_prompt: 'force' };

  test('OA13 it is refused with a page, nothing dies, and taking one back makes room', async () => {
    const tokens: string[] = [];
    for (let count = 0; count < 25; count += 1)
      tokens.push((await grantTo(town, town.ann, forced)).refresh_token);
    const { status, html } = await pageAt(authorizationPath(town, forced), town.ann);
    expect([status, html.match(/value="revoke"/g)?.length]).toEqual([403, 25]);
    const alive = async (): Promise<number> => {
      const answers = await Promise.all(
        tokens.map((refresh_token) => askToken(town, { grant_type: 'refresh_token', refresh_token })),
      );
      return answers.filter((answer) => answer.status === 200).length;
    };
    expect(await alive()).toBe(25);
    const fields = { request: fieldOf(html, 'request'), form_token: fieldOf(html, 'form_token') };
    const stubborn = await town.request('/o/oauth2/auth', post(town.ann, { ...fields, decision: 'allow' }));
    expect(stubborn.status).toBe(403);
    const taken = { ...fields, grant: fieldOf(html, 'grant'), decision: 'revoke' };
    const room = await (await town.request('/o/oauth2/auth', post(town.ann, taken))).text();
    expect(room).toContain('Allow access');
    expect(await alive()).toBe(24);
    expect((await grantTo(town, town.ann, forced)).refresh_token).toStartWith('1/');
    // Another account and another client have rooms of their own.
    expect((await pageAt(authorizationPath(town, forced), await town.person('bob'))).html).toContain(
      'Allow access',
    );
  });

  test('OA13 codes that wait for their exchange count, and the last word is said at the exchange', async () => {
    for (let count = 0; count < 24; count += 1) await grantTo(town, town.ann, forced);
    const open = await consent(town, town.ann, authorizationPath(town, forced));
    expect((await pageAt(authorizationPath(town, forced), town.ann)).html).toContain('in use yet');
    await town.grants.issueFor({ account: town.ann.id, client: town.client.id, scope: SEND_SCOPE });
    const code = open.searchParams.get('code') ?? '';
    const answer = await askToken(town, { grant_type: 'authorization_code', code, redirect_uri: callback });
    expect(answer.headers.get('reveille-hint')).toContain('25 live refresh tokens');
    expect([answer.status, await answer.text()]).toEqual([400, '{\n  "error" : "invalid_grant"\n}']);
  });
});

describe('an app signs in', () => {
  beforeEach(open);
  afterEach(close);

  test('OA24 being signed in is enough: a code at once, with a window and in silence', async () => {
    const { id } = await town.app(town.ann);
    const bob = await town.person('bob');
    for (const prompt of [undefined, 'none']) {
      const [status, location] = await asked(appPath(id, { prompt, state: 'q' }), bob);
      expect(status).toBe(302);
      expect(location).toMatch(
        new RegExp(`^https://${id}\\.chromiumapp\\.org/\\?code=4/[\\w-]{43}&state=q$`),
      );
    }
    expect((await asked(appPath(id, { prompt: 'none' })))[1]).toBe(
      `https://${id}.chromiumapp.org/?error=login_required`,
    );
  });

  test('OA24 an app that asks for consent gets its page first, then never again', async () => {
    const { id } = await town.app(town.ann);
    await town.apps.update(town.ann.id, id, {
      title: 'Shy app',
      channelConsent: 'ask',
      origins: '',
      redirectUris: '',
      subchannels: '',
    });
    const bob = await town.person('bob');
    expect((await asked(appPath(id, { prompt: 'none' }), bob))[1]).toContain('error=consent_required');
    const back = await consent(town, bob, appPath(id));
    expect(back.host).toBe(`${id}.chromiumapp.org`);
    await askToken(town, {
      client_id: id,
      client_secret: undefined,
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
      redirect_uri: `https://${id}.chromiumapp.org/`,
    });
    expect((await asked(appPath(id, { prompt: 'none' }), bob))[1]).toContain('?code=4/');
  });

  test('OA24 no address but its own, or one that its proven owners registered', async () => {
    const { id } = await town.app(town.ann);
    const other = await town.app(town.ann);
    for (const redirect_uri of [
      callback,
      `https://${other.id}.chromiumapp.org/`,
      `https://${id}.chromiumapp.org.evil.example/`,
    ]) {
      expect((await pageAt(appPath(id, { redirect_uri }), town.ann)).html).toContain('redirect_uri_mismatch');
    }
    const firefox = `https://${'0'.repeat(40)}.extensions.allizom.org/`;
    await town.apps.update(town.ann.id, id, {
      title: 'Both',
      channelConsent: 'none',
      origins: '',
      redirectUris: firefox,
      subchannels: '',
    });
    expect((await asked(appPath(id, { redirect_uri: firefox }), town.ann))[1]).toStartWith(
      `${firefox}?code=4/`,
    );
  });

  test('OA25 every page in its window answers 200 or 3xx and opens no other window', async () => {
    const { id } = await town.app(town.ann);
    await town.apps.update(town.ann.id, id, {
      title: 'Shy app',
      channelConsent: 'ask',
      origins: '',
      redirectUris: '',
      subchannels: '',
    });
    const consentPage = await pageAt(appPath(id), town.ann);
    const request = fieldOf(consentPage.html, 'request');
    const stale = await town.request(
      '/o/oauth2/auth',
      post(town.ann, { request, decision: 'allow', form_token: 'x' }),
    );
    const mismatch = await pageAt(appPath(id, { redirect_uri: 'https://evil.example/' }), town.ann);
    const unknown = await pageAt(appPath('b'.repeat(32) as AppId), town.ann);
    const pages = [consentPage, mismatch, unknown, { status: stale.status, html: await stale.text() }];
    town.sqlite.run('ALTER TABLE grants RENAME TO lost');
    const broken = await town.request(appPath(id), as(town.ann));
    pages.push({ status: broken.status, html: await broken.text() });
    for (const { status, html } of pages) {
      expect(status).toBe(200);
      expect(html).not.toContain('_blank');
    }
    expect(pages.at(-1)?.html).toContain('That did not work');
  });
});

describe('an app that asks for what it may not', () => {
  let id: AppId;

  beforeAll(async () => {
    await open();
    ({ id } = await town.app(town.ann));
  });
  afterAll(close);

  test.each([
    [{ scope: SEND_SCOPE }, 'invalid_scope'],
    [{ scope: `${SEND_SCOPE} ${CHANNEL_SCOPE}` }, 'invalid_scope'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge: challenge.slice(1) }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
  ])('OA24 an app that asks with %j is refused', async (change, error) => {
    expect((await asked(appPath(id, change), town.ann))[1]).toStartWith(
      `https://${id}.chromiumapp.org/?error=${error}`,
    );
  });
});
