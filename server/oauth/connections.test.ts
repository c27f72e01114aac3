import { afterEach, beforeEach, expect, test } from 'bun:test';
import { appToken, as, askToken, fieldOf, grantTo, openTown, post, type Town } from './fixture.test.ts';

let town: Town;

beforeEach(async () => {
  town = await openTown();
});

afterEach(async () => {
  await town.close();
});

/** The token of the forms of the list; the menu has a form of its own. */
const tokenOf = (html: string): string =>
  fieldOf(html.slice(html.indexOf('/connections/revoke')), 'form_token');

const page = async (person = town.ann): Promise<string> =>
  (await town.request('/connections', as(person))).text();

test('OA26 it lists services and apps with scopes, age and last use, of this account only', async () => {
  const bob = await town.person('bob');
  const { id } = await town.app(bob);
  await grantTo(town, town.ann);
  await appToken(town, id, town.ann);
  const html = await page();
  for (const text of [
    'Guestbook server',
    'Send push messages',
    'while you are away',
    'Hello Push',
    'receive its messages',
    '<time',
  ]) {
    expect(html).toContain(text);
  }
  expect(html.match(/Revoke<\/button>/g)).toHaveLength(2);
  expect(await page(bob)).toContain('Nothing is connected');
});

test('OA26 who is not signed in signs in first', async () => {
  const answer = await town.request('/connections', { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([
    303,
    '/accounts/sign-in?return=%2Fconnections',
  ]);
});

test('OA26 taking one back ends it and leaves the others; taking all back leaves none', async () => {
  const [one, two, three] = [
    await grantTo(town, town.ann),
    await grantTo(town, town.ann),
    await grantTo(town, town.ann),
  ];
  const lives = async (tokens: { refresh_token: string }): Promise<boolean> =>
    (await askToken(town, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status ===
    200;
  const html = await page();
  const token = tokenOf(html);
  const taken = await town.request(
    '/connections/revoke',
    post(town.ann, { form_token: token, grant: fieldOf(html, 'grant') }),
  );
  expect([taken.status, taken.headers.get('location')]).toEqual([303, '/connections?done=revoked']);
  expect([await lives(one), await lives(two), await lives(three)].filter(Boolean)).toHaveLength(2);
  await town.request(
    '/connections/revoke',
    post(town.ann, { form_token: token, client: fieldOf(html, 'client') }),
  );
  expect([await lives(one), await lives(two), await lives(three)]).toEqual([false, false, false]);
  expect(await page()).toContain('Nothing is connected');
});

test("OA26 nobody takes back what is another's, or without the token of the page", async () => {
  const bob = await town.person('bob');
  const tokens = await grantTo(town, town.ann);
  await grantTo(town, bob);
  const grant = fieldOf(await page(), 'grant');
  const bobs = tokenOf(await page(bob));
  expect((await town.request('/connections/revoke', post(bob, { form_token: bobs, grant }))).status).toBe(
    303,
  );
  expect(
    (await town.request('/connections/revoke', post(bob, { form_token: bobs, client: town.client.id })))
      .status,
  ).toBe(303);
  for (const form_token of ['', bobs]) {
    expect((await town.request('/connections/revoke', post(town.ann, { form_token, grant }))).status).toBe(
      403,
    );
  }
  expect(
    (await town.request('/connections/revoke', post(undefined, { form_token: bobs, grant }))).status,
  ).toBe(403);
  expect(await town.senders.identify(tokens.access_token)).toMatchObject({ account: town.ann.id });
});

test('OA26 a consent page that is still open cannot undo what was taken back', async () => {
  await grantTo(town, town.ann);
  const { db, clock, ann, client } = town;
  await db
    .insertInto('codes')
    .values({
      hash: 'h',
      account: ann.id,
      client: client.id,
      scope: 's',
      redirect_uri: 'r',
      offline: 1,
      code_challenge: null,
      code_challenge_method: null,
      sign_in: null,
      expires_at: clock.now() + 60_000,
      used_grant: null,
    })
    .execute();
  await town.grants.endClient(ann.id, client.id);
  expect(await db.selectFrom('codes').selectAll().where('hash', '=', 'h').execute()).toEqual([]);
});

test('OA26 the export of an account has its grants and projects', async () => {
  await grantTo(town, town.ann);
  const parts = await town.accounts.export(town.ann.id);
  expect(parts.grants).toMatchObject([{ client: town.client.id, offline: true }]);
  expect(parts.projects).toMatchObject([{ id: town.project, role: 'owner' }]);
});
