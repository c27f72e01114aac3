import { afterEach, describe, expect, test } from 'bun:test';
import { type AccountsRoom, type FormBrowser, openAccountsRoom } from '../../dev-env/accounts-room.ts';

let room: AccountsRoom;
afterEach(() => room.close());

const password = 'a few good words';
const signIn = (browser: FormBrowser, email: string, given = password, page = '/accounts/sign-in') =>
  browser.submit(page, '/accounts/sign-in', { email, password: given });

/** A room with an administrator, ada, and a user, bob; both signed in. */
async function twoPeople() {
  room = await openAccountsRoom();
  const ada = await room.accounts.create('ada@example.com', password, 'Ada');
  const bob = await room.accounts.create('bob@example.com', password, 'Bob');
  const [adas, bobs] = [room.browser('192.0.2.1'), room.browser('192.0.2.2')];
  await signIn(adas, ada.email);
  await signIn(bobs, bob.email);
  return { ada, bob, adas, bobs };
}

const onwardTo = async (response: Response): Promise<string | undefined> =>
  /http-equiv="refresh" content="0;url=([^"]*)"/.exec(await response.text())?.[1]?.replaceAll('&amp;', '&');

describe('sign-in pages', () => {
  test('AN15 wrong password, then the right one, in one window, on to where it began', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const browser = room.browser();
    const page = '/accounts/sign-in?return=%2Fo%2Foauth2%2Fauth%3Fa%3D1%26b%3D2';
    const wrong = await signIn(browser, 'ada@example.com', 'wrong password', page);
    expect(wrong.status).toBe(200);
    const html = await wrong.text();
    expect(html).toContain('role="alert"');
    expect(html).toContain('value="/o/oauth2/auth?a=1&amp;b=2"');
    expect(html).toContain('value="ada@example.com"');
    expect(html).not.toContain('wrong password');
    const right = await signIn(browser, 'ada@example.com', password, page);
    expect(right.status).toBe(200);
    expect(await onwardTo(right)).toBe('/o/oauth2/auth?a=1&b=2');
    expect((await browser.fetch(page)).headers.get('location')).toBe('/o/oauth2/auth?a=1&b=2');
  });

  test('AN15 every refusal is 200 with the form and a message', async () => {
    room = await openAccountsRoom({ signInsPerMinute: 3 });
    await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    await room.accounts.disable(bob.id, 'ada');
    const submit = (fields: Record<string, string>) =>
      room.browser().submit('/accounts/sign-in', '/accounts/sign-in', fields);
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"email":' };
    const huge = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `email=${'x'.repeat(20_000)}`,
    };
    const notUtf8 = { ...huge, body: new Uint8Array([0x65, 0x3d, 0xff, 0xfe]) };
    const refusals: readonly (readonly [string, () => Promise<Response>])[] = [
      ['is not an e-mail', () => submit({ email: 'no address', password })],
      ['open too long', () => submit({ email: 'ada@example.com', password, form_token: 'forged' })],
      [
        'open too long',
        () => room.browser().post('/accounts/sign-in', { email: 'ada@example.com', password }),
      ],
      ['open too long', () => room.browser().fetch('/accounts/sign-in', json)],
      ['Request Too Large', () => room.browser().fetch('/accounts/sign-in', huge)],
      ['Parse Error', () => room.browser().fetch('/accounts/sign-in', notUtf8)],
      ['disabled', () => submit({ email: 'bob@example.com', password })],
      ['is wrong', () => submit({ email: 'ada@example.com', password: 'wrong password' })],
      ['Too many tries. Wait 20 seconds', () => submit({ email: 'ada@example.com', password })],
    ];
    for (const [words, attempt] of refusals) {
      const response = await attempt();
      const html = await response.text();
      expect([words, response.status, html.includes(words), html.includes('<form')]).toEqual([
        words,
        200,
        true,
        true,
      ]);
      expect(html).not.toContain('target=');
    }
    expect(room.failures).toEqual([]);
  });

  test('AN15 a database that fails is 200 with a message too, and the operator is told', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const browser = room.browser();
    const [signInForm, signUpForm] = [
      await browser.page('/accounts/sign-in'),
      await browser.page('/accounts/sign-up'),
    ];
    await room.db.destroy();
    for (const [path, html] of [
      ['/accounts/sign-in', signInForm],
      ['/accounts/sign-up', signUpForm],
    ] as const) {
      const form_token = /name="form_token" value="([^"]*)"/.exec(html)?.[1] ?? '';
      const response = await browser.post(path, {
        form_token,
        email: 'ada@example.com',
        password,
        name: 'Ada',
      });
      expect([path, response.status]).toEqual([path, 200]);
      expect((await browser.fetch(path)).status).toBe(200);
    }
    expect(room.failures.length).toBeGreaterThan(0);
    room = await openAccountsRoom();
  });

  test('AN15 sign-up shows what is wrong at its field and keeps what was typed', async () => {
    room = await openAccountsRoom({ origin: 'https://push.example.com', setupCode: 'right-code' });
    const submit = (fields: Record<string, string>) =>
      room.browser().submit('/accounts/sign-up', '/accounts/sign-up', fields);
    const good = { name: 'Ada', email: 'ada@example.com', password, setupCode: 'right-code' };
    const refusals: readonly (readonly [string, Record<string, string>])[] = [
      ['id="field-setupCode-error"', { ...good, setupCode: 'wrong-code' }],
      ['id="field-password-error"', { ...good, password: 'short' }],
      ['id="field-email-error"', { ...good, email: 'no address' }],
    ];
    for (const [place, fields] of refusals) {
      const response = await submit(fields);
      expect(response.status).toBe(200);
      const html = await response.text();
      expect(html).toContain(place);
      expect(html).toContain('value="Ada"');
    }
    expect(await onwardTo(await submit(good))).toBe('/console');
    expect(await onwardTo(await submit({ ...good, email: 'bob@example.com' }))).toBe('/console');
    expect(await (await submit(good)).text()).toContain('There is an account with this e-mail address');
  });

  test('AN15 when nobody may sign up the pages say so and offer no form', async () => {
    room = await openAccountsRoom({ signUp: 'closed' });
    await room.accounts.create('ada@example.com', password, 'Ada');
    const browser = room.browser();
    expect(await browser.page('/accounts/sign-in')).toContain('made by its administrator');
    expect(await browser.page('/accounts/sign-up')).not.toContain('<form');
  });

  test.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/\n/evil.example',
    '/..//evil.example',
    '/.//evil.example',
    '/ok\\..',
    'evil.example',
    '',
    '/%',
    `/${'x'.repeat(9_000)}`,
  ])('AN14 %j leads nowhere else', async (target) => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const browser = room.browser();
    const query = new URLSearchParams({ return: target }).toString();
    const local = target === '/%' ? '/%' : '/console';
    const signedIn = await browser.submit(`/accounts/sign-in?${query}`, '/accounts/sign-in', {
      email: 'ada@example.com',
      password,
      return: target,
    });
    expect(await onwardTo(signedIn)).toBe(local);
    expect((await browser.fetch(`/accounts/sign-in?${query}`)).headers.get('location')).toBe(local);
    expect(await browser.page(`/accounts/choose?${query}`)).toContain(`<a class="choice" href="${local}">`);
  });

  test('AN19 the Host header changes neither cookies nor addresses', async () => {
    room = await openAccountsRoom({ origin: 'https://push.example.com' });
    await room.accounts.create('ada@example.com', password, 'Ada');
    const host = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    const response = await room.browser().fetch('/accounts/sign-in', { headers: host });
    expect(await response.text()).not.toContain('evil');
    expect(response.headers.getSetCookie()[0]).toMatch(
      /^reveille\.visitor=[\w-]{22}; Max-Age=3600; Path=\/accounts; HttpOnly; SameSite=Lax; Secure$/,
    );
    const adas = room.browser();
    await signIn(adas, 'ada@example.com');
    expect(adas.cookies.has('__Secure-reveille.session_token')).toBe(true);
    const invite = await adas.submit('/accounts/invites', '/accounts/invites', { email: '' });
    expect(await invite.text()).toContain('https://push.example.com/accounts/sign-up?invite=');
  });

  test('AN19 an address that a client writes for itself does not move its limit', async () => {
    room = await openAccountsRoom({ signInsPerMinute: 1 });
    const attempt = async (n: number) => {
      const headers = {
        'content-type': 'application/json',
        'x-forwarded-for': `198.51.100.${n}`,
        'x-reveille-address': `198.51.100.${n}`,
      };
      const body = JSON.stringify({ email: 'ada@example.com', password });
      return (await room.browser().fetch('/accounts/api/sign-in/email', { method: 'POST', headers, body }))
        .status;
    };
    expect([await attempt(1), await attempt(2), await attempt(3)]).toEqual([401, 429, 429]);
  });

  test('AN20 the chooser offers the one who is signed in; another sign-in ends the first', async () => {
    const { ada, adas } = await twoPeople();
    const chooser = await adas.page('/accounts/choose?return=%2Fo%2Foauth2%2Fauth');
    expect(chooser).toContain('Continue as Ada');
    expect(chooser).toContain(
      '<a class="choice" href="/accounts/sign-in?another=yes&amp;return=%2Fo%2Foauth2%2Fauth">',
    );
    await signIn(adas, 'bob@example.com', password, '/accounts/sign-in?another=yes');
    expect(await adas.page('/accounts/choose')).toContain('Continue as Bob');
    expect(await room.accounts.signIns(ada.id)).toEqual([]);
    const stranger = await room.browser().fetch('/accounts/choose?return=%2Fconsole');
    expect(stranger.headers.get('location')).toBe('/accounts/sign-in?return=%2Fconsole');
  });
});

