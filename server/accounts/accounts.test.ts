import { Database } from 'bun:sqlite';
import { afterEach, describe, expect, test } from 'bun:test';
import { type AccountsRoom, openAccountsRoom } from '../../dev-env/accounts-room.ts';
import type { From } from './account.ts';

let room: AccountsRoom;
afterEach(() => room.close());

const password = 'a few good words';
const from = (address: string): From => ({ address, userAgent: 'curl/8.0' });
const person = (name: string, more: object = {}) => ({
  email: `${name}@example.com`,
  password,
  name,
  ...more,
});

describe('the first account', () => {
  test('AN4 it is the administrator, the next is not', async () => {
    room = await openAccountsRoom();
    const { id } = await room.accounts.signUp.make(person('ada'), from('192.0.2.1'));
    expect(await room.accounts.find(id)).toEqual({
      id,
      email: 'ada@example.com',
      name: 'ada',
      role: 'administrator',
    });
    expect((await room.accounts.create('bob@example.com', password, 'Bob')).role).toBe('user');
  });

  test.each(['http://localhost:8030', 'https://localhost:8443', 'http://[::1]:8030'])(
    'AN4 on %s it needs no set-up code',
    async (origin) => {
      room = await openAccountsRoom({ origin });
      expect(await room.accounts.signUp.needs()).toBe('nothing');
    },
  );

  test('AN4 of five made at the same moment one is the administrator', async () => {
    room = await openAccountsRoom();
    await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) => room.accounts.signUp.make(person(name), from('192.0.2.1'))),
    );
    const roles = (await room.accounts.people()).map(({ role }) => role);
    expect(roles.filter((role) => role === 'administrator')).toHaveLength(1);
  });

  test.each([
    ['https://push.example.com', undefined],
    ['https://push.example.com', 'wrong'],
    ['http://192.0.2.80:8030', undefined],
  ])('AN4 on %s it is refused with set-up code %p', async (origin, setupCode) => {
    room = await openAccountsRoom({ origin, setupCode: 'right-code' });
    const attempt = room.accounts.signUp.make(person('ada', { setupCode }), from('192.0.2.1'));
    await expect(attempt).rejects.toThrow('set-up code');
    expect(await room.accounts.count()).toBe(0);
  });

  test('AN4 with the set-up code it is made, and no second one needs it', async () => {
    room = await openAccountsRoom({ origin: 'https://push.example.com', setupCode: 'right-code' });
    expect(await room.accounts.signUp.needs()).toBe('setup-code');
    await room.accounts.signUp.make(person('ada', { setupCode: ' right-code ' }), from('192.0.2.1'));
    expect(await room.accounts.signUp.needs()).toBe('nothing');
  });

  test('AN4 without any set-up code configured a public server makes no first account', async () => {
    room = await openAccountsRoom({ origin: 'https://push.example.com' });
    await expect(
      room.accounts.signUp.make(person('ada', { setupCode: '' }), from('192.0.2.1')),
    ).rejects.toThrow('set-up code');
  });
});

