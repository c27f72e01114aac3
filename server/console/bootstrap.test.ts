import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import type { Seed } from '../../dev-env/town.ts';
import { appOfChannel, isChannelId } from '../../protocol/channel-id.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { readPublicKey } from '../webstore/app-key.ts';

let town: ConsoleTown;
let clock: ManualClock;

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  town = await ConsoleTown.open({ clock });
});

afterEach(async () => {
  await town[Symbol.asyncDispose]();
});

interface Call {
  readonly body?: string;
  readonly cookie?: string;
  readonly headers?: Record<string, string>;
  readonly address?: string;
}

function call(at: ConsoleTown, { body = '{}', cookie, headers = {}, address }: Call = {}): Promise<Response> {
  const all = {
    'Content-Type': 'application/json',
    ...(cookie === undefined ? {} : { Cookie: cookie }),
    ...headers,
  };
  return at.fetch('/v2/bootstrap', { method: 'POST', headers: all, body }, address);
}

async function seedOf(answer: Response): Promise<Seed> {
  expect(answer.status).toBe(200);
  return (await answer.json()) as Seed;
}

async function refusalOf(answer: Response): Promise<[number, string]> {
  const { error } = (await answer.json()) as { error: { message: string } };
  return [answer.status, error.message];
}

async function accessToken(seed: Seed): Promise<Response> {
  const { client, refresh_token } = seed;
  const { client_id, client_secret } = client;
  const body = new URLSearchParams({ client_id, client_secret, refresh_token, grant_type: 'refresh_token' });
  return await town.fetch('/o/oauth2/token', { method: 'POST', body });
}

