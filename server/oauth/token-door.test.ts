import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ManualClock } from '../core/manual-clock.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../core/sender.ts';
import {
  appPath,
  appToken,
  as,
  askToken,
  authorizationPath,
  callback,
  challenge,
  consent,
  grantTo,
  openTown,
  type Town,
  verifier,
} from './fixture.test.ts';

let town: Town;

beforeEach(async () => {
  town = await openTown();
});

afterEach(async () => {
  await town.close();
});

const minutes = (count: number): number => count * 60_000;

async function freshCode(change: Record<string, string | undefined> = {}): Promise<string> {
  const back = await consent(
    town,
    town.ann,
    authorizationPath(town, { approval_prompt: 'force', ...change }),
  );
  return back.searchParams.get('code') ?? '';
}

const exchange = (code: string, change: Record<string, string | undefined> = {}): Promise<Response> =>
  askToken(town, { grant_type: 'authorization_code', code, redirect_uri: callback, ...change });

const refresh = (refreshToken: string, change: Record<string, string | undefined> = {}): Promise<Response> =>
  askToken(town, { grant_type: 'refresh_token', refresh_token: refreshToken, ...change });

async function told(answer: Response): Promise<[number, string]> {
  return [answer.status, await answer.text()];
}

const errorBody = (code: string): string => `{\n  "error" : "${code}"\n}`;