describe('sign-up', () => {
  test('AN5 closed: nobody but the first', async () => {
    room = await openAccountsRoom({ signUp: 'closed' });
    await room.accounts.signUp.make(person('ada'), from('192.0.2.1'));
    await expect(room.accounts.signUp.make(person('bob'), from('192.0.2.1'))).rejects.toThrow(
      'makes no accounts',
    );
  });

  test('AN5 an invite works once, also when two use it at the same moment', async () => {
    room = await openAccountsRoom({ signUp: 'invite' });
    await room.accounts.signUp.make(person('ada'), from('192.0.2.1'));
    const invite = await room.accounts.invites.create(null);
    const both = await Promise.allSettled(
      ['bob', 'eve'].map((name) => room.accounts.signUp.make(person(name, { invite }), from('192.0.2.1'))),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const [used] = await room.accounts.invites.list();
    expect(await room.accounts.find(used?.usedBy ?? '')).toBeDefined();
    expect(await room.accounts.invites.withdraw(used?.id ?? '')).toBe(false);
  });

  test('AN5 a sign-up that fails leaves the invite open, and so does a crash', async () => {
    room = await openAccountsRoom({ signUp: 'invite' });
    await room.accounts.create('ada@example.com', password, 'Ada');
    const invite = await room.accounts.invites.create(null);
    await expect(
      room.accounts.signUp.make(person('bob', { invite, password: 'short' }), from('192.0.2.1')),
    ).rejects.toThrow('10 to 128');
    expect(await room.accounts.invites.take(invite, 'bob@example.com')).toBe(true);
    await room.accounts.invites.reopen();
    await room.accounts.signUp.make(person('bob', { invite }), from('192.0.2.1'));
  });

  test('AN5 refused: no invite, an unknown one, one for another address, an old one, a withdrawn one', async () => {
    room = await openAccountsRoom({ signUp: 'invite' });
    await room.accounts.create('ada@example.com', password, 'Ada');
    const { invites, signUp } = room.accounts;
    const forBob = await invites.create('Bob@example.com');
    const attempt = (name: string, invite?: string) =>
      signUp.make(person(name, { invite }), from('192.0.2.1'));
    for (const code of [undefined, '', 'unknown'])
      await expect(attempt('eve', code)).rejects.toThrow('invite');
    await expect(attempt('eve', forBob)).rejects.toThrow('another address');
    await attempt('bob', forBob);
    const withdrawn = await invites.create(null);
    expect(
      await invites.withdraw((await invites.list()).find(({ usedBy }) => usedBy === null)?.id ?? ''),
    ).toBe(true);
    await expect(attempt('eve', withdrawn)).rejects.toThrow('invite');
    const old = await invites.create(null);
    room.clock.forward(15 * 86_400_000);
    await expect(attempt('eve', old)).rejects.toThrow('expired');
  });

  test('AN5 a second account with the same address is refused, whatever the case of its letters', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('Ada@example.com', password, 'Ada');
    const again = { ...person('ada'), email: 'ADA@EXAMPLE.COM' };
    await expect(room.accounts.signUp.make(again, from('192.0.2.1'))).rejects.toThrow('sign in');
    await expect(room.accounts.create('ada@EXAMPLE.com', password, 'Ada')).rejects.toThrow('sign in');
    await expect(room.accounts.create('no address', password, 'Ada')).rejects.toThrow(
      'not an e-mail address',
    );
  });
});

describe('passwords', () => {
  test('AN6 argon2id is what is kept, of every way to set one', async () => {
    room = await openAccountsRoom();
    await room.accounts.signUp.make(person('ada'), from('192.0.2.1'));
    await room.accounts.create('bob@example.com', password, 'Bob');
    const sqlite = new Database(room.path, { readonly: true });
    const kept = sqlite.query<{ password: string }, []>('SELECT password FROM account').all();
    expect(kept).toHaveLength(2);
    for (const row of kept) expect(row.password).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$');
    sqlite.close();
  });

  test('AN6 what the database holds of a sign-in is no cookie', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const { cookie } = await room.accounts.signIn('ada@example.com', password);
    const sqlite = new Database(room.path, { readonly: true });
    const row = sqlite.query<{ token: string }, []>('SELECT token FROM session').get();
    sqlite.close();
    const name = cookie.split('=', 1)[0];
    expect(await room.accounts.signedIn(new Headers({ cookie }))).toBeDefined();
    expect(await room.accounts.signedIn(new Headers({ cookie: `${name}=${row?.token}` }))).toBeUndefined();
  });

  test.each(['', 'too short', 'x'.repeat(129)])('AN6 refused: %j', async (bad) => {
    room = await openAccountsRoom();
    await expect(room.accounts.create('ada@example.com', bad, 'Ada')).rejects.toThrow('10 to 128');
    await expect(
      room.accounts.signUp.make(person('ada', { password: bad }), from('192.0.2.1')),
    ).rejects.toMatchObject({ code: 'input-invalid' });
    await room.accounts.create('ada@example.com', password, 'Ada');
    await expect(room.accounts.resetPassword('ada@example.com', bad)).rejects.toThrow('10 to 128');
  });
});

