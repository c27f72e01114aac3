import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import type { AppId } from '../../protocol/app-id.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';

const PASSWORD = 'correct horse battery';

let town: ConsoleTown;
let clock: ManualClock;
let stranger: PageVisitor;
/** ann is the administrator; bob and cat are users. */
let ann: PageVisitor;
let bob: PageVisitor;
let annAccount: Account;
let bobAccount: Account;

async function enter(name: string): Promise<{ account: Account; visitor: PageVisitor }> {
  await town.accounts.create(`${name}@example.com`, PASSWORD, name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, PASSWORD);
  return { account, visitor: new PageVisitor(town, cookie) };
}

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  town = await ConsoleTown.open({ clock });
  stranger = new PageVisitor(town);
  ({ visitor: ann, account: annAccount } = await enter('ann'));
  ({ visitor: bob, account: bobAccount } = await enter('bob'));
});

afterEach(async () => {
  await town[Symbol.asyncDispose]();
});

async function projectOf(owner: Account, name = 'Paper', on = true): Promise<string> {
  const { id } = await town.oauth.projects.create(owner, name);
  if (on) await town.oauth.projects.setMessaging(owner, id, true);
  return id;
}

const pages = [
  '/console',
  '/console/projects',
  '/console/apps',
  '/console/apps/new',
  '/console/test',
  '/console/receiving',
  '/console/limits',
];

describe('the ways in', () => {
  test('CO1 the front page leads to the first account, to sign-in, or to the console', async () => {
    await using fresh = await ConsoleTown.open({ clock });
    expect((await new PageVisitor(fresh).open('/')).text).toContain('Create the first account');
    const seen = await stranger.open('/');
    expect(seen.text).toContain('The push service that you own');
    expect(seen.text).toContain('Sign in');
    expect(seen.text).not.toContain('first account');
    expect((await ann.open('/')).text).toContain('Open the console');
  });

  test('CO2 each page sends a stranger to sign in and names itself for the way back', async () => {
    for (const path of [...pages, '/console/projects/1?done=x']) {
      const answer = await town.fetch(path);
      expect([path, answer.status]).toEqual([path, 303]);
      const to = new URL(answer.headers.get('location') ?? '', town.origin);
      expect([to.pathname, to.searchParams.get('return')]).toEqual(['/accounts/sign-in', path]);
    }
  });

  test('CO2 a form without a sign-in does nothing', async () => {
    const answer = await stranger.forge('/console/projects', { name: 'Paper' });
    expect(answer.status).toBe(303);
    expect(await town.oauth.projects.all(annAccount)).toEqual([]);
  });

  test('CO3 a form without its token, with that of another form or of another account is refused, and nothing is done', async () => {
    const { html } = await bob.open('/console/projects');
    const token =
      /name="form_token" value="([^"]+)"/.exec(html.slice(html.indexOf('action="/console/projects"')))?.[1] ??
      '';
    for (const sent of [{}, { form_token: '' }, { form_token: 'x.y' }, { form_token: token }]) {
      const answer = await ann.forge('/console/projects', { name: 'Paper', ...sent } as Record<
        string,
        string
      >);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    const mine = await town.webstore.groups.create(bobAccount.id, 'Bob');
    expect(
      (await bob.forge(`/console/groups/${mine}/invite`, { email: 'ann@example.com', form_token: token }))
        .status,
    ).toBeGreaterThanOrEqual(400);
    expect(await town.oauth.projects.all(annAccount)).toEqual([]);
    expect((await town.webstore.groups.open(bobAccount.id, mine)).members).toHaveLength(1);
  });

  test('CO3 no answer of the console may be framed, cached or run script of others', async () => {
    for (const path of pages) {
      const answer = await town.fetch(path, { headers: { Cookie: ann.cookie ?? '' } });
      expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(await answer.text()).not.toMatch(/<script|style="|onclick/);
    }
  });

  test('CO3 what people have typed is shown as text, and a link cannot put words on a page', async () => {
    await town.oauth.projects.create(annAccount, '<img src=x onerror=alert(1)>');
    const seen = await ann.open('/console/projects?done=%3Cb%3EYou+won');
    expect(seen.html).not.toContain('<img src=x');
    expect(seen.text).toContain('<img src=x onerror=alert(1)>');
    expect(seen.text).not.toContain('You won');
  });
});