describe('own account', () => {
  test('AN9 AN10 sign-ins are listed and ended, the password is changed, and one signs out, all by forms', async () => {
    const { bob, bobs } = await twoPeople();
    await room.accounts.signIn(bob.email, password, { address: '2001:db8::1', userAgent: 'reveille/0.1.0' });
    const page = await bobs.page('/accounts');
    for (const words of ['Firefox on Linux', '2001:db8::', 'reveille', 'This one', 'End all others'])
      expect(page).toContain(words);
    const ended = await bobs.submit('/accounts', '/accounts/sign-ins/end', { which: 'others' });
    expect(ended.headers.get('location')).toBe('/accounts?done=ended');
    expect(await room.accounts.signIns(bob.id)).toHaveLength(1);
    const again = await bobs.submit('/accounts', '/accounts/password', {
      current: 'wrong password',
      next: 'another good one',
    });
    expect([again.status, (await again.text()).includes('current password is not right')]).toEqual([
      400,
      true,
    ]);
    const changed = await bobs.submit('/accounts', '/accounts/password', {
      current: password,
      next: 'another good one',
    });
    expect(changed.headers.get('location')).toBe('/accounts?done=password');
    expect(await bobs.page('/accounts?done=password')).toContain('The password is changed');
    expect(await bobs.page('/accounts?done=constructor')).not.toContain('native code');
    const out = await bobs.submit('/accounts', '/accounts/sign-out');
    expect(out.headers.get('location')).toBe('/accounts/sign-in?bye=signed-out');
    expect(await bobs.page('/accounts/sign-in?bye=signed-out')).toContain('You are signed out.');
    expect((await bobs.fetch('/accounts')).headers.get('location')).toBe(
      '/accounts/sign-in?return=%2Faccounts',
    );
  });

  test('AN12 the export comes as a file', async () => {
    const { bob, bobs } = await twoPeople();
    const response = await bobs.submit('/accounts', '/accounts/export');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="reveille-account.json"');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(((await response.json()) as { account: unknown }).account).toMatchObject({
      id: bob.id,
      email: bob.email,
    });
  });

  test('AN13 deletion asks for the password', async () => {
    const { bob, adas, bobs } = await twoPeople();
    const wrong = await bobs.submit('/accounts/delete', '/accounts/delete', { password: 'wrong password' });
    expect([wrong.status, (await wrong.text()).includes('not your password')]).toEqual([400, true]);
    const last = await adas.submit('/accounts/delete', '/accounts/delete', { password });
    expect([last.status, (await last.text()).includes('last administrator')]).toEqual([400, true]);
    const gone = await bobs.submit('/accounts/delete', '/accounts/delete', { password });
    expect(gone.headers.get('location')).toBe('/accounts/sign-in?bye=deleted');
    expect(bobs.cookies.has('reveille-8030.session_token')).toBe(false);
    expect(await room.accounts.find(bob.id)).toBeUndefined();
  });
});

