import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { PageVisitor } from '../dev-env/page-visitor.ts';
import { type Seed, Town } from '../dev-env/town.ts';

let town: Town;
let administrator: PageVisitor;

/** One sender with everything of its own, whose right is about to end. */
interface Person extends Seed {
  readonly visitor: PageVisitor;
  readonly accessToken: string;
}

const visitorWith = (cookie: string): PageVisitor =>
  new PageVisitor(
    { fetch: (path, init) => fetch(`${town.origin}${path}`, { ...init, redirect: 'manual' }) },
    cookie,
  );

async function postJson(path: string, body: unknown, cookie = ''): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', ...(cookie && { Cookie: cookie }) };
  const answer = await fetch(`${town.origin}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

let people = 0;
const password = 'a few good words';

/** Signs up and bootstraps through the public doors, and sends one message to show that the right stands. */
async function settle(): Promise<Person> {
  people += 1;
  const email = `person${people}@example.com`;
  const signedUp = await postJson('/accounts/api/sign-up/email', { email, password, name: email });
  const cookie = signedUp.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const seed = (await (await postJson('/v2/bootstrap', {}, cookie)).json()) as Seed;
  const accessToken = await town.accessToken(seed);
  const person = { ...seed, account: { email, password }, visitor: visitorWith(cookie), accessToken };
  expect((await send(person)).status).toBe(204);
  return person;
}

const send = (person: Person): Promise<Response> =>
  town.send(person.accessToken, { channelId: person.channel_id, subchannelId: 0, payload: 'hi' });

/** The id that stands in the first link of a page that begins with `path`. */
async function linkedId(visitor: PageVisitor, page: string, path: string): Promise<string> {
  const { html } = await visitor.open(page);
  const found = new RegExp(`href="${path}([^"/?]+)"`).exec(html)?.[1];
  if (found === undefined) throw new Error(`${page} has no link to ${path}`);
  return found;
}

/** The value of the hidden field `name` in the form of the row that names `text`. */
async function rowValue(visitor: PageVisitor, page: string, text: string, name: string): Promise<string> {
  const { html } = await visitor.open(page);
  const row = html.split('<tr').find((part) => part.includes(text) && part.includes(`name="${name}"`));
  const value = new RegExp(`name="${name}" value="([^"]+)"`).exec(row ?? '')?.[1];
  if (value === undefined) throw new Error(`${page} has no row of ${text}`);
  return value;
}

beforeAll(async () => {
  town = await Town.start();
  administrator = visitorWith(town.seed.cookie);
});

afterAll(async () => {
  await town[Symbol.asyncDispose]();
});

const ends: readonly [string, number, (person: Person) => Promise<unknown>][] = [
  [
    'the refresh token is revoked',
    401,
    ({ refresh_token: token }) =>
      fetch(`${town.origin}/o/oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token }) }),
  ],
  [
    'the grant is taken back under connected services',
    401,
    ({ visitor }) => visitor.send('/connections', '/connections/revoke'),
  ],
  [
    'the client is deleted',
    401,
    ({ visitor, client: { client_id } }) =>
      visitor.send(`/console/clients/${client_id}`, `/console/clients/${client_id}/remove`, { sure: 'on' }),
  ],
  [
    'the secret of the client is reset',
    401,
    ({ visitor, client: { client_id } }) =>
      visitor.send(`/console/clients/${client_id}`, `/console/clients/${client_id}/reset`, { sure: 'on' }),
  ],
  [
    'messaging is switched off for the project',
    403,
    ({ visitor, project: { id } }) =>
      visitor.send(`/console/projects/${id}`, `/console/projects/${id}/messaging`),
  ],
  [
    'the password is changed',
    401,
    ({ visitor }) => {
      const next = 'other good words';
      return visitor.send('/accounts', '/accounts/password', { current: password, next, again: next });
    },
  ],
  [
    'the account is disabled',
    401,
    async ({ account }) => {
      const id = await rowValue(administrator, '/accounts/people', account.email, 'id');
      return administrator.send('/accounts/people', '/accounts/people/disable', { id });
    },
  ],
  [
    'the account leaves the publisher group',
    403,
    async ({ visitor, account }) => {
      const group = await linkedId(visitor, '/console/apps', '/console/groups/');
      const page = `/console/groups/${group}`;
      await visitor.send(page, `${page}/invite`, { email: town.seed.account.email });
      await administrator.send('/console/apps', `${page}/answer`, { accept: '1' });
      const heir = await rowValue(visitor, page, town.seed.account.email, 'account');
      await visitor.send(page, `${page}/role`, { account: heir, role: 'owner' });
      const self = await rowValue(administrator, page, account.email, 'account');
      return administrator.send(page, `${page}/remove`, { account: self });
    },
  ],
  [
    'the app is removed',
    403,
    ({ visitor, app: { id } }) =>
      visitor.send(`/console/apps/${id}`, `/console/apps/${id}/remove`, { sure: 'on' }),
  ],
];

describe('what ends a right is felt by the very next request', () => {
  test.each(ends)('OW2 when %s, the next POST is refused with %d', async (_, status, end) => {
    const person = await settle();
    await end(person);
    const answer = await send(person);
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error.message.length).toBeGreaterThan(20);
  });
});