describe('the overview', () => {
  test('CO5 the next step moves on as things come into being', async () => {
    const nextStep = async (): Promise<string> =>
      /<li class="next"[\s\S]*?<h3>([^<]+)/.exec((await bob.open('/console')).html)?.[1]?.trim() ?? 'none';
    expect(await nextStep()).toBe('Create a project');
    const project = await projectOf(bobAccount, 'Paper', false);
    expect(await nextStep()).toBe('Switch messaging on');
    await town.oauth.projects.setMessaging(bobAccount, project, true);
    expect(await nextStep()).toBe('Register an app');
    const group = await town.webstore.groups.create(bobAccount.id, 'Bob');
    const { id: app } = await town.webstore.apps.register(bobAccount.id, group, 'Reader', { kind: 'made' });
    expect(await nextStep()).toBe('Run the app where you are signed in');
    await town.devices.register({ account: bobAccount.id, app, name: 'laptop' });
    expect(await nextStep()).toBe('Send yourself a test message');
    await bob.send('/console/test', '/console/test', {
      project,
      channel: (await town.receiving.open(bobAccount.id, app)).id,
      subchannel: '0',
      payload: 'x',
    });
    expect(await nextStep()).toBe('Create an OAuth client');
    const { client } = await town.oauth.clients.create(bobAccount, project, { name: 'c', redirectUris: [] });
    expect(await nextStep()).toBe('Allow the client to send in your name');
    await town.oauth.grants.issueFor({
      account: bobAccount.id,
      client: client.id,
      scope: 'https://www.googleapis.com/auth/gcm_for_chrome',
    });
    expect(await nextStep()).toBe('none');
    expect((await bob.open('/console')).text).toContain('7 of 7 done');
  });

  test('CO5 empty lists say what to do first', async () => {
    for (const [path, words] of [
      ['/console/projects', 'Create your first project'],
      ['/console/apps', 'No app yet'],
      ['/console/receiving', 'No app may send to you yet'],
      ['/console/test', 'A project first'],
      ['/console/limits', 'No project on this server yet'],
    ] as const)
      expect((await ann.open(path)).text).toContain(words);
  });
});

describe('projects', () => {
  test('CO6 an owner creates a project, switches it, renames it and removes it by forms', async () => {
    const made = await bob.send('/console/projects', '/console/projects', { name: ' Paper ' });
    const home = made.path.split('?')[0] ?? '';
    const id = home.split('/').at(-1) ?? '';
    expect(made.text).toContain('The project is there');
    expect(made.text).toContain('accessNotConfigured');
    expect((await bob.send(home, `${home}/messaging`)).text).toContain('Messaging is on');
    expect((await bob.send(home, `${home}/messaging`)).text).toContain('Messaging is off');
    expect((await bob.send(home, `${home}/rename`, { name: 'Evening paper' })).text).toContain(
      'Evening paper',
    );
    const unsure = await bob.send(home, `${home}/remove`);
    expect([unsure.status, unsure.text.includes('Tick the box')]).toEqual([400, true]);
    expect((await bob.send(home, `${home}/remove`, { sure: 'yes' })).path).toBe(
      '/console/projects?done=project-removed',
    );
    expect((await bob.open(home)).status).toBe(404);
    expect(id).toMatch(/^[0-9]{12}$/);
  });

  test('CO6 a name that is none goes back to the form with what was typed and why', async () => {
    const seen = await bob.send('/console/projects', '/console/projects', { name: 'x'.repeat(81) });
    expect(seen.status).toBe(400);
    expect(seen.html).toContain(`value="${'x'.repeat(81)}"`);
    expect(seen.html).toContain('role="alert"');
  });

  test('CO6 a viewer sees no form that it may not send, and a forged one is refused', async () => {
    const id = await projectOf(annAccount);
    const home = `/console/projects/${id}`;
    await town.join(annAccount, id, bobAccount, 'viewer');
    const seen = await bob.open(home);
    expect(seen.text).toContain('You are its viewer');
    for (const part of ['/messaging"', '/rename', '/remove"', '/clients/new'])
      expect(seen.html).not.toContain(`${home}${part}`);
    for (const [part, fields] of [
      ['messaging', { enabled: '' }],
      ['rename', { name: 'Mine' }],
      ['remove', { sure: 'yes' }],
      ['limits', { dailyQuota: '0' }],
      ['clients', { name: 'c', redirectUris: '' }],
    ] as const) {
      const answer = await bob.forge(`${home}/${part}`, {
        ...fields,
        form_token: await town.formToken(bobAccount.id, `${home}/${part}`),
      });
      expect([part, answer.status]).toEqual([part, 403]);
    }
    expect((await bob.open(`${home}/clients/new`)).status).toBe(403);
    expect((await town.oauth.projects.get(annAccount, id)).messagingEnabled).toBe(true);
  });

  test('CO6 to a stranger a project does not exist', async () => {
    const home = `/console/projects/${await projectOf(annAccount)}`;
    for (const path of [home, `${home}/messages`, `${home}/clients/new`]) {
      const seen = await bob.open(path);
      expect([path, seen.status]).toEqual([path, 404]);
      expect(seen.text).toContain('There is nothing here');
    }
    const answer = await bob.forge(`${home}/members`, {
      email: 'ann@example.com',
      form_token: await town.formToken(bobAccount.id, `${home}/members`),
    });
    expect(answer.status).toBe(404);
  });

  test('CO15 the administrator sets limits; members see them, and others have no such page', async () => {
    const id = await projectOf(bobAccount);
    const home = `/console/projects/${id}`;
    expect(
      (await ann.send('/console/limits', `${home}/limits`, { dailyQuota: '20', payloadBytes: '' })).text,
    ).toContain('Saved');
    expect((await bob.open(home)).text).toContain('0 of 20 messages');
    expect(
      (await ann.send('/console/limits', `${home}/limits`, { dailyQuota: 'many', payloadBytes: '' })).status,
    ).toBe(400);
    expect(
      (
        await ann.send('/console/limits', `${home}/limits`, {
          dailyQuota: '0',
          payloadBytes: '1024',
          dailyTargets: '5',
          subchannels: '32',
        })
      ).status,
    ).toBe(200);
    expect(await town.oauth.projects.get(bobAccount, id)).toMatchObject({
      dailyQuota: 0,
      payloadBytes: 1_024,
      dailyTargets: 5,
      subchannels: 32,
    });
    const over = await ann.send('/console/limits', `${home}/limits`, { subchannels: '33' });
    expect([over.status, over.text.includes('1 to 32 subchannels')]).toEqual([400, true]);
    expect((await bob.open(home)).text).toContain('no daily limit');
    expect((await bob.open('/console/limits')).status).toBe(403);
    const forged = await bob.forge(`${home}/limits`, {
      dailyQuota: '0',
      form_token: await town.formToken(bobAccount.id, `${home}/limits`),
    });
    expect(forged.status).toBe(403);
  });
});

