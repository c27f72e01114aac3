import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import { limits } from '../../protocol/limits.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { SEND_SCOPE } from '../core/sender.ts';
import { exchange } from './exchange.ts';
import { Plays } from './plays.ts';
import { freshPlay } from './share.ts';

const password = 'a few good words';
const home = '/oauthplayground';
let town: ConsoleTown;
let visitor: PageVisitor;
let client: { readonly id: string; readonly secret: string };

beforeEach(async () => {
  town = await ConsoleTown.open();
  const ann = await town.accounts.create('ann@example.com', password, 'Ann');
  const project = await town.oauth.projects.create(ann, 'Paper');
  await town.oauth.projects.setMessaging(ann, project.id, true);
  const made = await town.oauth.clients.create(ann, project.id, {
    name: 'Web client',
    redirectUris: [`${town.origin}${home}`],
  });
  client = { id: made.client.id, secret: made.secret };
  visitor = new PageVisitor(town);
});
afterEach(() => town[Symbol.asyncDispose]());

const configure = () =>
  visitor.send(home, `${home}/configuration`, {
    own: 'yes',
    clientId: client.id,
    clientSecret: client.secret,
  });

/** The steps of the guide up to the code: gear, scope, sign-in when nobody is, consent. */
async function authorized(): Promise<{ html: string; path: string }> {
  await configure();
  const there = await visitor.send(home, `${home}/authorize`, { ownScopes: SEND_SCOPE });
  const consent = there.path.startsWith('/accounts/sign-in')
    ? await visitor.send(there.path, '/accounts/sign-in', { email: 'ann@example.com', password })
    : there;
  expect(consent.text).toContain('Send push messages');
  return await visitor.send(consent.path, '/o/oauth2/auth', { decision: 'allow' });
}

const fieldOf = (html: string, name: string): string =>
  new RegExp(`<input name="${name}"[^>]* value="([^"]*)"`).exec(html)?.[1] ?? '';

test('OP1 a stranger opens it, and is told where credentials are entered', async () => {
  expect((await visitor.open(`${home}/`)).text).toContain('OAuth 2.0 Configuration');
  const refused = await visitor.send(home, `${home}/authorize`, { ownScopes: SEND_SCOPE });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('Use your own OAuth credentials');
  expect((await visitor.send(home, `${home}/tokens`, { do: 'exchange' })).status).toBe(400);
});

