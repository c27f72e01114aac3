import { afterEach, describe, expect, test } from 'bun:test';
import { type AccountsRoom, type FormBrowser, openAccountsRoom } from '../../dev-env/accounts-room.ts';
import { PostOffice } from '../../dev-env/post-office.ts';
import { systemClock } from '../core/clock.ts';
import { SmtpMailer } from '../mail/mailer.ts';
import { silentEvents } from '../observe/events.ts';

const password = 'a few good words';
const another = 'other words, as good';
const HOUR = 3_600_000;

let room: AccountsRoom;
let office: PostOffice;
afterEach(async () => {
  await room.close();
  await office[Symbol.asyncDispose]();
});

/** A room that mails through a real SMTP server, with ada and bob. */
async function withMail() {
  office = await PostOffice.start();
  const server = {
    host: '127.0.0.1',
    port: office.port,
    encryption: 'none',
    login: undefined,
    from: 'reveille@example.org',
  } as const;
  room = await openAccountsRoom({
    mailer: new SmtpMailer(server, { clock: systemClock, events: silentEvents }),
  });
  const ada = await room.accounts.create('ada@example.com', password, 'Ada');
  const bob = await room.accounts.create('bob@example.com', password, 'Bob');
  return { ada, bob };
}

const ask = (browser: FormBrowser, email: string) =>
  browser.submit('/accounts/forgot-password', '/accounts/forgot-password', { email });
const signIn = (browser: FormBrowser, email: string, given: string) =>
  browser.submit('/accounts/sign-in', '/accounts/sign-in', { email, password: given });
const choose = (browser: FormBrowser, link: string, given: string) =>
  browser.submit(link, '/accounts/new-password', { password: given });

/** The path of the link in the `count`th mail. */
async function linkOf(count: number): Promise<string> {
  const mail = (await office.has(count))[count - 1];
  const link = mail?.text.match(/^http:\/\/127\.0\.0\.1:8030(\/accounts\/new-password\?token=\S+)$/m)?.[1];
  if (link === undefined) throw new Error(`no link in: ${mail?.text}`);
  return link;
}