describe('the quota bar', () => {
  test('CO20 says in words when 80 %, 95 % and all of the day is used up', async () => {
    const id = await projectOf(bobAccount);
    await town.oauth.projects.setLimits(annAccount, id, {
      dailyQuota: 20,
      payloadBytes: null,
      dailyTargets: null,
      subchannels: null,
    });
    const channel = await town.receiving.open(bobAccount.id, 'abcdefghijklmnopabcdefghijklmnop' as AppId);
    const words: Record<number, string> = {};
    for (let count = 1; count <= 20; count += 1) {
      await town.store.keep({
        ...{ channel: channel.key, slot: '0', payload: 'x', expiresAt: clock.now() + 60_000 },
        ...{ project: id, dailyQuota: 20, quotaDay: new Date(clock.now()).toISOString().slice(0, 10) },
      });
      if (![15, 16, 19, 20].includes(count)) continue;
      const { text } = await bob.open(`/console/projects/${id}`);
      words[count] = /of 20 messages (.*?) Change or remove/.exec(text)?.[1]?.trim() ?? '';
    }
    expect(words).toEqual({
      15: '',
      16: '80 % used up',
      19: '95 % used up',
      20: 'used up until midnight UTC',
    });
  });
});

describe('the role of administrator', () => {
  test('AN23 is handed on by a form that asks the password; the last one keeps it, and others have no such page', async () => {
    const page = (id: string) => `/accounts/people/role/${id}`;
    const act = '/accounts/people/role';
    expect((await ann.open('/accounts/people')).html).toContain(`href="${page(bobAccount.id)}"`);
    const wrong = await ann.send(page(bobAccount.id), act, { password: 'no' });
    expect([wrong.status, wrong.text.includes('not the password')]).toEqual([400, true]);
    const last = await ann.send(page(annAccount.id), act, { password: PASSWORD });
    expect([last.status, last.text.includes('last administrator')]).toEqual([400, true]);
    expect((await bob.open(page(bobAccount.id))).status).toBe(403);
    expect((await ann.send(page(bobAccount.id), act, { password: PASSWORD })).text).toContain(
      'The account has this role from now on',
    );
    expect((await bob.open('/console/limits')).status).toBe(200);
    expect((await ann.send(page(annAccount.id), act, { password: PASSWORD })).path).toBe('/accounts');
    expect((await ann.open('/console/limits')).status).toBe(403);
    expect((await bob.open(page('nobody'))).status).toBe(404);
  });
});

