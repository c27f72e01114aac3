import { expect, test } from 'bun:test';
import { PostOffice } from '../dev-env/post-office.ts';
import { Town } from '../dev-env/town.ts';

/** What a browser without script does: the cookies and hidden fields of a page go with its form. */
async function submit(origin: string, path: string, fields: Record<string, string>): Promise<Response> {
  const page = await fetch(origin + path);
  const html = await page.text();
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const cookie = page.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
  return await fetch(origin + (/action="([^"]*)"/.exec(html)?.[1] ?? ''), {
    method: 'POST',
    headers: { cookie: cookie.join('; ') },
    body: new URLSearchParams({ ...Object.fromEntries(hidden), ...fields }),
    redirect: 'manual',
  });
}

test('ML4 ML8 a forgotten password is set anew at a running server, whose log keeps it all to itself', async () => {
  const login = { user: 'reveille', password: 'the-post-knows-me' };
  await using office = await PostOffice.start({ encryption: 'tls', login });
  const smtpUrl = `smtps://${login.user}:${login.password}@localhost:${office.port}`;
  await using town = await Town.start({
    flags: ['--mail-from', 'reveille@example.org', '--log-level', 'debug'],
    environment: { REVEILLE_SMTP_URL: smtpUrl, NODE_EXTRA_CA_CERTS: await office.caFile() },
  });
  const { email, password } = town.seed.account;
  const accessToken = await town.accessToken();
  const message = { channelId: town.seed.channel_id, subchannelId: 1, payload: 'Hello' };
  expect((await town.send(accessToken, message)).status).toBe(204);

  expect((await submit(town.origin, '/accounts/forgot-password', { email })).status).toBe(200);
  const [mail] = await office.has(1);
  expect(mail).toMatchObject({ to: [email], secure: true, user: login.user });
  const link = mail?.text.match(/^http\S+token=(\S+)$/m);
  const { pathname, search } = new URL(link?.[0] ?? '');
  const set = await submit(town.origin, pathname + search, { password: 'another few good words' });
  expect([set.status, set.headers.get('location')]).toEqual([303, '/accounts/sign-in?bye=new-password']);

  const signIn = (word: string) =>
    submit(town.origin, '/accounts/sign-in', { email, password: word }).then((answer) => answer.text());
  expect(await signIn(password)).toContain('role="alert"');
  expect(await signIn('another few good words')).toContain('You are signed in');
  const cookie = { headers: { cookie: town.seed.cookie } };
  expect(await (await town.fetch('/accounts/api/get-session', cookie)).json()).toEqual({ user: null });
  expect((await town.send(accessToken, message)).status).toBe(401);

  office.refuses = 550;
  await submit(town.origin, '/accounts/forgot-password', { email });
  await office.wasAsked(3);
  while (!town.log.includes('given up')) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const secret of [login.password, link?.[1] ?? '?', email, 'another few good words'])
    expect(town.log).not.toContain(secret);
});

test('ML3 a server starts without its mail server, and says so', async () => {
  await using office = await PostOffice.start();
  await office[Symbol.asyncDispose]();
  await using town = await Town.start({ flags: office.flags, seeded: false });
  while (!town.log.includes('cannot be used')) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(town.log).toContain(`The SMTP server 127.0.0.1:${office.port} cannot be used: ESOCKET CONN`);
});
