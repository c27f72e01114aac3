import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';

const PASSWORD = 'correct horse battery';

interface Person {
  readonly account: Account;
  readonly visitor: PageVisitor;
}

let town: ConsoleTown;
/** The administrator, who is no member of anything here. */
let olga: Person;
let eve: Person;
let vic: Person;
let sam: Person;
let project: string;
let home: string;

async function enter(name: string): Promise<Person> {
  await town.accounts.create(`${name}@example.com`, PASSWORD, name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, PASSWORD);
  return { account, visitor: new PageVisitor(town, cookie) };
}

beforeEach(async () => {
  town = await ConsoleTown.open({ clock: new ManualClock(Date.now()) });
  await enter('ann');
  olga = await enter('olga');
  eve = await enter('eve');
  vic = await enter('vic');
  sam = await enter('sam');
  ({ id: project } = await town.oauth.projects.create(olga.account, 'Paper'));
  home = `/console/projects/${project}`;
});

afterEach(async () => {
  await town[Symbol.asyncDispose]();
});

/** Sends a form with a good token, whatever its page shows. */
async function forge({ account, visitor }: Person, path: string, fields: Record<string, string> = {}) {
  const answer = await visitor.forge(path, {
    ...fields,
    form_token: await town.formToken(account.id, path),
  });
  await answer.text();
  return answer.status;
}

test('TM1 an owner invites by address; the account joins from its console and may then look', async () => {
  const sent = await olga.visitor.send(`${home}/team`, `${home}/team/invite`, {
    email: 'Eve@example.com',
    role: 'editor',
  });
  expect(sent.text).toContain('If there is an account with this address');
  expect(sent.text).toContain('eve@example.com editor');
  expect((await eve.visitor.open(home)).status).toBe(404);
  for (const page of ['/console', '/console/projects'])
    expect((await eve.visitor.open(page)).text).toContain('invited to the project Paper as its editor');
  const joined = await eve.visitor.send('/console', `${home}/answer`, { accept: 'yes' });
  expect(joined.text).toContain('You are a member of the project');
  expect((await eve.visitor.open('/console')).text).not.toContain('invited');
});

test('TM2 the page says the same of an address that nobody has', async () => {
  const invite = (email: string) =>
    olga.visitor.send(`${home}/team`, `${home}/team/invite`, { email, role: 'viewer' });
  const known = await invite('sam@example.com');
  const taken = /action="([^"]*withdraw)"/.exec(known.html)?.[1] ?? '';
  await olga.visitor.send(`${home}/team`, taken);
  const unknown = await invite('xam@example.com');
  expect(unknown.text.replaceAll('xam@', 'sam@')).toBe(known.text);
});

test('TM3 roles are changed, members taken out and invitations taken back by forms; the last owner stays', async () => {
  await town.join(olga.account, project, eve.account, 'editor');
  const own = { account: olga.account.id };
  const team = `${home}/team`;
  const less = await olga.visitor.send(team, `${team}/role`, { ...own, role: 'viewer' });
  expect([less.status, less.text.includes('keeps at least one owner')]).toEqual([400, true]);
  const leave = await olga.visitor.send(team, `${team}/remove`, own);
  expect([leave.status, leave.text.includes('keeps at least one owner')]).toEqual([400, true]);
  const made = await olga.visitor.send(team, `${team}/role`, { account: eve.account.id, role: 'owner' });
  expect(made.text).toContain('The member has this role');
  expect((await eve.visitor.send(team, `${team}/remove`, own)).text).toContain('The account has left');
  expect((await olga.visitor.open(home)).status).toBe(404);
  await eve.visitor.send(team, `${team}/invite`, { email: 'sam@example.com', role: 'viewer' });
  expect((await eve.visitor.send(team, `${team}/withdraw`)).text).toContain('The invitation is void');
  expect((await sam.visitor.open('/console')).text).not.toContain('invited');
  expect(await forge(eve, `${team}/role`, { account: eve.account.id, role: 'king' })).toBe(400);
});