describe('signing in', () => {
  test('AN7 the refusals', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    await room.accounts.disable(bob.id, 'ada');
    const refusals: readonly (readonly [string, string, string])[] = [
      ['ada@example.com', 'another password', 'credentials-wrong'],
      ['nobody@example.com', password, 'credentials-wrong'],
      ['ada@example.com', 'x'.repeat(10_000), 'input-invalid'],
      ['no address', password, 'input-invalid'],
      ['', '', 'input-invalid'],
      ['bob@example.com', password, 'account-disabled'],
      ['bob@example.com', 'another password', 'credentials-wrong'],
    ];
    for (const [email, given, code] of refusals)
      await expect(room.accounts.signIn(email, given)).rejects.toMatchObject({ code });
    expect((await room.accounts.signIn(' ADA@example.com ', password)).account.email).toBe('ada@example.com');
  });

  test('AN7 the eleventh try within a minute is refused, from that address only, and never for long', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const attempt = (address: string) =>
      room.accounts.signIn('ada@example.com', 'wrong password', from(address));
    for (let n = 0; n < 10; n += 1)
      await expect(attempt('192.0.2.1')).rejects.toMatchObject({ code: 'credentials-wrong' });
    await expect(attempt('192.0.2.1')).rejects.toMatchObject({
      code: 'rate-limited',
      facts: { retryAfterSeconds: 6 },
    });
    await expect(room.accounts.signIn('ada@example.com', password, from('192.0.2.1'))).rejects.toMatchObject({
      code: 'rate-limited',
    });
    await room.accounts.signIn('ada@example.com', password, from('192.0.2.2'));
    room.clock.forward(6_000);
    await room.accounts.signIn('ada@example.com', password, from('192.0.2.1'));
  });

  test.each([
    ['http://127.0.0.1:8030', 'reveille-8030.session_token', false],
    ['http://localhost:9', 'reveille-9.session_token', false],
    ['http://[::1]:8030', 'reveille-8030.session_token', false],
    ['https://push.example.com', '__Secure-reveille.session_token', true],
    ['http://push.example.com', '__Secure-reveille.session_token', true],
    ['http://127.0.0.1.example.com', '__Secure-reveille.session_token', true],
  ])('AN8 the cookie of %s', async (origin, name, secure) => {
    room = await openAccountsRoom({ origin });
    await room.accounts.create('ada@example.com', password, 'Ada');
    const { setCookie, cookie, account } = await room.accounts.signIn('ada@example.com', password);
    expect(setCookie).toHaveLength(1);
    const [pair, ...attributes] = (setCookie[0] ?? '').split('; ');
    expect(pair).toStartWith(`${name}=`);
    expect(attributes.sort()).toEqual([
      'HttpOnly',
      'Max-Age=7776000',
      'Path=/',
      'SameSite=Lax',
      ...(secure ? ['Secure'] : []),
    ]);
    expect(await room.accounts.signedIn(new Headers({ cookie }))).toEqual(account);
  });

  test('AN8 a visit after more than a day renews the cookie, once', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const { cookie } = await room.accounts.signIn('ada@example.com', password);
    const headers = new Headers({ cookie });
    expect((await room.accounts.visit(headers))?.setCookies).toEqual([]);
    const sqlite = new Database(room.path);
    const twoDays = new Date(Date.now() + 88 * 86_400_000).toISOString();
    sqlite.run('UPDATE session SET expiresAt = ?', [twoDays]);
    expect(await room.accounts.signedIn(headers)).toBeDefined();
    expect((await room.accounts.visit(headers))?.setCookies[0]).toContain('Max-Age=7776000');
    expect((await room.accounts.visit(headers))?.setCookies).toEqual([]);
    sqlite.run('UPDATE session SET expiresAt = ?', [new Date(Date.now() - 1_000).toISOString()]);
    expect(await room.accounts.visit(headers)).toBeUndefined();
    sqlite.close();
  });

  test('AN8 no cookie, a cookie of someone who signs differently, and a changed one are nobody', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const { cookie } = await room.accounts.signIn('ada@example.com', password);
    expect(await room.accounts.signedIn(new Headers())).toBeUndefined();
    expect(
      await room.accounts.signedIn(new Headers({ cookie: `${cookie.slice(0, -6)}AAAAA%3D` })),
    ).toBeUndefined();
    const elsewhere = await openAccountsRoom({ origin: 'http://127.0.0.1:9030' });
    expect(await elsewhere.accounts.signedIn(new Headers({ cookie }))).toBeUndefined();
    await elsewhere.close();
  });
});