describe('a password reset by mail', () => {
  test('ML5 the sign-in page leads there where mail is sent, and there is no such page elsewhere', async () => {
    await withMail();
    const page = await room.browser().page('/accounts/sign-in?return=%2Fconsole%2Fapps');
    expect(page).toContain('href="/accounts/forgot-password?return=%2Fconsole%2Fapps"');
    const asking = await room.browser().page('/accounts/forgot-password?return=%2Fconsole%2Fapps');
    expect(asking).toContain('href="/accounts/sign-in?return=%2Fconsole%2Fapps"');
    await room.close();
    room = await openAccountsRoom();
    expect(await room.browser().page('/accounts/sign-in')).not.toContain('forgot');
    for (const path of ['/accounts/forgot-password', '/accounts/new-password'])
      expect((await room.browser().fetch(path)).status).toBe(404);
  });

  test('ML7 ML8 from the forgotten password to the next sign-in', async () => {
    const { ada } = await withMail();
    const before = room.browser();
    await signIn(before, ada.email, password);
    const browser = room.browser();
    expect(await (await ask(browser, ' Ada@Example.com ')).text()).toContain('Look into your mail');
    const [mail] = await office.has(1);
    expect(mail).toMatchObject({ from: 'reveille@example.org', to: ['ada@example.com'] });
    expect(mail?.headers.get('subject')).toBe('Choose a new password');
    const link = await linkOf(1);

    // Programs that look into mail open it; that uses nothing up.
    expect(await room.browser().page(link)).toContain('Choose a new password');
    const short = await choose(browser, link, 'short');
    expect(short.status).toBe(200);
    expect(await short.text()).toContain('id="field-password-error"');
    room.ended.splice(0);
    const set = await choose(browser, link, another);
    expect(set.headers.get('location')).toBe('/accounts/sign-in?bye=new-password');
    expect(await browser.page('/accounts/sign-in?bye=new-password')).toContain('Your new password is set');

    expect(room.ended).toEqual([ada.id]);
    expect(await room.accounts.signedIn(new Headers({ cookie: before.cookie }))).toBeUndefined();
    expect(await (await signIn(room.browser(), ada.email, password)).text()).toContain('is wrong');
    expect(await (await signIn(room.browser(), ada.email, another)).text()).toContain('/console');
    const { audit } = await room.accounts.export(ada.id);
    expect(audit).toContainEqual(
      expect.objectContaining({ account: ada.id, subject: ada.id, event: 'account.password-reset' }),
    );
    expect(await (await choose(room.browser(), link, 'a third, and yet good')).text()).toContain(
      'too old, or was used',
    );
    expect(room.failures).toEqual([]);
  });

  test('ML6 the answer is the same whether or not the address has an account', async () => {
    const { bob } = await withMail();
    await room.accounts.disable(bob.id, 'ada');
    const pages: string[] = [];
    for (const email of ['nobody@example.com', bob.email, 'ada@example.com'])
      pages.push((await (await ask(room.browser(), email)).text()).replaceAll(email, 'X'));
    expect(new Set(pages).size).toBe(1);
    await office.has(1);
    expect(office.asked).toEqual(['ada@example.com']);
  });

  test('ML6 an address gets three an hour, with an account or without, and ten are asked for from one', async () => {
    await withMail();
    for (const email of ['ada@example.com', 'nobody@example.com']) {
      for (let count = 0; count < 3; count += 1) await ask(room.browser('192.0.2.7'), email);
      const fourth = await ask(room.browser('192.0.2.8'), email.toUpperCase());
      expect([fourth.status, await fourth.text()]).toEqual([
        200,
        expect.stringContaining('Too many tries. Wait 1200'),
      ]);
    }
    for (let count = 6; count < 10; count += 1) await ask(room.browser('192.0.2.7'), `n${count}@example.com`);
    expect(await (await ask(room.browser('192.0.2.7'), 'bob@example.com')).text()).toContain(
      'Too many tries',
    );
    await office.has(3);
    room.clock.forward(HOUR);
    expect(await (await ask(room.browser('192.0.2.7'), 'ada@example.com')).text()).toContain(
      'Look into your mail',
    );
    await office.has(4);
    expect(office.asked).toEqual(Array(4).fill('ada@example.com'));
  });

  test('ML6 what is no address, and a form of another page, are refused with a page that says so', async () => {
    await withMail();
    const wrong = await ask(room.browser(), 'ada');
    expect([wrong.status, await wrong.text()]).toEqual([
      200,
      expect.stringContaining('id="field-email-error"'),
    ]);
    const forged = await room.browser().post('/accounts/forgot-password', { email: 'ada@example.com' });
    expect([forged.status, await forged.text()]).toEqual([200, expect.stringContaining('open too long')]);
    const noLink = await room
      .browser()
      .submit('/accounts/new-password', '/accounts/new-password', { password });
    expect(await noLink.text()).toContain('too old, or was used');
    expect(office.asked).toEqual([]);
  });

  test('ML7 the link is kept as a hash, is void after an hour, and after any change of the password', async () => {
    const { ada, bob } = await withMail();
    const fresh = async (count: number, email: string) => {
      await ask(room.browser(), email);
      return await linkOf(count);
    };
    const assertVoid = async (link: string) =>
      expect(await (await choose(room.browser(), link, another)).text()).toContain('too old, or was used');

    const late = await fresh(1, ada.email);
    const rows = JSON.stringify(await room.db.selectFrom('verification').selectAll().execute());
    expect(rows).toContain(ada.id);
    expect(rows).not.toContain(late.split('=')[1] ?? '?');
    const { expiresAt } = (await room.db
      .selectFrom('verification')
      .selectAll()
      .executeTakeFirstOrThrow()) as unknown as {
      expiresAt: string;
    };
    expect(Math.abs(new Date(expiresAt).getTime() - Date.now() - HOUR)).toBeLessThan(60_000);
    // better-auth reads the host's clock.
    const past = { expiresAt: new Date(Date.now() - 1_000).toISOString() };
    await room.db
      .updateTable('verification')
      .set(past as never)
      .execute();
    await assertVoid(late);

    const changed = await fresh(2, ada.email);
    const browser = room.browser();
    await signIn(browser, ada.email, password);
    await room.accounts.changePassword(new Headers({ cookie: browser.cookie }), password, another, {
      address: '192.0.2.1',
      userAgent: '',
    });
    await assertVoid(changed);

    // The notice of that change is the third mail.
    const disabled = await fresh(4, bob.email);
    await room.accounts.disable(bob.id, ada.id);
    await assertVoid(disabled);
  });

  test('ML7 of two that use a link at the same moment one sets the password', async () => {
    await withMail();
    await ask(room.browser(), 'ada@example.com');
    const link = await linkOf(1);
    const words = ['the first of two', 'the second of two'];
    const answers = await Promise.all(words.map((one) => choose(room.browser(), link, one)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 303]);
    const won = words[answers.findIndex(({ status }) => status === 303)] ?? '';
    expect(await room.accounts.signIn('ada@example.com', won)).toBeDefined();
  });

  test('ML9 a mail tells of every change of a password', async () => {
    const { ada, bob } = await withMail();
    await room.accounts.resetPassword(bob.email, another);
    await ask(room.browser(), ada.email);
    await choose(room.browser(), await linkOf(2), another);
    const mails = await office.has(3);
    expect(mails.map(({ to, headers }) => [to[0], headers.get('subject')])).toEqual([
      ['bob@example.com', 'Your password was changed'],
      ['ada@example.com', 'Choose a new password'],
      ['ada@example.com', 'Your password was changed'],
    ]);
    expect(mails[2]?.text).toContain('http://127.0.0.1:8030/accounts/forgot-password');
  });

  test('ML6 a mail server that is gone changes no answer, and a database that fails is told', async () => {
    await withMail();
    await office[Symbol.asyncDispose]();
    expect(await (await ask(room.browser(), 'ada@example.com')).text()).toContain('Look into your mail');
    const browser = room.browser();
    const html = await browser.page('/accounts/forgot-password');
    const form_token = /name="form_token" value="([^"]*)"/.exec(html)?.[1] ?? '';
    await room.db.destroy();
    const answer = await browser.post('/accounts/forgot-password', { form_token, email: 'ada@example.com' });
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringContaining('Look into your mail'),
    ]);
    while (room.failures.length === 0) await new Promise((resolve) => setImmediate(resolve));
    room = await openAccountsRoom();
  });
});
