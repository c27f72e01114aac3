import { afterAll, beforeAll, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import { WebhookReceiver } from '../../dev-env/webhook-receiver.ts';
import { ManualClock } from '../core/manual-clock.ts';

let receiver: WebhookReceiver;
let clock: ManualClock;
let town: ConsoleTown;
let ann: PageVisitor;
let eve: PageVisitor;
let project: string;
let app: string;

async function enter(name: string) {
  await town.accounts.create(`${name}@example.com`, 'correct horse battery', name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, 'correct horse battery');
  return { account, visitor: new PageVisitor(town, cookie) };
}

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  clock = new ManualClock(Date.now());
  town = await ConsoleTown.open({ clock, ca: receiver.ca });
  await town.webhooks.start();
  const { account, visitor } = await enter('ann');
  ann = visitor;
  ({ visitor: eve } = await enter('eve'));
  ({ id: project } = await town.oauth.projects.create(account, 'Paper'));
  const group = await town.webstore.groups.create(account.id, 'Ann');
  ({ id: app } = await town.webstore.apps.register(account.id, group, 'Reader', { kind: 'made' }));
});
afterAll(async () => {
  await town[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

test('WH3 WH9 a project gets a webhook, whose secret is shown for ten minutes, and sends a test event', async () => {
  const list = `/console/projects/${project}/webhooks`;
  expect((await ann.open(list)).text).toContain('No webhook yet');
  const made = await ann.send(list, list, { url: receiver.url(), 'message.confirmed': 'yes', all: 'all' });
  expect(made.path).toStartWith('/console/webhooks/');
  const secret = /whsec_[A-Za-z0-9+/]{43}=/.exec(made.text)?.[0] ?? '';
  expect(secret).not.toBe('');
  const home = made.path.split('?')[0] ?? '';
  expect((await ann.open(home)).text).not.toContain('whsec_');
  expect((await eve.open(made.path)).status).toBe(404);
  clock.advance(10 * 60_000 + 1);
  expect((await ann.open(made.path)).text).not.toContain('whsec_');

  receiver.answer = () => new Response(null, { status: 418 });
  await ann.send(home, `${home}/test`);
  await receiver.has(1);
  let seen = await ann.open(home);
  while (!seen.text.includes('418')) seen = await ann.open(home);
  expect(seen.text).toContain('webhook.test');
  expect(seen.text).toContain('failing');
  expect((await ann.open(list)).text).toContain('every message');
  const renewed = await ann.send(home, `${home}/secret`, { sure: 'yes' });
  expect(renewed.text).toContain('whsec_');
  expect(renewed.text).not.toContain(secret);
});

test('WH7 a webhook that was switched off says why, and a button switches it on again', async () => {
  const list = `/console/apps/${app}/webhooks`;
  const home =
    (await ann.send(list, list, { url: receiver.url(), 'device.gone': 'yes' })).path.split('?')[0] ?? '';
  receiver.answer = () => new Response(null, { status: 410 });
  await ann.send(home, `${home}/test`);
  let seen = await ann.open(home);
  while (!seen.text.includes('Switched off.')) seen = await ann.open(home);
  expect(seen.text).toContain('It answered 410');
  receiver.answer = () => new Response(null, { status: 204 });
  expect((await ann.send(home, `${home}/enable`)).text).not.toContain('Switched off.');
  const gone = await ann.send(home, `${home}/remove`, { sure: 'yes' });
  expect([gone.path, gone.text.includes('No webhook yet')]).toEqual([`${list}?done=webhook-removed`, true]);
});

test('WH1 WH2 what is wrong with a webhook is said at the form, which keeps what was typed', async () => {
  const list = `/console/projects/${project}/webhooks`;
  const seen = await ann.send(list, list, { url: 'https://10.0.0.1/hook', 'message.failed': 'yes' });
  expect(seen.status).toBe(400);
  expect(seen.text).toContain('A webhook is an https address with the name of a host');
  expect(seen.html).toContain('value="https://10.0.0.1/hook"');
  expect((await eve.open(list)).status).toBe(404);
  expect((await eve.open(`/console/apps/${app}/webhooks`)).status).toBe(404);
  expect((await ann.open('/console/apps/nonsense/webhooks')).status).toBe(404);
});

test('WH13 the page of a webhook marks the part of its owner', async () => {
  for (const [part, id] of [
    ['projects', project],
    ['apps', app],
  ]) {
    const list = `/console/${part}/${id}/webhooks`;
    const { html } = await ann.send(list, list, { url: receiver.url(), 'message.confirmed': 'yes' });
    const marked = [...html.matchAll(/<a href="([^"]*)" aria-current="page"/g)].map(([, href]) => href);
    expect(marked).toEqual(['/console', `/console/${part}`]);
  }
});