test('TM4 every route of a project or client asks the table of roles', async () => {
  await town.join(olga.account, project, eve.account, 'editor');
  await town.join(olga.account, project, vic.account, 'viewer');
  const { client } = await town.oauth.clients.create(eve.account, project, { name: 'c', redirectUris: [] });
  const look = [200, 200, 200, 404];
  const change = ['ok', 'ok', 403, 404];
  const own = ['ok', 403, 403, 404];
  /** For owner, editor, viewer and stranger. "ok" = the role was no reason to refuse it. */
  const table: Readonly<Record<string, readonly (number | string)[]>> = {
    'GET /console/projects/:id': look,
    'GET /console/projects/:id/team': look,
    'GET /console/projects/:id/traffic': look,
    'GET /console/projects/:id/history': look,
    'GET /console/projects/:id/messages': look,
    'GET /console/projects/:id/clients/new': [200, 200, 403, 404],
    'GET /console/clients/:id': look,
    // Without the password nobody gets it.
    'GET /console/clients/:id/client_secrets.json': [403, 403, 403, 404],
    'GET /console/projects/:id/webhooks': look,
    'POST /console/projects/:id/webhooks': change,
    'POST /console/projects/:id/messaging': change,
    'POST /console/projects/:id/rename': change,
    'POST /console/projects/:id/clients': change,
    'POST /console/clients/:id': change,
    'POST /console/clients/:id/secret': change,
    'POST /console/clients/:id/reset': change,
    'POST /console/clients/:id/remove': change,
    'POST /console/projects/:id/team/invite': own,
    'POST /console/projects/:id/team/withdraw': ['ok', 403, 403, 404],
    'POST /console/projects/:id/team/role': own,
    'POST /console/projects/:id/team/remove': own,
    'POST /console/projects/:id/remove': own,
    // The invited account's own answer, and the administrator's limits.
    'POST /console/projects/:id/answer': [404, 404, 404, 404],
    'POST /console/projects/:id/limits': [403, 403, 403, 403],
  };
  const routes = town.pages.routes
    .filter(({ method, path }) => method !== 'ALL' && /^\/console\/(projects|clients)\/:id/.test(path))
    .map(({ method, path }) => `${method} ${path}`);
  expect([...new Set(routes)].sort()).toEqual(Object.keys(table).sort());
  const fields = { email: 'new@example.com', role: 'viewer', name: 'n', sure: 'yes', account: 'nobody' };
  for (const [route, expected] of Object.entries(table)) {
    const [method = '', pattern = ''] = route.split(' ');
    const path = pattern.replace(':id', pattern.startsWith('/console/clients') ? client.id : project);
    // Strangers first: what an owner does may be the end of the subject.
    const told: (number | string)[] = [];
    for (const [index, who] of [sam, vic, eve, olga].entries()) {
      const status =
        method === 'GET' ? (await who.visitor.open(path)).status : await forge(who, path, fields);
      const wanted = expected[3 - index];
      told.unshift(wanted === 'ok' && status !== 403 ? wanted : status);
    }
    expect([route, ...told]).toEqual([route, ...expected]);
    if (route.endsWith('/clients/:id/remove'))
      expect(await town.oauth.clients.list(olga.account, project)).toHaveLength(2);
  }
  expect(await town.oauth.projects.of(olga.account)).toEqual([]);
});

test('TM5 who became a viewer or was taken out is refused by the very next request', async () => {
  await town.join(olga.account, project, eve.account, 'owner');
  expect(await forge(eve, `${home}/rename`, { name: 'One' })).toBe(303);
  await town.oauth.team.setRole(olga.account, project, eve.account.id, 'viewer');
  expect(await forge(eve, `${home}/rename`, { name: 'Two' })).toBe(403);
  expect((await eve.visitor.open(`${home}/team`)).html).not.toContain('/team/invite');
  await town.oauth.team.remove(olga.account, project, eve.account.id);
  expect((await eve.visitor.open(`${home}/history`)).status).toBe(404);
  expect((await town.oauth.projects.get(olga.account, project)).name).toBe('One');
});

test('TM6 the audit log says in words who did what, and leads to older entries', async () => {
  await town.join(olga.account, project, vic.account, 'viewer');
  for (let count = 0; count < 60; count += 1)
    await town.oauth.projects.rename(olga.account, project, `Paper ${count}`);
  const newest = await vic.visitor.open(`${home}/history`);
  expect(newest.text).toContain('Renamed the project Paper 59 olga@example.com');
  const older = /href="([^"]*history\?before=\d+)"/.exec(newest.html)?.[1] ?? '';
  const last = await vic.visitor.open(older);
  expect(last.text).toContain('Made the project Paper olga@example.com');
  expect(last.text).toContain('Invited vic@example.com viewer olga@example.com');
  expect(last.html).not.toContain('before=');
  expect((await vic.visitor.open(`${home}/history?before=x`)).text).toBe(newest.text);
});