describe('forms and doors', () => {
  test('AN16 the refusals', async () => {
    const { ada, bob, adas, bobs } = await twoPeople();
    const tokenIn = (html: string, action: string) =>
      new RegExp(`action="${action}"[^>]*>\\s*<input type="hidden" name="form_token" value="([^"]*)"`).exec(
        html,
      )?.[1] ?? '';
    const adasPeople = tokenIn(await adas.page('/accounts/people'), '/accounts/people/disable');
    const bobsExport = tokenIn(await bobs.page('/accounts'), '/accounts/export');
    const adasSignIn = (await room.accounts.signIns(ada.id))[0]?.id ?? '';
    await room.accounts.signIn(bob.email, password);
    expect(adasPeople).not.toBe('');
    expect(bobsExport).not.toBe('');
    const refusals: readonly (readonly [string, number, () => Promise<Response>])[] = [
      ['no token', 403, () => bobs.post('/accounts/export', {})],
      [
        'a token for another form',
        403,
        () => bobs.post('/accounts/delete', { form_token: bobsExport, password }),
      ],
      ["another's token", 403, () => adas.post('/accounts/export', { form_token: bobsExport })],
      ['signed out', 403, () => room.browser().post('/accounts/export', { form_token: bobsExport })],
      ['sign-out without a token', 403, () => bobs.post('/accounts/sign-out', {})],
      [
        'not the administrator',
        403,
        () => bobs.post('/accounts/people/disable', { form_token: adasPeople, id: ada.id }),
      ],
      ['a page of the administrator', 403, () => bobs.fetch('/accounts/people')],
      ['invites of the administrator', 403, () => bobs.fetch('/accounts/invites')],
      [
        'an unknown account',
        404,
        () => adas.post('/accounts/people/enable', { form_token: adasPeople, id: 'nobody' }),
      ],
      [
        'the last administrator',
        400,
        () => adas.post('/accounts/people/disable', { form_token: adasPeople, id: ada.id }),
      ],
      [
        'a sign-in of someone else',
        404,
        () => bobs.submit('/accounts', '/accounts/sign-ins/end', { which: adasSignIn }),
      ],
    ];
    for (const [what, status, attempt] of refusals) {
      const response = await attempt();
      expect([what, response.status]).toEqual([what, status]);
      expect(await response.text()).toContain('That did not work');
    }
    expect(room.ended).toEqual([]);
    expect(await room.accounts.signIns(ada.id)).toHaveLength(1);
  });

  test('AN16 strangers sign in and come back to the page with its query', async () => {
    room = await openAccountsRoom();
    for (const path of ['/accounts', '/accounts/people?done=enabled', '/accounts/delete']) {
      const response = await room.browser().fetch(path);
      expect([response.status, response.headers.get('location')]).toEqual([
        303,
        `/accounts/sign-in?return=${encodeURIComponent(path)}`,
      ]);
    }
  });

  test('AN16 a form of one browser does not work in another', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const attacker = room.browser();
    const form_token =
      /name="form_token" value="([^"]*)"/.exec(await attacker.page('/accounts/sign-in'))?.[1] ?? '';
    const victim = room.browser();
    await victim.page('/accounts/sign-in');
    const response = await victim.post('/accounts/sign-in', {
      form_token,
      email: 'ada@example.com',
      password,
    });
    expect([response.status, (await response.text()).includes('open too long')]).toEqual([200, true]);
    expect(victim.cookies.has('reveille-8030.session_token')).toBe(false);
  });

  test('AN5 AN11 the administrator invites, disables and enables by forms', async () => {
    const { bob, adas } = await twoPeople();
    expect(await adas.page('/accounts/invites')).toContain('No invites yet');
    const made = await adas.submit('/accounts/invites', '/accounts/invites', { email: 'eve@example.com' });
    expect(await made.text()).toContain('http://127.0.0.1:8030/accounts/sign-up?invite=');
    expect(await adas.page('/accounts/invites')).toContain('eve@example.com');
    expect((await adas.submit('/accounts/invites', '/accounts/invites/withdraw')).status).toBe(303);
    expect(await adas.page('/accounts/invites')).not.toContain('eve@example.com');
    expect((await adas.submit('/accounts/people', '/accounts/people/disable')).headers.get('location')).toBe(
      '/accounts/people?done=disabled',
    );
    expect(room.ended).toEqual([bob.id]);
    expect((await adas.submit('/accounts/people', '/accounts/people/enable')).headers.get('location')).toBe(
      '/accounts/people?done=enabled',
    );
    await room.accounts.signIn(bob.email, password);
  });
});

