import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import type { AppId } from '../../protocol/app-id.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';

const PASSWORD = 'correct horse battery';

let town: ConsoleTown;
let clock: ManualClock;
let bob: PageVisitor;
let sam: PageVisitor;
let bobAccount: Account;
let project: string;
let app: AppId;

async function enter(name: string): Promise<PageVisitor> {
  await town.accounts.create(`${name}@example.com`, PASSWORD, name);
  return new PageVisitor(town, (await town.accounts.signIn(`${name}@example.com`, PASSWORD)).cookie);
}

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  town = await ConsoleTown.open({ clock });
  await enter('ann');
  bob = await enter('bob');
  sam = await enter('sam');
  bobAccount = (await town.accounts.findByEmail('bob@example.com')) as Account;
  ({ id: project } = await town.oauth.projects.create(bobAccount, 'Paper'));
  await town.oauth.projects.setMessaging(bobAccount, project, true);
  const group = await town.webstore.groups.create(bobAccount.id, 'Bob');
  ({ id: app } = await town.webstore.apps.register(bobAccount.id, group, 'Reader', { kind: 'made' }));
});

afterEach(async () => {
  await town[Symbol.asyncDispose]();
});

async function sendTest(payload: string): Promise<number> {
  const channel = (await town.receiving.open(bobAccount.id, app)).id;
  const sent = { project, channel, subchannel: '0', payload };
  return (await bob.send('/console/test', '/console/test', sent)).status;
}

test('TF5 the traffic of a project and of its app: figures, charts, the same numbers as a table', async () => {
  const home = `/console/projects/${project}/traffic`;
  expect((await bob.open(home)).text).toContain('Nothing in the last hour');
  await town.devices.register({ account: bobAccount.id, app, name: 'laptop' });
  expect(await sendTest('one')).toBe(200);
  expect(await sendTest('two')).toBe(200);
  town.meter.events.turnedAway(project, app, 'quota-exceeded');
  const seen = await bob.open(home);
  expect(seen.text).toContain('Accepted 2 messages kept and answered');
  expect(seen.text).toContain('quota-exceeded 1');
  expect(seen.html.match(/<svg[^>]*role="img"/g)).toHaveLength(3);
  expect(seen.html).toContain('aria-label="In the last hour: 2 accepted, 0 delivered, 0 confirmed."');
  expect(seen.html).toMatch(
    /<caption[^>]*>Traffic step by step[\s\S]*data-label="Accepted" class="number">2</,
  );
  expect(seen.html).not.toMatch(/style=|<script>/);
  const ofApp = /href="([^"]*app=[a-p]{32})"[^>]*>Reader/.exec(seen.html)?.[1] ?? '';
  expect((await bob.open(ofApp.replaceAll('&amp;', '&'))).text).toContain('Of the app Reader alone');
  expect((await bob.open(`/console/apps/${app}/traffic?span=month`)).text).toContain('Accepted 2');
  expect((await bob.open(`${home}?span=constructor`)).text).toContain('Accepted 2');
});

test('TF5 what has gone by leaves the hour and stays in the day and the month', async () => {
  await sendTest('one');
  await bob.open(`/console/projects/${project}/traffic`);
  clock.advance(2 * 3_600_000);
  const open = async (span: string) =>
    (await bob.open(`/console/projects/${project}/traffic?span=${span}`)).text;
  expect(await open('hour')).toContain('Nothing in the last hour');
  expect(await open('day')).toContain('Accepted 1');
  expect(await open('month')).toContain('Accepted 1');
});

test('TF5 to a stranger neither the project nor the app is there, and a right that ends is felt at once', async () => {
  expect((await sam.open(`/console/projects/${project}/traffic`)).status).toBe(404);
  expect((await sam.open(`/console/apps/${app}/traffic`)).status).toBe(404);
  const samAccount = (await town.accounts.findByEmail('sam@example.com')) as Account;
  await town.join(bobAccount, project, samAccount, 'viewer');
  expect((await sam.open(`/console/projects/${project}/traffic`)).status).toBe(200);
  await town.oauth.team.remove(bobAccount, project, samAccount.id);
  expect((await sam.open(`/console/projects/${project}/traffic`)).status).toBe(404);
});

test('TF6 the page brings the script only while it shall be live', async () => {
  const home = `/console/projects/${project}/traffic`;
  expect((await bob.open(home)).html).toContain('<script src="/console/live.js" type="module">');
  const still = await bob.open(`${home}?live=off`);
  expect(still.html).not.toContain('<script');
  expect(still.text).toContain('Update by itself');
  const script = await town.fetch('/console/live.js');
  expect(script.headers.get('content-type')).toContain('text/javascript');
});
