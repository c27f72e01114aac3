import { describe, expect, test } from 'bun:test';
import { SmallTown } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { isChannelId } from '../../../protocol/channel-id.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../../core/sender.ts';
import { CHANNEL_PATHS } from './channel-door.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;
const second = 'kjekknklmiaigfaaibdfhpojpjggolfm' as AppId;
const foreignApp = 'fboilmbenheemaomgaeehigklolhkhnf' as AppId;
const PATH = '/gcm_for_chrome/v1/channels/id';

async function town() {
  const small = new SmallTown();
  const { rights } = small;
  rights.groups.set('anns', new Set(['ann']));
  rights.groups.set('others', new Set(['eve']));
  rights.app(app, 'anns');
  rights.app(foreignApp, 'others');
  rights.appToken('of-the-app', 'bob', app);
  rights.token('of-a-project', { scopes: new Set([CHANNEL_SCOPE, SEND_SCOPE]) });
  const get = (token: string, query = '', path = PATH) =>
    fetch(`${small.origin}${path}${query}`, { headers: { Authorization: `Bearer ${token}` } });
  const id = async (token: string, query = '') =>
    ((await (await get(token, query)).json()) as { id: string }).id;
  return { small, rights, get, id, [Symbol.asyncDispose]: () => small[Symbol.asyncDispose]() };
}

async function errorOf(answer: Response) {
  const { error } = (await answer.json()) as {
    error: { errors: { reason: string; location?: string }[]; message: string };
  };
  return { reason: error.errors[0]?.reason, location: error.errors[0]?.location, message: error.message };
}

describe('the channel of an app', () => {
  for (const path of [...CHANNEL_PATHS, `/${PATH}`]) {
    test(`IN14 ${path} answers the one key id`, async () => {
      await using t = await town();
      const answer = await t.get('of-the-app', '', path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json; charset=UTF-8');
      const text = await answer.text();
      const { id } = JSON.parse(text) as { id: string };
      expect(text).toBe(`{\n "id": "${id}"\n}\n`);
      expect(isChannelId(id) && id.endsWith(`/${app}`)).toBe(true);
    });
  }

  test('IN14 the same user and app always have the same channel, others have others', async () => {
    await using t = await town();
    t.rights.appToken('of-the-app-again', 'bob', app);
    t.rights.appToken('of-carol', 'carol', app);
    t.rights.appToken('of-the-second', 'bob', second);
    const id = await t.id('of-the-app');
    expect(await t.id('of-the-app-again')).toBe(id);
    expect(await t.id('of-carol')).not.toBe(id);
    expect((await t.id('of-the-second')).slice(0, 20)).not.toBe(id.slice(0, 20));
  });

  test('IN6 prettyPrint=false, and tokens in the query as the Cordova plugin sent them', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}${PATH}?access_token=of-the-app&prettyPrint=false`);
    expect(await answer.text()).toMatch(/^\{"id":"\d{20}\/[a-p]{32}"\}$/);
  });

  test('IN14 a channel of this door takes messages', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}/gcm_for_chrome/v1/messages`, {
      method: 'POST',
      headers: { Authorization: 'Bearer of-a-project' },
      body: JSON.stringify({ channelId: await t.id('of-the-app'), subchannelId: 0 }),
    });
    expect(answer.status).toBe(204);
  });

  test('IN14 the sending scope alone does not do', async () => {
    await using t = await town();
    t.rights.token('sends-only');
    const answer = await t.get('sends-only');
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toContain('insufficient_scope');
    const error = await errorOf(answer);
    expect(error.reason).toBe('insufficientPermissions');
    expect(error.message).toContain(CHANNEL_SCOPE);
  });

  test('IN5 no token and a wrong one are refused', async () => {
    await using t = await town();
    expect((await errorOf(await fetch(`${t.small.origin}${PATH}`))).reason).toBe('required');
    expect((await errorOf(await t.get('bad'))).reason).toBe('authError');
  });

  test('IN11 it takes GET only', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}${PATH}`, { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
  });

  test('IN12 any origin may ask, and a preflight is answered', async () => {
    await using t = await town();
    const answer = await fetch(`${t.small.origin}${PATH}`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://example.com' },
    });
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET');
    expect((await t.get('of-the-app')).headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('the client of a project', () => {
  test("IN15 gets the channel of its account's only app", async () => {
    await using t = await town();
    expect(await t.id('of-a-project')).toEndWith(`/${app}`);
  });

  test('IN15 names one of several apps', async () => {
    await using t = await town();
    t.rights.app(second, 'anns');
    expect(await t.id('of-a-project', `?app_id=${second}`)).toEndWith(`/${second}`);
    const answer = await t.get('of-a-project');
    expect(answer.status).toBe(400);
    const error = await errorOf(answer);
    expect([error.reason, error.location]).toEqual(['invalid', 'app_id']);
    expect(error.message).toContain('The account has 2 apps: name one in "app_id".');
  });

  test('IN15 an account without apps is told so', async () => {
    await using t = await town();
    t.rights.token('of-nobody', { account: 'dan', scopes: new Set([CHANNEL_SCOPE]) });
    expect((await errorOf(await t.get('of-nobody'))).message).toContain('The account has 0 apps');
  });

  test('IN15 the app of another publisher is refused, known or not', async () => {
    await using t = await town();
    for (const named of [foreignApp, 'a'.repeat(32)]) {
      const answer = await t.get('of-a-project', `?app_id=${named}`);
      expect(answer.status).toBe(403);
    }
    expect(await t.small.store.channelsOf('ann')).toEqual([]);
  });

  test('IN15 what is no app id is refused', async () => {
    await using t = await town();
    for (const named of ['', 'x', 'q'.repeat(32)]) {
      const answer = await t.get('of-a-project', `?app_id=${named}`);
      expect([answer.status, (await errorOf(answer)).location]).toEqual([400, 'app_id']);
    }
  });

  test("IN15 an app's own client speaks for itself only", async () => {
    await using t = await town();
    expect(await t.id('of-the-app', `?app_id=${app}`)).toEndWith(`/${app}`);
    expect((await t.get('of-the-app', `?app_id=${second}`)).status).toBe(400);
  });

  test('IN15 a project that is switched off reads no channels', async () => {
    await using t = await town();
    t.rights.projectsOff.add('project-of-ann');
    expect((await errorOf(await t.get('of-a-project'))).reason).toBe('accessNotConfigured');
  });
});