describe('doors for programs', () => {
  const json = (body: unknown, headers: Record<string, string> = {}) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  test('AN17 sign up, ask who, sign out, sign in', async () => {
    room = await openAccountsRoom({ setupCode: 'right-code' });
    const program = room.browser();
    const who = async () => await (await program.fetch('/accounts/api/get-session')).json();
    expect(await who()).toEqual({ user: null });
    const input = { email: 'ada@example.com', password, name: 'Ada', role: 'administrator' };
    const refused = await program.fetch('/accounts/api/sign-up/email', json(input));
    expect([refused.status, (await refused.text()).includes('set-up code')]).toEqual([403, true]);
    const made = await program.fetch(
      '/accounts/api/sign-up/email',
      json({ ...input, setupCode: 'right-code' }),
    );
    const { user } = (await made.json()) as { user: { id: string } };
    expect(await who()).toEqual({
      user: { id: user.id, email: 'ada@example.com', name: 'Ada', role: 'administrator' },
    });
    await program.fetch('/accounts/api/sign-out', json({}));
    expect(await who()).toEqual({ user: null });
    expect(
      (await program.fetch('/accounts/api/sign-in/email', json({ email: 'ada@example.com', password })))
        .status,
    ).toBe(200);
    expect(await who()).toMatchObject({ user: { email: 'ada@example.com' } });
  });

  test('AN17 the refusals', async () => {
    room = await openAccountsRoom({ signUp: 'closed', signInsPerMinute: 2 });
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const right = { email: ada.email, password };
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(right).toString(),
    };
    const refusals: readonly (readonly [string, RequestInit, number])[] = [
      ['sign-in/email', form, 415],
      ['sign-out', { method: 'POST' }, 415],
      ['sign-in/email', json('{'), 400],
      ['sign-in/email', json({ email: 7, password }), 400],
      ['sign-in/email', json({ ...right, password: 'wrong password' }), 401],
      ['sign-in/email', json(right), 200],
      ['sign-in/email', json(right), 429],
      ['sign-up/email', json({ ...right, email: 'bob@example.com' }), 403],
      ...['list-sessions', 'update-user', 'delete-user', 'change-email', 'ok', 'error'].map(
        (path) => [path, {}, 404] as const,
      ),
      ['change-password', json({ currentPassword: password, newPassword: 'another good one' }), 404],
    ];
    const program = room.browser();
    for (const [path, init, status] of refusals) {
      const response = await program.fetch(`/accounts/api/${path}`, init);
      expect([path, response.status]).toEqual([path, status]);
      if (status === 429) expect(response.headers.get('retry-after')).toBe('30');
    }
  });

  test('AN18 the operator resets a password, and everything of the account ends', async () => {
    room = await openAccountsRoom({ operatorToken: 'the token of the data folder' });
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const { cookie } = await room.accounts.signIn(ada.email, password);
    const reset = (body: object, token?: string) =>
      room
        .browser()
        .fetch(
          '/accounts/operator/reset-password',
          json(body, token === undefined ? {} : { authorization: `Bearer ${token}` }),
        );
    const right = { email: ada.email, password: 'another good one' };
    const refusals: readonly (readonly [number, object, string?])[] = [
      [401, right],
      [401, right, 'wrong'],
      [401, right, 'the token of the data folder and more'],
      [404, { ...right, email: 'nobody@example.com' }, 'the token of the data folder'],
      [400, { ...right, password: 'short' }, 'the token of the data folder'],
      [400, { email: ada.email }, 'the token of the data folder'],
    ];
    for (const [status, body, token] of refusals) expect((await reset(body, token)).status).toBe(status);
    expect(room.ended).toEqual([]);
    expect((await reset(right, 'the token of the data folder')).status).toBe(200);
    expect(room.ended).toEqual([ada.id]);
    expect(await room.accounts.signedIn(new Headers({ cookie }))).toBeUndefined();
    await room.accounts.signIn(ada.email, 'another good one');
    for (let n = 0; n < 3; n += 1) await reset(right, 'wrong');
    expect((await reset(right, 'the token of the data folder')).status).toBe(429);
  });

  test('AN18 without a token the door is shut', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const attempt = json(
      { email: 'ada@example.com', password: 'another good one' },
      { authorization: 'Bearer undefined' },
    );
    expect((await room.browser().fetch('/accounts/operator/reset-password', attempt)).status).toBe(404);
  });
});
