import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { packedExtension } from '../../dev-env/packages.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { CHANNEL_SCOPE, SEND_SCOPE, STORE_READ_SCOPE, STORE_SCOPE } from '../core/sender.ts';
import { makeKeyPair } from './app-key.ts';

const ITEMS = '/chromewebstore/v1.1/items';

let town: ConsoleTown;
let clock: ManualClock;
let group: string;
let item: AppId;
let client: { readonly id: string; readonly secret: string };

beforeAll(async () => {
  clock = new ManualClock(Date.now());
  town = await ConsoleTown.open({ clock });
  for (const name of ['ann', 'bob'])
    town.control.sqlite.run(
      'INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt, role, disabled) VALUES (?, ?, ?, 0, 0, 0, ?, 0)',
      [name, name, `${name}@example.com`, 'user'],
    );
  group = await town.webstore.groups.create('ann', 'Ann');
  item = (await town.webstore.apps.register('ann', group, 'An item', { kind: 'made' })).id;
  const ann = { id: 'ann', role: 'user' } as const;
  const project = await town.oauth.projects.create(ann, 'Publishing');
  const redirectUris = ['http://127.0.0.1:8085/'];
  const made = await town.oauth.clients.create(ann, project.id, { name: 'ci', redirectUris });
  client = { id: made.client.id, secret: made.secret };
});
afterAll(() => town[Symbol.asyncDispose]());

/** An access token of the account with this scope, got as every sender gets it. */
async function tokenOf(account: string, scope: string): Promise<string> {
  const { refreshToken } = await town.oauth.grants.issueFor({ account, client: client.id, scope });
  const answer = await town.fetch('/oauth2/v4/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      client_id: client.id,
      client_secret: client.secret,
      refresh_token: refreshToken,
      grant_type: 'refresh_token',
    }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly error?: { readonly message: string } };
}