describe('OAuth clients', () => {
  test('CO7 a client begins with two redirects, shows its secret at once, and its file names this server', async () => {
    const home = `/console/projects/${await projectOf(bobAccount)}`;
    const form = await bob.open(`${home}/clients/new`);
    expect(form.text).toContain(`${town.origin}/oauthplayground`);
    expect(form.text).toContain('http://localhost:');
    const made = await bob.send(`${home}/clients/new`, `${home}/clients`, {
      name: 'Sender',
      redirectUris: 'https://a.example/back\r\nhttp://localhost:1/x',
    });
    const secret = /Client secret<\/dt><dd><code class="id">([^<]+)/.exec(made.html)?.[1] ?? '';
    expect(secret).toHaveLength(24);
    const link =
      /href="([^"]+client_secrets\.json[^"]*)"/.exec(made.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const file = await bob.open(link);
    const client = JSON.parse(file.html).web;
    expect(client).toMatchObject({
      client_secret: secret,
      redirect_uris: ['https://a.example/back', 'http://localhost:1/x'],
      auth_uri: `${town.origin}/o/oauth2/auth`,
      token_uri: `${town.origin}/o/oauth2/token`,
    });
  });

  test('CO7 a redirect that cannot be taken goes back to the form with what was typed', async () => {
    const home = `/console/projects/${await projectOf(bobAccount)}`;
    const seen = await bob.send(`${home}/clients/new`, `${home}/clients`, {
      name: 'Sender',
      redirectUris: 'http://evil.example/',
    });
    expect(seen.status).toBe(400);
    expect(seen.text).toContain('Plain http is for this machine only');
    expect(seen.html).toContain('http://evil.example/</textarea>');
  });

  test('CO8 the secret is shown after the right password, for ten minutes, to that account alone', async () => {
    const project = await projectOf(bobAccount);
    const { client, secret } = await town.oauth.clients.create(bobAccount, project, {
      name: 'Sender',
      redirectUris: [],
    });
    const home = `/console/clients/${client.id}`;
    expect((await bob.open(home)).html).not.toContain(secret);
    const wrong = await bob.send(home, `${home}/secret`, { password: 'no' });
    expect([wrong.status, wrong.html.includes(secret), wrong.text.includes('not the password')]).toEqual([
      400,
      false,
      true,
    ]);
    const shown = await bob.send(home, `${home}/secret`, { password: PASSWORD });
    expect(shown.html).toContain(secret);
    await town.join(bobAccount, project, annAccount, 'owner');
    expect((await ann.open(shown.path)).html).not.toContain(secret);
    expect((await ann.open(shown.path.replace('?', '/client_secrets.json?'))).status).toBe(403);
    expect((await bob.open(`${home}/client_secrets.json`)).status).toBe(403);
    clock.advance(10 * 60_000 + 1);
    expect((await bob.open(shown.path)).html).not.toContain(secret);
    expect((await bob.open(shown.path.replace('?', '/client_secrets.json?'))).status).toBe(403);
  });

  test('CO8 a viewer gets no secret, whatever password', async () => {
    const project = await projectOf(annAccount);
    const { client } = await town.oauth.clients.create(annAccount, project, {
      name: 'Sender',
      redirectUris: [],
    });
    await town.join(annAccount, project, bobAccount, 'viewer');
    const action = `/console/clients/${client.id}/secret`;
    const answer = await bob.forge(action, {
      password: PASSWORD,
      form_token: await town.formToken(bobAccount.id, action),
    });
    expect(answer.status).toBe(403);
  });

  test('CO6 settings, reset and removal of a client ask to be sure and do as they say', async () => {
    const project = await projectOf(bobAccount);
    const { client, secret } = await town.oauth.clients.create(bobAccount, project, {
      name: 'Sender',
      redirectUris: [],
    });
    const home = `/console/clients/${client.id}`;
    expect(
      (await bob.send(home, home, { name: 'Post', redirectUris: 'https://a.example/b' })).text,
    ).toContain('Post');
    expect((await bob.send(home, home, { name: 'Post', redirectUris: 'nonsense' })).html).toContain(
      'nonsense</textarea>',
    );
    expect((await bob.send(home, `${home}/reset`)).status).toBe(400);
    const reset = await bob.send(home, `${home}/reset`, { sure: 'yes' });
    expect(reset.html).not.toContain(secret);
    expect(await town.oauth.clients.authenticate(client.id, secret)).toBeUndefined();
    expect((await ann.open(home)).status).toBe(200);
    expect((await bob.send(home, `${home}/remove`, { sure: 'yes' })).path).toBe(
      `/console/projects/${project}?done=client-removed`,
    );
    expect((await bob.open(home)).status).toBe(404);
  });
});