describe('bootstrap', () => {
  test('CO16 on an empty server it makes one of each, and the refresh token gives a token that may send', async () => {
    const seed = await seedOf(await call(town));
    expect(Object.keys(seed)).toEqual([
      'origin',
      'account',
      'project',
      'client',
      'refresh_token',
      'publish_refresh_token',
      'app',
      'publisher',
      'channel_id',
      'cookie',
    ]);
    expect(seed.origin).toBe(town.origin);
    expect(readPublicKey(seed.app.key).id).toBe(seed.app.id as never);
    if (!isChannelId(seed.channel_id)) throw new Error('not a channel id');
    expect(appOfChannel(seed.channel_id)).toBe(seed.app.id as never);
    expect(seed.client.redirect_uris[0]).toBe(`${town.origin}/oauthplayground`);
    const { account } = await town.accounts.signIn(seed.account.email, seed.account.password);
    expect(account.role).toBe('administrator');
    const { access_token } = (await (await accessToken(seed)).json()) as { access_token: string };
    const sender = await town.oauth.senders.identify(access_token);
    await town.oauth.senders.assertEnabled(sender);
    await town.oauth.senders.assertOwns(sender, seed.app.id as never);
    expect((await town.fetch('/console', { headers: { Cookie: seed.cookie } })).status).toBe(200);
  });

  test('CO16 a daily quota is taken over; 0 means none', async () => {
    const seed = await seedOf(await call(town, { body: '{"dailyQuota": 0}' }));
    const { account } = await town.accounts.signIn(seed.account.email, seed.account.password);
    expect((await town.oauth.projects.get(account, seed.project.id)).dailyQuota).toBe(0);
    for (const body of ['{"dailyQuota": -1}', '{"dailyQuota": "many"}', '{"quota": 1}', '[]', 'nonsense'])
      expect((await refusalOf(await call(town, { body, cookie: seed.cookie })))[0]).toBe(400);
  });

  test('CO17 again as who is signed in: the same things, no password, and a grant in the place of the earlier one', async () => {
    const first = await seedOf(await call(town));
    let last = first;
    for (let round = 0; round < 30; round += 1) {
      clock.advance(60_000);
      last = await seedOf(await call(town, { cookie: first.cookie }));
    }
    const { refresh_token: fresh, publish_refresh_token: _, account, ...rest } = last;
    const { refresh_token: stale, publish_refresh_token: __, account: before, ...same } = first;
    expect(rest).toEqual(same);
    expect(account).toEqual({ email: before.email, password: null as never });
    expect(fresh).not.toBe(stale);
    expect((await accessToken(first)).status).toBe(400);
    expect((await accessToken(last)).status).toBe(200);
  });

  test('CO17 an account of its own gets a demo of its own; only the administrator may set the quota', async () => {
    await seedOf(await call(town));
    await town.accounts.create('bob@example.com', 'correct horse battery', 'bob');
    const { account: bob, cookie } = await town.accounts.signIn('bob@example.com', 'correct horse battery');
    expect((await refusalOf(await call(town, { cookie, body: '{"dailyQuota": 5}' })))[0]).toBe(403);
    const seed = await seedOf(await call(town, { cookie }));
    expect(seed.account.email).toBe('bob@example.com');
    expect((await town.oauth.projects.of(bob)).map(({ id }) => id)).toEqual([seed.project.id]);
  });

  test('CO17 two at once make one demo', async () => {
    const { cookie } = await seedOf(await call(town));
    await town.accounts.create('bob@example.com', 'correct horse battery', 'bob');
    const bob = await town.accounts.signIn('bob@example.com', 'correct horse battery');
    const [one, other] = await Promise.all([
      call(town, { cookie: bob.cookie }),
      call(town, { cookie: bob.cookie }),
    ]);
    expect((await seedOf(one)).app).toEqual((await seedOf(other)).app);
    expect(await town.webstore.apps.list(bob.account.id)).toHaveLength(1);
    expect(cookie).not.toBe(bob.cookie);
  });

  test('CO18 a server with accounts refuses strangers and says how to sign in', async () => {
    await town.accounts.create('ann@example.com', 'correct horse battery', 'ann');
    const [status, sentence] = await refusalOf(await call(town));
    expect([status, sentence.includes('./bin/reveille login')]).toEqual([403, true]);
    expect(await town.accounts.count()).toBe(1);
  });

  test('CO18 where the first account needs the set-up code, so does bootstrap', async () => {
    await using away = await ConsoleTown.open({
      origin: 'https://push.example',
      setupCode: 'sun-rise',
      clock,
    });
    expect((await refusalOf(await call(away)))[0]).toBe(403);
    expect((await refusalOf(await call(away, { body: '{"setupCode": "sun-set"}' })))[0]).toBe(403);
    expect(await away.accounts.count()).toBe(0);
    expect((await seedOf(await call(away, { body: '{"setupCode": "sun-rise"}' }))).origin).toBe(
      'https://push.example',
    );
  });

  test('CO18 a page of another origin cannot use a sign-in that is not its own', async () => {
    const { cookie } = await seedOf(await call(town));
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ] as Record<string, string>[])
      expect((await refusalOf(await call(town, { cookie, headers })))[0]).toBe(403);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect((await refusalOf(await call(town, { cookie, headers: { 'Content-Type': type } })))[0]).toBe(415);
    expect(
      (await call(town, { cookie, headers: { Origin: town.origin, 'Sec-Fetch-Site': 'same-origin' } }))
        .status,
    ).toBe(200);
  });

  test('CO18 above ten calls a minute an address waits; another one does not', async () => {
    const { cookie } = await seedOf(await call(town));
    const statuses: number[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push((await call(town, { body: 'nonsense', cookie })).status);
    expect(statuses.slice(0, 9).every((status) => status === 400)).toBe(true);
    const late = await call(town, { cookie });
    expect(late.status).toBe(429);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call(town, { cookie, address: '10.0.0.9' })).status).toBe(200);
  });

  test('CO18 a body above the limit is refused', async () => {
    expect((await call(town, { body: `{"setupCode": "${'x'.repeat(20_000)}"}` })).status).toBe(413);
  });
});