async function call(
  token: string,
  method: string,
  path: string,
  body?: string | Buffer<ArrayBuffer>,
): Promise<Answer> {
  const response = await town.fetch(path, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'x-goog-api-version': '2' },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const version = (text: string) => packedExtension({ version: text });
const second = (verb: string, upload = '') => `${upload}/v2/publishers/${group}/items/${item}:${verb}`;

describe('version 1.1 of the Publish API', () => {
  test('PB1 a package is uploaded as the draft of an item', async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const { key } = await town.webstore.apps.open('ann', item);
    const answer = await call(token, 'PUT', `/upload${ITEMS}/${item}`, await version('1.0'));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      kind: 'chromewebstore#item',
      id: item,
      publicKey: key,
      uploadState: 'SUCCESS',
    });
    expect((await town.webstore.items.list('ann', item)).map((one) => [one.version, one.offered])).toEqual([
      ['1.0', 0],
    ]);
  });

  test('PB2 a new item gets a key, or has that of its key.pem, and belongs to the group that is named', async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const insert = async (file: Buffer<ArrayBuffer>, query = '') =>
      await call(token, 'POST', `/upload${ITEMS}${query}`, file);
    const made = (await insert(await packedExtension({ name: 'Fresh' }))).body.id as AppId;
    expect(await town.webstore.apps.open('ann', made)).toMatchObject({
      title: 'Fresh',
      keyHeld: true,
      proven: true,
      group,
    });
    const { appKey, privatePem } = await makeKeyPair();
    const brought = await insert(await packedExtension({}, [{ name: 'key.pem', bytes: privatePem }]));
    expect(brought.body).toMatchObject({ id: appKey.id, publicKey: appKey.key, uploadState: 'SUCCESS' });
    const other = await makeKeyPair();
    const keyed = await insert(await packedExtension({ key: other.appKey.key }));
    expect(keyed.body).toMatchObject({
      id: 'null',
      uploadState: 'FAILURE',
      itemError: [{ error_code: 'PKG_KEY_MISMATCH' }],
    });
    const team = await town.webstore.groups.create('ann', 'Team');
    const unclear = await insert(await version('1.0'));
    expect([unclear.status, unclear.body.error?.message]).toEqual([
      400,
      expect.stringContaining(`Team (${team})`),
    ]);
    const teams = (await insert(await version('1.0'), '?publisherEmail=Team')).body.id as AppId;
    expect((await town.webstore.apps.open('ann', teams)).group).toBe(team);
    const none = await call(
      await tokenOf('bob', STORE_SCOPE),
      'POST',
      `/upload${ITEMS}`,
      await version('1.0'),
    );
    expect([none.status, none.body.error?.message]).toEqual([
      400,
      expect.stringContaining('owns no publisher group'),
    ]);
  });

  test("PB3 a package that is not accepted is a 200 with FAILURE, the store's word and a sentence", async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const faultOf = async (file: Buffer<ArrayBuffer> | string) => {
      const { status, body } = await call(token, 'PUT', `/upload${ITEMS}/${item}`, file);
      const [fault] = body.itemError as { error_code: string; error_detail: string }[];
      return [status, body.uploadState, body.id, fault?.error_code, fault?.error_detail];
    };
    const other = await makeKeyPair();
    const failed = [200, 'FAILURE', item];
    expect(await faultOf('no zip')).toEqual([
      ...failed,
      'PKG_INVALID',
      expect.stringContaining('as a zip archive'),
    ]);
    expect(await faultOf('')).toEqual([
      ...failed,
      'PKG_INVALID',
      expect.stringContaining('as a zip archive'),
    ]);
    expect(await faultOf(await packedExtension({ name: '' }))).toEqual([
      ...failed,
      'PKG_MANIFEST_PARSE_ERROR',
      expect.stringContaining('"name": must not be empty'),
    ]);
    expect(await faultOf(await packedExtension({ key: other.appKey.key }))).toEqual([
      ...failed,
      'PKG_KEY_MISMATCH',
      expect.stringContaining(other.appKey.id),
    ]);
    await call(token, 'POST', `${ITEMS}/${item}/publish`);
    expect(await faultOf(await version('1.0'))).toEqual([
      ...failed,
      'PKG_INVALID_VERSION_NUMBER',
      expect.stringContaining('higher than 1.0'),
    ]);
  });

  test('PB4 publishing gives the draft out to everybody, as query or body say; there is none for some', async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const publish = async (query = '', body = '') =>
      await call(token, 'POST', `${ITEMS}/${item}/publish${query}`, body);
    const ok = { kind: 'chromewebstore#item', item_id: item, status: ['OK'], statusDetail: ['OK.'] };
    for (const [number, query, body] of [
      ['2.0', '?publishTarget=default', ''],
      ['2.1', '', '{"target":"default"}'],
      ['2.2', '', ''],
    ] as const) {
      await call(token, 'PUT', `/upload${ITEMS}/${item}`, await version(number));
      expect(await publish(query, body)).toEqual({ status: 200, body: ok });
      expect((await town.webstore.items.offered(item))?.version).toBe(number);
    }
    const refused = async (query: string, body = '') => {
      const {
        status,
        body: { error },
      } = await publish(query, body);
      return [status, error?.message];
    };
    expect(await refused('')).toEqual([
      400,
      expect.stringContaining('There is no draft to publish. Upload a package first.'),
    ]);
    await call(token, 'PUT', `/upload${ITEMS}/${item}`, await version('2.3'));
    expect(await refused('?deployPercentage=10')).toEqual([
      400,
      expect.stringContaining('to all users at once'),
    ]);
    expect(await refused('?publishTarget=nobody')).toEqual([400, expect.stringContaining('"publishTarget"')]);
    expect(await refused('', '{"target":7}')).toEqual([400, expect.stringContaining('"target"')]);
    expect(await refused('', '{')).toEqual([400, expect.stringContaining('Parse Error')]);
    expect((await publish('?publishTarget=trustedTesters')).status).toBe(200);
    expect((await town.webstore.items.offered(item, true))?.version).toBe('2.3');
    expect((await town.webstore.items.offered(item))?.version).toBe('2.2');
  });

  test('PB5 an item tells of its draft and of what is published', async () => {
    const token = await tokenOf('ann', STORE_READ_SCOPE);
    const look = async (id: string, query: string) =>
      (await call(token, 'GET', `${ITEMS}/${id}${query}`)).body;
    const { key } = await town.webstore.apps.open('ann', item);
    const seen = { kind: 'chromewebstore#item', id: item, publicKey: key, uploadState: 'SUCCESS' };
    expect(await look(item, '?projection=DRAFT')).toEqual({ ...seen, crxVersion: '2.3' });
    expect(await look(item, '?projection=PUBLISHED')).toEqual({ ...seen, crxVersion: '2.2' });
    const { id } = await town.webstore.apps.register('ann', group, 'Empty', { kind: 'made' });
    expect(await look(id, '')).toMatchObject({ id, uploadState: 'NOT_FOUND' });
    expect((await look(item, '?projection=ALL')).error?.message).toContain('DRAFT or PUBLISHED');
  });
});

describe('version 2 of the Publish API', () => {
  test('PB6 upload, look and publish under the publisher; what is not accepted is an error', async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const name = { name: `publishers/${group}/items/${item}`, itemId: item };
    const up = async (file: Buffer<ArrayBuffer>) =>
      await call(token, 'POST', second('upload', '/upload'), file);
    expect(await up(await version('3.0'))).toEqual({
      status: 200,
      body: { ...name, crxVersion: '3.0', uploadState: 'SUCCEEDED' },
    });
    const low = await up(await version('2.2'));
    expect([low.status, low.body.error?.message]).toEqual([400, expect.stringContaining('higher than 2.3')]);
    const { body: status } = await call(token, 'GET', second('fetchStatus'));
    expect(status).toMatchObject({
      ...name,
      publishedItemRevisionStatus: {
        state: 'PUBLISHED',
        distributionChannels: [{ deployPercentage: 100, crxVersion: '2.2' }],
      },
      submittedItemRevisionStatus: { state: 'STAGED', distributionChannels: [{ crxVersion: '3.0' }] },
      lastAsyncUploadState: 'SUCCEEDED',
    });
    const publish = async (body: object) =>
      await call(token, 'POST', second('publish'), JSON.stringify(body));
    expect((await publish({ deployInfos: [{ deployPercentage: 5 }] })).status).toBe(400);
    expect((await publish({ publishType: 'STAGED_PUBLISH' })).body).toEqual({ ...name, state: 'STAGED' });
    expect((await town.webstore.items.offered(item))?.version).toBe('2.2');
    const whole = { publishType: 'DEFAULT_PUBLISH', deployInfos: [{ deployPercentage: 100 }] };
    expect((await publish(whole)).body).toEqual({ ...name, state: 'PUBLISHED' });
    expect((await publish({ publishType: 'STAGED_PUBLISH' })).status).toBe(400);
    const rollout = async (deployPercentage: number) =>
      (
        await call(
          token,
          'POST',
          second('setPublishedDeployPercentage'),
          JSON.stringify({ deployPercentage }),
        )
      ).status;
    expect([await rollout(100), await rollout(50)]).toEqual([200, 400]);
    const foreign = await call(token, 'GET', second('fetchStatus').replace(group, 'f'.repeat(24)));
    expect([foreign.status, foreign.body.error?.message]).toEqual([404, expect.stringContaining(group)]);
  });
});

