import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { AppId } from '../../protocol/app-id.ts';
import { type ErrorCode, ReveilleError } from '../../protocol/errors.ts';
import { SEND_SCOPE } from '../core/sender.ts';
import {
  appToken,
  askToken,
  grantTo,
  openTown,
  type Person,
  password,
  post,
  type Town,
} from './fixture.test.ts';
import { createSenders } from './senders.ts';

let town: Town;
/** A member of the project and of the publisher group, whose token sends for the app. */
let bob: Person;
let app: { readonly id: AppId; readonly group: string };
let tokens: { readonly access_token: string; readonly refresh_token: string };

beforeEach(async () => {
  town = await openTown();
  bob = await town.person('bob');
  app = await town.app(town.ann);
  await town.groups.invite(town.ann.id, app.group, bob.email);
  await town.groups.answer(bob.id, app.group, true);
  await town.join(town.ann, town.project, bob, 'editor');
  tokens = await grantTo(town, bob);
});

afterEach(async () => {
  await town.close();
});

/** What the intake does with each message before it looks at it: ends in the code of the refusal, or 'accepted'. */
async function send(token = tokens.access_token, to = app.id): Promise<ErrorCode | 'accepted'> {
  try {
    const sender = await town.senders.identify(token);
    await town.senders.assertEnabled(sender);
    await town.senders.assertOwns(sender, to);
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof ReveilleError) return thrown.code;
    throw thrown;
  }
}

const refresh = (): Promise<Response> =>
  askToken(town, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });

/** What happens, what the very next request is told, and whether the refresh token still stands. */
const ends: readonly (readonly [string, () => Promise<unknown>, ErrorCode, number])[] = [
  ['the access token is revoked', () => revoke(tokens.access_token), 'token-invalid', 400],
  ['the refresh token is revoked', () => revoke(tokens.refresh_token), 'token-invalid', 400],
  [
    'its account takes the grant back',
    () => town.grants.endClient(bob.id, town.client.id),
    'token-invalid',
    400,
  ],
  ['the secret is reset', () => town.clients.resetSecret(town.ann, town.client.id), 'token-invalid', 401],
  ['the client is removed', () => town.clients.remove(town.ann, town.client.id), 'token-invalid', 401],
  ['the project is removed', () => town.projects.remove(town.ann, town.project), 'token-invalid', 401],
  [
    'messaging is switched off',
    () => town.projects.setMessaging(town.ann, town.project, false),
    'api-off',
    200,
  ],
  ['the password is changed', changePassword, 'token-invalid', 200],
  [
    'the password is reset',
    () => town.accounts.resetPassword(bob.email, 'another long password'),
    'token-invalid',
    200,
  ],
  ['the account is disabled', () => town.accounts.disable(bob.id, town.ann.id), 'token-invalid', 400],
  ['the account is deleted', () => town.accounts.delete(bob.id), 'token-invalid', 400],
  ['a member leaves the project', () => town.team.remove(bob, town.project, bob.id), 'token-invalid', 400],
  [
    'a member leaves the group',
    () => town.groups.remove(town.ann.id, app.group, bob.id),
    'app-not-owned',
    200,
  ],
  ['the app changes hands', transfer, 'app-not-owned', 200],
  ['the app is removed', () => town.apps.remove(town.ann.id, app.id), 'app-not-owned', 200],
];