describe('sign-ins', () => {
  test('AN9 one is ended, then all others, and nobody ends those of someone else', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    const cookies: string[] = [];
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      cookies.push((await room.accounts.signIn('ada@example.com', password, from(address))).cookie);
    }
    const visitOf = (index: number) => room.accounts.visit(new Headers({ cookie: cookies[index] ?? '' }));
    expect((await room.accounts.signIns(ada.id)).map(({ address }) => address).sort()).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.3',
    ]);
    const first = (await visitOf(0))?.signIn ?? '';
    expect(await room.accounts.endSignIn(bob.id, first)).toBe(false);
    expect(await room.accounts.endSignIn(ada.id, first)).toBe(true);
    expect(await room.accounts.endSignIn(ada.id, first)).toBe(false);
    expect(await visitOf(0)).toBeUndefined();
    expect(await room.accounts.endOtherSignIns(ada.id, (await visitOf(2))?.signIn ?? '')).toBe(1);
    expect(await visitOf(1)).toBeUndefined();
    expect(await visitOf(2)).toBeDefined();
  });

  test('AN9 signing out ends the sign-in on the server and clears the cookie', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const { cookie } = await room.accounts.signIn('ada@example.com', password);
    const cleared = await room.accounts.signOut(new Headers({ cookie }));
    expect(cleared[0]).toContain('Max-Age=0');
    expect(await room.accounts.signIns(ada.id)).toEqual([]);
    expect(await room.accounts.signedIn(new Headers({ cookie }))).toBeUndefined();
  });
});