describe('rights', () => {
  test('PB7 a token that sends, and one that only looks, neither uploads nor publishes', async () => {
    const sending = await tokenOf('ann', `${SEND_SCOPE} ${CHANNEL_SCOPE}`);
    const looking = await tokenOf('ann', STORE_READ_SCOPE);
    const calls = [
      ['POST', `/upload${ITEMS}`],
      ['PUT', `/upload${ITEMS}/${item}`],
      ['POST', `${ITEMS}/${item}/publish`],
      ['POST', second('upload', '/upload')],
      ['POST', second('publish')],
      ['POST', second('setPublishedDeployPercentage')],
    ] as const;
    for (const [method, path] of calls)
      for (const token of [sending, looking]) {
        const { status, body } = await call(token, method, path, '');
        expect([path, status, body.error?.message]).toEqual([
          path,
          403,
          expect.stringContaining(`It needs ${STORE_SCOPE}.`),
        ]);
      }
    expect((await call(sending, 'GET', `${ITEMS}/${item}`)).status).toBe(403);
    expect((await call('', 'GET', `${ITEMS}/${item}`)).status).toBe(401);
    expect((await call('ya29.wrong', 'GET', `${ITEMS}/${item}`)).status).toBe(401);
  });

  test('PB8 the account must be in the group of the item at that moment', async () => {
    const token = await tokenOf('bob', STORE_SCOPE);
    const upload = async (number: string) =>
      (await call(token, 'PUT', `/upload${ITEMS}/${item}`, await version(number))).status;
    const publish = async () => (await call(token, 'POST', `${ITEMS}/${item}/publish`)).status;
    expect([await upload('4.0'), await publish()]).toEqual([404, 404]);
    await town.webstore.groups.invite('ann', group, 'bob@example.com');
    expect([await upload('4.0'), await publish()]).toEqual([404, 404]);
    await town.webstore.groups.answer('bob', group, true);
    expect([await upload('4.0'), await publish(), await upload('4.1')]).toEqual([200, 200, 200]);
    await town.webstore.groups.remove('ann', group, 'bob');
    expect([await publish(), await upload('4.2')]).toEqual([404, 404]);
    expect((await town.webstore.items.offered(item))?.version).toBe('4.0');
  });

  test('PB9 only the raw package is taken, within the limit, and by its own method', async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const path = `/upload${ITEMS}/${item}`;
    const resumable = await call(token, 'PUT', `${path}?uploadType=resumable`, await version('5.0'));
    expect([resumable.status, resumable.body.error?.message]).toEqual([
      400,
      expect.stringContaining('uploadType=media'),
    ]);
    expect((await call(token, 'PUT', path, Buffer.alloc(limits.packageBytes + 1))).status).toBe(413);
    const wrong = await town.fetch(path, { method: 'PATCH', headers: { Authorization: `Bearer ${token}` } });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'PUT']);
    const preflight = await town.fetch(path, { method: 'OPTIONS' });
    expect(preflight.headers.get('access-control-allow-methods')).toBe('PUT');
    expect((await call(token, 'PUT', `/upload${ITEMS}/nonsense`, '')).status).toBe(404);
  });

  test('ES20 an account uploads sixty packages an hour', async () => {
    const token = await tokenOf('ann', STORE_SCOPE);
    const upload = async () => (await call(token, 'PUT', `/upload${ITEMS}/${item}`, 'no zip')).status;
    clock.advance(3_600_000);
    const fresh = await tokenOf('ann', STORE_SCOPE);
    const again = async () => (await call(fresh, 'PUT', `/upload${ITEMS}/${item}`, 'no zip')).status;
    expect(await upload()).toBe(401);
    for (let i = 0; i < limits.uploadsPerHour; i += 1) expect(await again()).toBe(200);
    expect(await again()).toBe(429);
    clock.advance(3_600_000 / limits.uploadsPerHour);
    expect((await town.webstore.items.upload('ann', item, await version('6.0'))).version).toBe('6.0');
  });
});