describe('the exchange of a code', () => {
  test('OA8 an offline code with consent brings both tokens, laid out as in 2013', async () => {
    const answer = await exchange(await freshCode());
    const text = await answer.text();
    expect(text).toMatch(
      /^\{\n {2}"access_token" : "ya29\.[\w-]{43}",\n {2}"token_type" : "Bearer",\n {2}"expires_in" : 3600,\n {2}"refresh_token" : "1\/[\w-]{43}"\n\}$/,
    );
    expect([answer.status, answer.headers.get('reveille-hint')]).toEqual([200, null]);
  });

  test('OA8 an online code and a consent that was remembered bring none, and the header says why', async () => {
    const online = await exchange(await freshCode({ access_type: undefined }));
    expect(await online.json()).not.toHaveProperty('refresh_token');
    expect(online.headers.get('reveille-hint')).toContain('access_type=offline');
    await exchange(await freshCode());
    const remembered = await town.request(authorizationPath(town), as(town.ann));
    const code = new URL(remembered.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const again = await exchange(code);
    expect(await again.json()).not.toHaveProperty('refresh_token');
    expect(again.headers.get('reveille-hint')).toContain('approval_prompt=force');
  });

  test('OA9 a second use is refused and ends the grant made from the first, and no other', async () => {
    const bystander = await grantTo(town, town.ann);
    const code = await freshCode();
    const { access_token, refresh_token } = (await (await exchange(code)).json()) as Record<string, string>;
    expect(await town.senders.identify(access_token ?? '')).toMatchObject({ account: town.ann.id });
    expect(await told(await exchange(code))).toEqual([400, errorBody('invalid_grant')]);
    expect(() => town.senders.identify(access_token ?? '')).toThrow();
    expect(await told(await refresh(refresh_token ?? ''))).toEqual([400, errorBody('invalid_grant')]);
    expect((await refresh(bystander.refresh_token)).status).toBe(200);
    expect(await told(await exchange(code))).toEqual([400, errorBody('invalid_grant')]);
  });

  test('OA9 of exchanges at the same moment at most one gets tokens, and they do not outlive the others', async () => {
    const code = await freshCode();
    const answers = await Promise.all([exchange(code), exchange(code), exchange(code)]);
    const good = answers.filter(({ status }) => status === 200);
    expect(good.length).toBeLessThanOrEqual(1);
    for (const answer of good) {
      const { refresh_token } = (await answer.json()) as { refresh_token: string };
      expect((await refresh(refresh_token)).status).toBe(400);
    }
  });

  test('OA9 of an app a second use ends the access tokens and leaves the grant that its profiles share', async () => {
    const { id } = await town.app(town.ann);
    const asked = await town.request(appPath(id), as(town.ann));
    const code = new URL(asked.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const parameters = {
      client_id: id,
      client_secret: undefined,
      code_verifier: verifier,
      redirect_uri: `https://${id}.chromiumapp.org/`,
    };
    const { access_token } = (await (await exchange(code, parameters)).json()) as { access_token: string };
    expect((await exchange(code, parameters)).status).toBe(400);
    expect(town.senders.identify(access_token)).rejects.toThrow('Invalid Credentials');
    expect((await town.grants.list(town.ann.id)).map(({ client }) => client)).toEqual([id]);
  });

  test('OA9 a code is good for 60 seconds', async () => {
    const [inTime, late] = [await freshCode(), await freshCode()];
    town.clock.advance(59_999);
    expect((await exchange(inTime)).status).toBe(200);
    town.clock.advance(1);
    const answer = await exchange(late);
    expect(answer.headers.get('reveille-hint')).toContain('60 seconds');
    expect(await told(answer)).toEqual([400, errorBody('invalid_grant')]);
  });

  test('OA9 a used code is remembered for a day after its end, an unused one is swept', async () => {
    const [used, unused] = [await freshCode(), await freshCode()];
    const { refresh_token } = (await (await exchange(used)).json()) as { refresh_token: string };
    town.clock.advance(minutes(60));
    await freshCode();
    expect(await town.db.selectFrom('codes').selectAll().execute()).toHaveLength(2);
    expect((await exchange(unused)).status).toBe(400);
    expect((await exchange(used)).status).toBe(400);
    expect((await refresh(refresh_token)).status).toBe(400);
  });

  test('OA9 a code is good for its client and its redirect only, and a wrong redirect spends it', async () => {
    const redirectUris = [callback];
    const other = await town.clients.create(town.ann, town.project, { name: 'Other', redirectUris });
    const code = await freshCode();
    const stolen = await exchange(code, { client_id: other.client.id, client_secret: other.secret });
    expect(await told(stolen)).toEqual([400, errorBody('invalid_grant')]);
    for (const redirect_uri of [undefined, `${callback}/`]) {
      const spent = await freshCode();
      expect(await told(await exchange(spent, { redirect_uri }))).toEqual([
        400,
        errorBody('redirect_uri_mismatch'),
      ]);
      expect((await exchange(spent)).status).toBe(400);
    }
    // What another client tried with it did not spend the code of the right one.
    expect((await exchange(code)).status).toBe(200);
  });
});

describe('PKCE', () => {
  test('OA10 a code with a challenge needs its verifier, and a wrong guess spends it', async () => {
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    expect((await exchange(await freshCode(pkce), { code_verifier: verifier })).status).toBe(200);
    for (const code_verifier of [undefined, `${verifier}x`, challenge]) {
      const code = await freshCode(pkce);
      expect(await told(await exchange(code, { code_verifier }))).toEqual([400, errorBody('invalid_grant')]);
      expect((await exchange(code, { code_verifier: verifier })).status).toBe(400);
    }
  });

  test('OA10 a code without a challenge takes no verifier', async () => {
    expect((await exchange(await freshCode(), { code_verifier: verifier })).status).toBe(400);
  });

  test('OA10 a verifier never stands in for the secret of a client', async () => {
    const code = await freshCode({ code_challenge: challenge, code_challenge_method: 'S256' });
    const answer = await exchange(code, { code_verifier: verifier, client_secret: undefined });
    expect(await told(answer)).toEqual([401, errorBody('invalid_client')]);
  });

  test.each([
    { code_challenge: challenge },
    { code_challenge: verifier, code_challenge_method: 'plain' },
    { code_challenge_method: 'S256' },
    { code_challenge: 'short', code_challenge_method: 'S256' },
  ])('OA10 a request with %j is refused before any page', async (change) => {
    const answer = await town.request(authorizationPath(town, change), as(town.ann));
    expect(answer.headers.get('location')).toStartWith(`${callback}?error=invalid_request`);
  });
});

describe('the refresh', () => {
  test('OA4 the token it has is given again until five minutes are left, then a fresh one', async () => {
    const { access_token, refresh_token } = await grantTo(town, town.ann);
    town.clock.advance(minutes(54));
    const again = (await (await refresh(refresh_token)).json()) as Record<string, unknown>;
    expect(again).toEqual({ access_token, token_type: 'Bearer', expires_in: 360 });
    town.clock.advance(minutes(1));
    const fresh = (await (await refresh(refresh_token)).json()) as {
      access_token: string;
      expires_in: number;
    };
    expect(fresh.access_token).not.toBe(access_token);
    expect(fresh.expires_in).toBe(3600);
    // The one before is good to its end.
    expect(await town.senders.identify(access_token)).toMatchObject({ account: town.ann.id });
    town.clock.advance(minutes(5));
    expect(() => town.senders.identify(access_token)).toThrow('Invalid Credentials');
  });

  test('OA4 after a change of keys a fresh token is issued, and the one before is good to its end', async () => {
    const { access_token, refresh_token } = await grantTo(town, town.ann);
    // Another key makes another text of the same issue; its hash is no longer what was kept.
    await town.db.updateTable('access_tokens').set({ issue: 7 }).execute();
    const fresh = (await (await refresh(refresh_token)).json()) as {
      access_token: string;
      expires_in: number;
    };
    expect([fresh.access_token === access_token, fresh.expires_in]).toEqual([false, 3600]);
    expect(await town.senders.identify(access_token)).toMatchObject({ account: town.ann.id });
    expect(await town.senders.identify(fresh.access_token)).toMatchObject({ account: town.ann.id });
  });

  test('OA1 a refresh token stands for years, without rotation', async () => {
    const { refresh_token } = await grantTo(town, town.ann);
    for (let year = 0; year < 3; year += 1) {
      town.clock.advance(365 * 24 * minutes(60));
      const answer = await refresh(refresh_token);
      expect(await answer.json()).not.toHaveProperty('refresh_token');
      expect(answer.status).toBe(200);
    }
  });

  test('OA3 no code, token or secret stands in the database', async () => {
    const { access_token, refresh_token } = await grantTo(town, town.ann);
    const code = await freshCode();
    const kept = JSON.stringify(
      await Promise.all(
        (['codes', 'refresh_tokens', 'access_tokens', 'grants', 'clients', 'audit'] as const).map((table) =>
          town.db.selectFrom(table).selectAll().execute(),
        ),
      ),
    );
    for (const secret of [access_token, refresh_token, code, town.secret]) {
      expect(kept).not.toContain(secret);
      expect(kept).not.toContain(secret.slice(4));
    }
  });

  test('OA11 a sender that refreshes a hundred times in a row is served', async () => {
    const { access_token, refresh_token } = await grantTo(town, town.ann);
    for (let count = 0; count < 100; count += 1) {
      const answer = await refresh(refresh_token);
      expect(((await answer.json()) as { access_token: string }).access_token).toBe(access_token);
    }
  });

  test('OA11 beyond 120 repeats it is 429 in plain text, a second later one more is served, others are not touched', async () => {
    const { refresh_token } = await grantTo(town, town.ann);
    const other = await grantTo(town, town.ann);
    for (let count = 0; count < 120; count += 1) expect((await refresh(refresh_token)).status).toBe(200);
    const answer = await refresh(refresh_token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
    expect(answer.headers.get('content-type')).toStartWith('text/plain');
    expect(await answer.text()).not.toContain('"error"');
    expect((await refresh(other.refresh_token)).status).toBe(200);
    town.clock.advance(1_000);
    expect((await refresh(refresh_token)).status).toBe(200);
    expect((await refresh(refresh_token)).status).toBe(429);
  });

  test('OA11 ten real issues an hour', async () => {
    const { refresh_token } = await grantTo(town, town.ann);
    for (let count = 0; count < 10; count += 1) {
      await town.db.deleteFrom('access_tokens').execute();
      expect((await refresh(refresh_token)).status).toBe(200);
    }
    await town.db.deleteFrom('access_tokens').execute();
    const answer = await refresh(refresh_token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '360']);
  });

  test('OA11 600 calls a minute from one address, whatever they ask for', async () => {
    for (let count = 0; count < 600; count += 1) expect((await refresh('1/x')).status).toBe(400);
    const answer = await refresh('1/x');
    expect(answer.status).toBe(429);
    expect(await answer.text()).toStartWith('Rate Limit Exceeded');
  });
});

test('OA11 under --compat 2013 the lock-out is a 403 page without Retry-After', async () => {
  const historic = await openTown({ compat2013: true, clock: new ManualClock(Date.now()) });
  const { refresh_token } = await grantTo(historic, historic.ann);
  const ask = () => askToken(historic, { grant_type: 'refresh_token', refresh_token });
  for (let count = 0; count < 120; count += 1) await ask();
  const answer = await ask();
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('retry-after')]).toEqual([
    403,
    'text/html; charset=utf-8',
    null,
  ]);
  await historic.close();
});