describe('ends of rights', () => {
  test('AN10 a change of password ends the other sign-ins and tells the listeners', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const here = await room.accounts.signIn('ada@example.com', password);
    const there = await room.accounts.signIn('ada@example.com', password);
    const headers = new Headers({ cookie: here.cookie });
    await expect(
      room.accounts.changePassword(headers, 'not it at all', 'another good one', from('192.0.2.1')),
    ).rejects.toMatchObject({ code: 'credentials-wrong' });
    await expect(
      room.accounts.changePassword(headers, password, 'short', from('192.0.2.1')),
    ).rejects.toMatchObject({ code: 'input-invalid' });
    await expect(
      room.accounts.changePassword(new Headers(), password, 'another good one', from('192.0.2.1')),
    ).rejects.toMatchObject({ code: 'forbidden' });
    expect(room.ended).toEqual([]);
    const [cookie = ''] = await room.accounts.changePassword(
      headers,
      password,
      'another good one',
      from('192.0.2.1'),
    );
    expect(room.ended).toEqual([ada.id]);
    expect(await room.accounts.signedIn(new Headers({ cookie: there.cookie }))).toBeUndefined();
    expect(await room.accounts.signedIn(headers)).toBeUndefined();
    expect(await room.accounts.signedIn(new Headers({ cookie: cookie.split(';', 1)[0] ?? '' }))).toEqual(ada);
    await expect(room.accounts.signIn('ada@example.com', password)).rejects.toMatchObject({
      code: 'credentials-wrong',
    });
    await room.accounts.signIn('ada@example.com', 'another good one');
  });

  test('AN10 asking for the password before a secret is shown is limited too', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    expect(await room.accounts.checkPassword(ada.id, password)).toBe(true);
    expect(await room.accounts.checkPassword('nobody', password)).toBe(false);
    for (let n = 0; n < 9; n += 1)
      expect(await room.accounts.checkPassword(ada.id, 'wrong password')).toBe(false);
    await expect(room.accounts.checkPassword(ada.id, password)).rejects.toMatchObject({
      code: 'rate-limited',
    });
  });

  test('AN11 disabling ends sign-ins and rights, until the account is enabled', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    const { cookie } = await room.accounts.signIn('bob@example.com', password);
    await room.accounts.disable(bob.id, ada.id);
    expect(room.ended).toEqual([bob.id]);
    expect(await room.accounts.signedIn(new Headers({ cookie }))).toBeUndefined();
    await expect(room.accounts.signIn('bob@example.com', password)).rejects.toMatchObject({
      code: 'account-disabled',
    });
    expect((await room.accounts.people()).map(({ email, disabled }) => [email, disabled])).toEqual([
      ['ada@example.com', false],
      ['bob@example.com', true],
    ]);
    await room.accounts.enable(bob.id, ada.id);
    await room.accounts.signIn('bob@example.com', password);
  });

  test('AN11 refused: the last administrator, an unknown account', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    await expect(room.accounts.disable(ada.id, ada.id)).rejects.toThrow('last administrator');
    await expect(room.accounts.enable('nobody', ada.id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(room.accounts.disable('nobody', ada.id)).rejects.toMatchObject({ code: 'not-found' });
    expect(room.ended).toEqual([]);
  });

  test('AN23 the role of administrator is given and taken, felt by the next request, and one is always left', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    const { cookie } = await room.accounts.signIn('bob@example.com', password);
    const role = async () => (await room.accounts.signedIn(new Headers({ cookie })))?.role;
    expect(await role()).toBe('user');
    await room.accounts.setRole(bob.id, 'administrator', ada.id);
    expect(await role()).toBe('administrator');
    await room.accounts.setRole(ada.id, 'user', ada.id);
    await expect(room.accounts.setRole(bob.id, 'user', bob.id)).rejects.toThrow('last administrator');
    await expect(room.accounts.setRole('nobody', 'administrator', bob.id)).rejects.toMatchObject({
      code: 'not-found',
    });
    await room.accounts.setRole(ada.id, 'administrator', bob.id);
    await room.accounts.setRole(bob.id, 'user', ada.id);
    expect(await role()).toBe('user');
  });

  test('AN13 deletion ends rights, then the parts of every room, then the account', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    const { cookie } = await room.accounts.signIn('bob@example.com', password);
    const order: string[] = [];
    room.accounts.onRightEnded(() => order.push('rights'));
    room.accounts.onDelete(async (account) => {
      order.push(`part, while signed in is ${await room.accounts.signedIn(new Headers({ cookie }))}`);
      expect(await room.accounts.find(account)).toBeDefined();
    });
    await room.accounts.delete(bob.id);
    expect(order).toEqual(['rights', 'part, while signed in is undefined']);
    expect(await room.accounts.findByEmail('bob@example.com')).toBeUndefined();
    const sqlite = new Database(room.path, { readonly: true });
    for (const table of ['session', 'account']) {
      expect(sqlite.query(`SELECT * FROM ${table} WHERE userId = ?`).all(bob.id)).toEqual([]);
    }
    sqlite.close();
    await expect(room.accounts.delete(bob.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('AN13 when a room fails to end its part the account stays, disabled', async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    let broken = true;
    room.accounts.onDelete(async () => {
      if (broken) throw new Error('a room cannot end its part');
    });
    await expect(room.accounts.delete(bob.id)).rejects.toThrow('cannot end its part');
    await expect(room.accounts.signIn('bob@example.com', password)).rejects.toMatchObject({
      code: 'account-disabled',
    });
    broken = false;
    await room.accounts.delete(bob.id);
    expect(await room.accounts.find(bob.id)).toBeUndefined();
  });

  test('AN13 the last administrator goes last', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const bob = await room.accounts.create('bob@example.com', password, 'Bob');
    await expect(room.accounts.delete(ada.id)).rejects.toThrow('last administrator');
    await room.accounts.delete(bob.id);
    await room.accounts.delete(ada.id);
    expect(await room.accounts.count()).toBe(0);
  });
});