describe('whatever ends a right is felt by the very next request', () => {
  test.each(ends)('OA1 %s', async (_what, end, refusal, refreshStatus) => {
    // Twice: the second answer comes from memory, which is what must be forgotten.
    expect([await send(), await send()]).toEqual(['accepted', 'accepted']);
    await end();
    expect(await send()).toBe(refusal);
    expect((await refresh()).status).toBe(refreshStatus);
    expect(await send()).toBe(refusal);
  });

  test('OA1 what ended for one does not end for another', async () => {
    const anns = await grantTo(town, town.ann);
    await town.accounts.disable(bob.id, town.ann.id);
    expect([await send(), await send(anns.access_token)]).toEqual(['token-invalid', 'accepted']);
  });

  test('OA1 after a password change the refresh token gives the next access token', async () => {
    await changePassword();
    const { access_token } = (await (await refresh()).json()) as { access_token: string };
    expect(access_token).not.toBe(tokens.access_token);
    expect([await send(access_token), await send()]).toEqual(['accepted', 'token-invalid']);
  });

  test('OA1 a disabled account gets its rights back when it is enabled, the old access token not', async () => {
    await town.accounts.disable(bob.id, town.ann.id);
    await town.accounts.enable(bob.id, town.ann.id);
    const { access_token } = (await (await refresh()).json()) as { access_token: string };
    expect([await send(access_token), await send()]).toEqual(['accepted', 'token-invalid']);
  });

  test('OA1 the token of an app ends with its grant, its sign-in rights and its app', async () => {
    for (const end of [
      () => town.grants.endClient(bob.id, app.id),
      () => town.accounts.resetPassword(bob.email, 'another long password'),
      () => town.apps.remove(town.ann.id, app.id),
    ]) {
      const cookie = (await town.accounts.signIn(bob.email, await currentPassword())).cookie;
      const token = await appToken(town, app.id, { ...bob, cookie });
      expect(await town.senders.identify(token)).toMatchObject({ client: app.id });
      await end();
      expect(await send(token)).toBe('token-invalid');
    }
  });

  test('OA1 those who listen hear of a client that has nothing left, once it has nothing left', async () => {
    const heard: string[] = [];
    town.grants.onEnded((account, client) => heard.push(`${account} ${client}`));
    await grantTo(town, bob);
    await revoke(tokens.refresh_token);
    expect(heard).toEqual([]);
    await town.grants.endClient(bob.id, town.client.id);
    expect(heard).toEqual([`${bob.id} ${town.client.id}`]);
  });

  test('OA1 changed limits count for the very next request', async () => {
    expect(await town.senders.identify(tokens.access_token)).toMatchObject({
      dailyQuota: 10_000,
      payloadBytes: 256,
    });
    await town.projects.setLimits(town.ann, town.project, {
      dailyQuota: 5,
      payloadBytes: 512,
      dailyTargets: 7,
      subchannels: 9,
    });
    expect(await town.senders.identify(tokens.access_token)).toMatchObject({
      dailyQuota: 5,
      payloadBytes: 512,
      dailyTargets: 7,
      subchannels: 9,
    });
  });

  test('OA1 deleting an account leaves nothing of it here', async () => {
    await town.accounts.delete(bob.id);
    expect(await town.db.selectFrom('grants').selectAll().where('account', '=', bob.id).execute()).toEqual(
      [],
    );
    expect(
      await town.db.selectFrom('project_members').selectAll().where('account', '=', bob.id).execute(),
    ).toEqual([]);
    expect(await town.db.selectFrom('access_tokens').selectAll().execute()).toEqual([]);
  });
});

async function currentPassword(): Promise<string> {
  return (await town.accounts.checkPassword(bob.id, password)) ? password : 'another long password';
}

async function revoke(token: string): Promise<void> {
  const answer = await town.request('/o/oauth2/revoke', post(undefined, { token }));
  expect(answer.status).toBe(200);
}

async function changePassword(): Promise<void> {
  const from = { address: '192.0.2.7', userAgent: '' };
  await town.accounts.changePassword(
    new Headers({ cookie: bob.cookie }),
    password,
    'another long password',
    from,
  );
}

async function transfer(): Promise<void> {
  const elsewhere = await town.groups.create(town.ann.id, 'Elsewhere');
  await town.apps.transfer(town.ann.id, app.id, elsewhere);
}