describe('the forms of a request', () => {
  test('OA7 any order, an extra scope, no Content-Type, each address', async () => {
    const { refresh_token, access_token } = await grantTo(town, town.ann);
    const body = new URLSearchParams({
      scope: 'whatever it likes',
      refresh_token,
      client_secret: town.secret,
      grant_type: 'refresh_token',
      client_id: town.client.id,
    }).toString();
    const paths = ['/o/oauth2/token', '//o/oauth2/token', '/o/auth2/auth', '/token', '/oauth2/v4/token'];
    for (const path of paths) {
      const answer = await town.request(path, { method: 'POST', body: new TextEncoder().encode(body) });
      expect([path, ((await answer.json()) as { access_token: string }).access_token]).toEqual([
        path,
        access_token,
      ]);
    }
  });

  test('OA7 JSON, and client credentials as Basic', async () => {
    const { refresh_token } = await grantTo(town, town.ann);
    const json = {
      grant_type: 'refresh_token',
      refresh_token,
      client_id: town.client.id,
      client_secret: town.secret,
    };
    const asJson = await town.request('/oauth2/v4/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(json),
    });
    expect(asJson.status).toBe(200);
    const authorization = `Basic ${btoa(`${town.client.id}:${town.secret}`)}`;
    const asBasic = await town.request('/o/oauth2/token', {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
    });
    expect(asBasic.status).toBe(200);
  });

  test('OA6 the table of refusals, byte by byte', async () => {
    const { refresh_token } = await grantTo(town, town.ann);
    const other = await town.clients.create(town.ann, town.project, { name: 'Other', redirectUris: [] });
    const table: readonly [Record<string, string | undefined>, number, string][] = [
      [{}, 400, 'invalid_request'],
      [{ grant_type: 'refresh_token' }, 400, 'invalid_request'],
      [{ grant_type: 'refresh_token', refresh_token: '' }, 400, 'invalid_request'],
      [{ grant_type: 'refresh_token', refresh_token: '1/unknown' }, 400, 'invalid_grant'],
      [{ grant_type: 'authorization_code' }, 400, 'invalid_request'],
      [{ grant_type: 'authorization_code', code: '4/unknown', redirect_uri: callback }, 400, 'invalid_grant'],
      [{ grant_type: 'password', username: 'ann', password: 'x' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'client_credentials' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }, 400, 'unsupported_grant_type'],
      [{ grant_type: 'refresh_token', refresh_token, client_secret: 'wrong' }, 401, 'invalid_client'],
      [{ grant_type: 'refresh_token', refresh_token, client_secret: '' }, 401, 'invalid_client'],
      [{ grant_type: 'refresh_token', refresh_token, client_id: 'nobody' }, 401, 'invalid_client'],
      [
        { grant_type: 'refresh_token', refresh_token, client_id: undefined, client_secret: undefined },
        401,
        'invalid_client',
      ],
      [
        {
          grant_type: 'refresh_token',
          refresh_token,
          client_id: other.client.id,
          client_secret: other.secret,
        },
        400,
        'invalid_grant',
      ],
    ];
    for (const [change, status, code] of table) {
      const answer = await askToken(town, change);
      expect([change, ...(await told(answer))]).toEqual([change, status, errorBody(code)]);
      expect(answer.headers.get('reveille-hint')).not.toBe('');
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    }
  });

  test('OA6 a failed Basic says so in a header; a form does not, so that no browser asks for a password', async () => {
    const init = {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: '1/x' }),
    };
    const basic = await town.request('/token', {
      ...init,
      headers: { authorization: `Basic ${btoa('a:b')}` },
    });
    expect([basic.status, basic.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="reveille"']);
    expect(
      (await askToken(town, { grant_type: 'x', client_secret: 'wrong' })).headers.get('www-authenticate'),
    ).toBeNull();
  });

  test('OA7 a parameter twice is refused, a JSON body that is no object too', async () => {
    const body = `grant_type=refresh_token&refresh_token=1/x&refresh_token=1/y&client_id=a&client_secret=b`;
    const twice = await town.request('/token', { method: 'POST', body });
    expect(await told(twice)).toEqual([400, errorBody('invalid_request')]);
    const headers = { 'content-type': 'application/json' };
    const broken = await town.request('/token', { method: 'POST', headers, body: '["x"]' });
    expect(await told(broken)).toEqual([400, errorBody('invalid_request')]);
  });

  test('OA7 another method is told which one it takes', async () => {
    const answer = await town.request('/o/oauth2/token');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('OA12 a body too large, one that is no text, and a database that fails: plain text, no JSON', async () => {
    const large = await town.request('/token', { method: 'POST', body: 'x'.repeat(20_000) });
    const binary = await town.request('/token', { method: 'POST', body: new Uint8Array([0xff, 0xfe]) });
    const { refresh_token } = await grantTo(town, town.ann);
    town.sqlite.run('ALTER TABLE refresh_tokens RENAME TO lost');
    const broken = await refresh(refresh_token);
    expect([large.status, binary.status, broken.status]).toEqual([413, 400, 503]);
    expect(broken.headers.get('retry-after')).toBe('10');
    for (const answer of [large, binary, broken]) {
      expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(await answer.text()).not.toContain('"error"');
    }
  });

  test('OA16 any origin may ask, preflight too, and a cookie counts for nothing', async () => {
    const preflight = await town.request('/o/oauth2/token', {
      method: 'OPTIONS',
      headers: { origin: 'https://x.example' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    const answer = await town.request('/o/oauth2/token', {
      method: 'POST',
      ...as(town.ann),
      body: 'grant_type=refresh_token',
    });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, '*']);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('access-control-expose-headers')).toContain('Reveille-Hint');
  });
});

describe('an installed app', () => {
  test('OA24 it gets an access token for the channel scope and no refresh token', async () => {
    const { id } = await town.app(town.ann);
    const bob = await town.person('bob');
    const token = await appToken(town, id, bob);
    const sender = await town.senders.identify(token);
    expect(sender).toMatchObject({ account: bob.id, client: id, project: null });
    expect([...sender.scopes]).toEqual([CHANNEL_SCOPE]);
    const [signIn] = await town.accounts.signIns(bob.id);
    expect(sender.signIn).toBe(signIn?.id ?? '');
  });

  test('OA24 its profiles share one grant, and a grant comes into being at the exchange only', async () => {
    const { id } = await town.app(town.ann);
    await town.request(appPath(id), as(town.ann));
    expect(await town.grants.list(town.ann.id)).toEqual([]);
    const tokens = [await appToken(town, id, town.ann), await appToken(town, id, town.ann)];
    expect(new Set(tokens).size).toBe(2);
    expect(await town.grants.list(town.ann.id)).toHaveLength(1);
  });

  test('OA24 it has no refresh grant, and an unknown app is no client', async () => {
    const { id } = await town.app(town.ann);
    const parameters = {
      client_id: id,
      client_secret: undefined,
      grant_type: 'refresh_token',
      refresh_token: '1/x',
    };
    expect(await told(await askToken(town, { ...parameters, client_secret: 'x' }))).toEqual([
      400,
      errorBody('unauthorized_client'),
    ]);
    const unknown = {
      ...parameters,
      client_id: 'a'.repeat(32),
      grant_type: 'authorization_code',
      code: '4/x',
    };
    expect(await told(await askToken(town, unknown))).toEqual([401, errorBody('invalid_client')]);
  });
});

test('OA31 a grant given without a page refreshes as any other, within the same limit', async () => {
  const of = { account: town.ann.id, client: town.client.id, scope: SEND_SCOPE };
  const { refreshToken } = await town.grants.issueFor(of);
  expect((await refresh(refreshToken)).status).toBe(200);
  for (let count = 1; count < 25; count += 1) await town.grants.issueFor(of);
  expect(town.grants.issueFor(of)).rejects.toThrow('25 live refresh tokens');
  expect(town.grants.issueFor({ ...of, scope: 'email' })).rejects.toThrow('no such scope');
});