describe('the export', () => {
  test('AN12 it has the part of every room and no secret', async () => {
    room = await openAccountsRoom();
    const ada = await room.accounts.create('ada@example.com', password, 'Ada');
    const { cookie } = await room.accounts.signIn('ada@example.com', password, from('192.0.2.9'));
    const [changed = ''] = await room.accounts.changePassword(
      new Headers({ cookie }),
      password,
      'another good one',
      from('192.0.2.9'),
    );
    room.accounts.onExport('grants', async (account) => [{ account, client: 'a client' }]);
    const text = JSON.stringify(await room.accounts.export(ada.id));
    const parts = JSON.parse(text);
    expect(Object.keys(parts)).toEqual(['account', 'signIns', 'audit', 'grants']);
    expect(parts.account).toMatchObject({
      id: ada.id,
      email: 'ada@example.com',
      name: 'Ada',
      role: 'administrator',
    });
    expect(parts.signIns).toMatchObject([{ address: '192.0.2.9', userAgent: 'curl/8.0' }]);
    expect(parts.audit).toMatchObject([{ event: 'account.password-changed', subject: ada.id }]);
    expect(parts.grants).toEqual([{ account: ada.id, client: 'a client' }]);
    const token = /=([^.]+)\./.exec(changed.split('session_token', 2)[1] ?? '')?.[1] ?? '';
    expect(token).toHaveLength(32);
    for (const secret of [token, 'argon2id', 'another good one']) expect(text).not.toContain(secret);
    await expect(room.accounts.export('nobody')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('what rests on a sign-in', () => {
  test('AN21 whatever ends a sign-in is told before the answer', async () => {
    room = await openAccountsRoom();
    const { id } = await room.accounts.create('ada@example.com', password, 'Ada');
    const ended: string[] = [];
    room.accounts.onSignInEnded(async (signIn) => {
      ended.push(signIn);
    });
    const enter = async () => {
      const { cookie } = await room.accounts.signIn('ada@example.com', password);
      const headers = new Headers({ cookie });
      return { headers, signIn: (await room.accounts.visit(headers))?.signIn ?? '' };
    };
    const visits = [await enter(), await enter(), await enter(), await enter(), await enter()] as const;
    const told = () => ended.splice(0).sort();
    await room.accounts.signOut(visits[0].headers);
    expect(told()).toEqual([visits[0].signIn]);
    await room.accounts.endSignIn(id, visits[1].signIn);
    expect(told()).toEqual([visits[1].signIn]);
    await room.accounts.endOtherSignIns(id, visits[3].signIn);
    expect(told()).toEqual([visits[2].signIn, visits[4].signIn].sort());
    await room.accounts.resetPassword('ada@example.com', 'another good word');
    expect(told()).toEqual([visits[3].signIn]);
    const { cookie } = await room.accounts.signIn('ada@example.com', 'another good word');
    const last = (await room.accounts.visit(new Headers({ cookie })))?.signIn ?? '';
    await room.accounts.create('bob@example.com', password, 'Bob');
    const bob = await room.accounts.signIn('bob@example.com', password);
    const bobs = (await room.accounts.visit(new Headers({ cookie: bob.cookie })))?.signIn ?? '';
    await room.accounts.disable(bob.account.id, id);
    expect(told()).toEqual([bobs]);
    await room.accounts.delete(bob.account.id);
    told();
    await room.accounts.delete(id);
    expect(told()).toEqual([last]);
  });
});