describe('what is remembered of a token', () => {
  test('OA29 the second time the database is not asked', async () => {
    const first = await town.senders.identify(tokens.access_token);
    await town.senders.assertOwns(first, app.id);
    town.sqlite.run('ALTER TABLE access_tokens RENAME TO lost');
    town.sqlite.run('ALTER TABLE apps RENAME TO lost_apps');
    const again = town.senders.identify(tokens.access_token);
    expect(again).toBe(first);
    expect(town.senders.assertEnabled(first)).toBeUndefined();
    expect(town.senders.assertOwns(first, app.id)).toBeUndefined();
  });

  test('OA29 a look-up that began before a right ended is not kept', async () => {
    const before = town.senders.identify(tokens.access_token);
    town.senders.rightsEnded();
    await before;
    expect(town.senders.identify(tokens.access_token)).toBeInstanceOf(Promise);
  });

  test('OA29 while a right is ending no token is looked up', async () => {
    await town.senders.identify(tokens.access_token);
    const { promise, resolve } = Promise.withResolvers<void>();
    town.senders.rightsEnding(promise.then(() => town.grants.endClient(bob.id, town.client.id)));
    const asked = send();
    resolve();
    expect(await asked).toBe('token-invalid');
  });

  test('OA29 an end that fails lets the others through again', async () => {
    town.senders.rightsEnding(Promise.reject(new Error('the disk is full')));
    expect(await send()).toBe('accepted');
  });

  test('OA29 a token ends with its hour, from memory too', async () => {
    expect([await send(), await send()]).toEqual(['accepted', 'accepted']);
    town.clock.advance(3_599_999);
    expect(await send()).toBe('accepted');
    town.clock.advance(1);
    expect([await send(), await send()]).toEqual(['token-invalid', 'token-invalid']);
  });

  test('OA29 text that cannot be a token is refused without a look-up', () => {
    for (const text of [
      '',
      'x',
      'ya29.',
      `ya29.${'x'.repeat(42)}`,
      `ya29.${'x'.repeat(5_000)}`,
      '1/fFBGRNJru1FQd44AzqT3Zg',
    ]) {
      expect(() => town.senders.identify(text)).toThrow('Invalid Credentials');
    }
  });

  test('OA29 a token of the right form that nobody was given is refused', async () => {
    expect(await send(`ya29.${'x'.repeat(43)}`)).toBe('token-invalid');
  });

  test('OA29 the memory is bounded: the oldest is forgotten, and found again', async () => {
    const senders = createSenders({
      db: town.db,
      clock: town.clock,
      owners: town.apps,
      dailyQuota: 7,
      remembered: 2,
    });
    const others = [await grantTo(town, town.ann), await grantTo(town, town.ann)];
    const first = await senders.identify(tokens.access_token);
    expect([first.dailyQuota, senders.identify(tokens.access_token)]).toEqual([7, first]);
    for (const { access_token } of others) await senders.identify(access_token);
    for (const { access_token } of others) expect(senders.identify(access_token)).not.toBeInstanceOf(Promise);
    const again = senders.identify(tokens.access_token);
    expect(again).toBeInstanceOf(Promise);
    expect(await again).toEqual(first);
  });
});

describe('who may send for what', () => {
  test('OA30 an app of another group, and an app that nobody registered', async () => {
    const carols = await town.app(await town.person('carol'));
    expect(await send(tokens.access_token, carols.id)).toBe('app-not-owned');
    expect(await send(tokens.access_token, 'a'.repeat(32) as AppId)).toBe('app-not-owned');
    // A right that was gained is felt at once: a no is never remembered.
    const mine = await town.app(bob);
    expect(await send(tokens.access_token, mine.id)).toBe('accepted');
  });

  test('OA30 an unproven app reaches the members of its group only', async () => {
    const carol = await town.person('carol');
    await town.db.updateTable('apps').set({ proven: 0 }).where('id', '=', app.id).execute();
    const sender = await town.senders.identify(tokens.access_token);
    await town.senders.assertMayReach(sender, app.id, town.ann.id);
    expect(town.senders.assertMayReach(sender, app.id, carol.id)).rejects.toThrow(
      'registered by its public key alone',
    );
    await town.db.updateTable('apps').set({ proven: 1 }).where('id', '=', app.id).execute();
    await town.senders.assertMayReach(sender, app.id, carol.id);
    expect(town.senders.assertMayReach(sender, 'a'.repeat(32) as AppId, carol.id)).rejects.toThrow('No app');
  });

  test('OA30 the apps of an account, and the scopes of its token', async () => {
    const sender = await town.senders.identify(tokens.access_token);
    expect(await town.senders.ownedApps(sender)).toEqual([app.id]);
    expect([...sender.scopes]).toEqual([SEND_SCOPE]);
    expect(sender).toMatchObject({
      account: bob.id,
      client: town.client.id,
      project: town.project,
      signIn: null,
    });
  });

  test('OA30 what was found before a right ended is looked at again with the sender in hand', async () => {
    const sender = await town.senders.identify(tokens.access_token);
    await town.senders.assertOwns(sender, app.id);
    await town.groups.remove(town.ann.id, app.group, bob.id);
    await town.projects.setMessaging(town.ann, town.project, false);
    expect(town.senders.assertOwns(sender, app.id)).rejects.toThrow('does not own');
    expect(town.senders.assertEnabled(sender)).rejects.toThrow('Access Not Configured');
  });
});