test('OP2 OP3 the nine steps of the guide end with a refresh token', async () => {
  const back = await authorized();
  expect(back.path).toBe(home);
  expect(fieldOf(back.html, 'code')).toMatch(/^4\//);
  const code = fieldOf(back.html, 'code');
  const done = await visitor.send(home, `${home}/tokens`, { do: 'exchange', code, autoRefresh: 'yes' });
  expect(fieldOf(done.html, 'refreshToken')).toMatch(/^1\/[\w-]{43}$/);
  expect(fieldOf(done.html, 'accessToken')).toMatch(/^ya29\./);
  expect(done.text).toContain('POST /o/oauth2/token HTTP/1.1');
  expect(done.text).toContain(`client_secret=${client.secret}`);
  expect(done.text).toContain('HTTP/1.1 200 OK');
  const spent = await visitor.send(home, `${home}/tokens`, { do: 'exchange', code });
  expect(spent.text).toContain('HTTP/1.1 400 Bad Request');
  expect(spent.text).toContain('Reveille-Hint:');
});

test('OP2 an answer without the state of this browser is refused', async () => {
  await configure();
  const forged = await visitor.open(`${home}?code=4/x&state=guessed`);
  expect(forged.status).toBe(400);
  expect(fieldOf(forged.html, 'code')).toBe('');
});

test('OP4 OP6 a message is sent with a token that was refreshed for it, without the cookie', async () => {
  const back = await authorized();
  const done = await visitor.send(home, `${home}/tokens`, {
    do: 'exchange',
    code: fieldOf(back.html, 'code'),
  });
  const refreshToken = fieldOf(done.html, 'refreshToken');
  await visitor.send(home, `${home}/tokens`, {
    do: 'refresh',
    refreshToken,
    autoRefresh: 'yes',
    accessToken: '',
  });
  const fields = {
    method: 'POST',
    url: '/gcm_for_chrome/v1/messages',
    headers: '',
    body: '{"channelId":"x"}',
  };
  const sent = await visitor.send(home, `${home}/send`, fields);
  expect(sent.text).toContain('Authorization: Bearer ya29.');
  expect(sent.text).toContain('HTTP/1.1 400 Bad Request');
  expect(sent.text).not.toContain('Cookie:');
  expect(sent.text).toContain('Via: 1.1 oauthplayground');
  await visitor.send(home, `${home}/send`, { ...fields, method: 'GET', url: '/console', body: '' });
  const page = await visitor.open(home);
  expect(page.text).toContain('HTTP/1.1 303 See Other');
  expect(page.text).toContain('Location: /accounts/sign-in');
});

test.each([
  [{ url: 'http://169.254.169.254/latest' }, 'sends to this server only'],
  [{ url: '//elsewhere.example/' }, 'sends to this server only'],
  [{ url: 'http://ann@127.0.0.1:8030/' }, 'sends to this server only'],
  [{ url: 'file:///etc/passwd' }, 'sends to this server only'],
  [{ method: 'CONNECT' }, 'The method is one of'],
  [{ method: 'GET', body: 'text' }, 'has no body'],
  [{ headers: 'Cookie: a=b' }, 'does not send the header Cookie'],
  [{ headers: 'X-Forwarded-For: 127.0.0.1' }, 'does not send the header X-Forwarded-For'],
  [{ headers: 'Transfer-Encoding: chunked' }, 'does not send the header'],
  [{ headers: 'no header' }, 'is no header'],
  [{ headers: 'X-A: b\u0001' }, 'a character that no header has'],
])('OP5 %j is refused', async (wrong, sentence) => {
  const fields = { method: 'POST', url: '/healthz', headers: '', body: '', ...wrong };
  const refused = await visitor.send(home, `${home}/send`, fields);
  expect([refused.status, refused.text.includes(sentence)]).toEqual([400, true]);
});

test('OP7 the link has no secret in it, and a page that it filled in says so', async () => {
  const back = await authorized();
  const done = await visitor.send(home, `${home}/tokens`, {
    do: 'exchange',
    code: fieldOf(back.html, 'code'),
  });
  const token = fieldOf(done.html, 'accessToken');
  const sent = await visitor.send(home, `${home}/send`, {
    method: 'POST',
    url: `/healthz?access_token=${token}`,
    headers: `Authorization: Bearer ${token}\nX-Plain: yes`,
    body: `client_secret=typed&payload=${client.secret}&refresh_token=1%2F${'a'.repeat(43)}`,
  });
  const link = /http:\/\/127\.0\.0\.1:8030\/oauthplayground\?[^\s<]*/.exec(sent.text)?.[0] ?? '';
  expect(link).toContain('X-Plain');
  for (const secret of [token.slice(5), client.secret, 'typed', 'a'.repeat(43)])
    expect(link).not.toContain(secret);
  const opened = await new PageVisitor(town).open(link.slice(town.origin.length));
  expect(opened.text).toContain('A link filled in');
  expect(opened.html).toContain('X-Plain: yes');
});

test('OP8 another browser, signing out and forgetting end what was held', async () => {
  const back = await authorized();
  const done = await visitor.send(home, `${home}/tokens`, {
    do: 'exchange',
    code: fieldOf(back.html, 'code'),
  });
  const token = fieldOf(done.html, 'refreshToken');
  expect((await new PageVisitor(town).open(home)).html).not.toContain(token);
  expect((await visitor.open(home)).html).toContain(token);
  await visitor.send(home, '/accounts/sign-out');
  expect((await visitor.open(home)).html).not.toContain(token);
  await configure();
  expect((await visitor.open(home)).html).toContain(client.id);
  await visitor.send(home, `${home}/forget`);
  expect((await visitor.open(home)).html).not.toContain(client.id);
});

test('OP8 it ends after an hour, for another sign-in, and strangers make room first', async () => {
  const clock = new ManualClock();
  const plays = new Plays(clock);
  const play = freshPlay('');
  plays.keep('mine', 'sign-in', play);
  expect(plays.find('mine', undefined)).toBeUndefined();
  plays.keep('mine', 'sign-in', play);
  for (let count = 0; count < limits.playgrounds + 5; count += 1)
    plays.keep(`stranger ${count}`, undefined, play);
  expect(plays.find('mine', 'sign-in')).toEqual(play);
  expect(plays.find('stranger 0', undefined)).toBeUndefined();
  clock.advance(limits.playgroundIdleMs + 1);
  expect(plays.find('mine', 'sign-in')).toBeUndefined();
});

test('OP9 a form without the token of its page does nothing, and too many are held back', async () => {
  await configure();
  expect((await visitor.forge(`${home}/send`, { method: 'GET', url: '/healthz' })).status).toBe(403);
  expect((await visitor.forge(`${home}/open`, { clientId: 'x', clientSecret: 'y' })).status).toBe(403);
  let last = 0;
  for (let count = 0; count <= limits.playgroundForms; count += 1)
    last = (await visitor.forge(`${home}/send`, {})).status;
  expect(last).toBe(429);
});

test('OP10 the page of a client opens it with everything filled in', async () => {
  const { cookie } = await town.accounts.signIn('ann@example.com', password);
  const ann = new PageVisitor(town, cookie);
  const at = `/console/clients/${client.id}`;
  const shown = await ann.send(at, `${at}/secret`, { password });
  const opened = await ann.send(shown.path, `${home}/open`);
  expect(opened.path).toBe(home);
  expect(fieldOf(opened.html, 'clientId')).toBe(client.id);
  expect(opened.html).not.toContain(client.secret);
  expect((await ann.send(home, `${home}/authorize`, { scope: SEND_SCOPE })).text).toContain('Allow access');
});

test('OP11 a long answer is cut, and one that does not end is given up', async () => {
  const clock = new ManualClock();
  const sent = { method: 'GET', url: new URL('http://127.0.0.1/long'), headers: [], body: '' };
  const peer = { address: '127.0.0.1' };
  const long = async () => new Response('x'.repeat(limits.playgroundAnswerBytes + 1));
  const cut = await exchange('Request', sent, { dispatch: long, peer, clock });
  expect(cut.body).toHaveLength(limits.playgroundAnswerBytes);
  expect(cut.exchange.response).toContain('the rest is not shown');
  const endless = async () =>
    new Response(new ReadableStream({ start: (out) => out.enqueue(new TextEncoder().encode('event')) }));
  const waiting = exchange('Request', sent, { dispatch: endless, peer, clock });
  await Bun.sleep(0);
  clock.advance(limits.playgroundAnswerMs + 1);
  expect((await waiting).exchange.response).toContain('stopped reading');
});
