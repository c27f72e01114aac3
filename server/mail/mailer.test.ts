import { afterEach, describe, expect, test } from 'bun:test';
import { PostOffice, type PostOfficeOptions } from '../../dev-env/post-office.ts';
import { limits } from '../../protocol/limits.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { type Mail, type MailServer, SmtpMailer } from './mailer.ts';

const mail: Mail = { to: 'ada@example.com', subject: 'A word', text: 'Good morning.\n' };
const login = { user: 'reveille', password: 'a p@ssword: of the post' };

const open: { [Symbol.asyncDispose](): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A post office, a mailer that uses it, and what the operator is told. */
async function posted(options: PostOfficeOptions = {}, change: Partial<MailServer> = {}) {
  const office = await PostOffice.start(options);
  open.push(office);
  const clock = new ManualClock();
  const told: string[] = [];
  let heard = (): void => {};
  const events = {
    failed: (where: string, error: unknown) => {
      told.push(`${where}: ${(error as Error).message}`);
      heard();
    },
  };
  const server: MailServer = {
    host: '127.0.0.1',
    port: office.port,
    encryption: 'none',
    login: options.login,
    from: 'reveille@example.org',
    ...change,
  };
  const mailer = new SmtpMailer(server, { clock, events });
  const toldOf = async (count: number): Promise<readonly string[]> => {
    while (told.length < count)
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    return told;
  };
  return { office, mailer, clock, told, toldOf };
}

/** Mails through a process that trusts the office's authority, as a server's operator lets it. */
async function throughTrust(office: PostOffice, encryption: 'tls' | 'starttls'): Promise<void> {
  const server = { host: 'localhost', port: office.port, encryption, login, from: 'reveille@example.org' };
  const program = `
    import { SmtpMailer } from ${JSON.stringify(new URL('./mailer.ts', import.meta.url).pathname)};
    const clock = { now: Date.now, after: () => () => {} };
    const events = { failed: (where, error) => { console.error(error.message); process.exit(1); } };
    const mailer = new SmtpMailer(${JSON.stringify(server)}, { clock, events });
    await mailer.check();
    mailer.send(${JSON.stringify(mail)});
  `;
  const child = Bun.spawn([process.execPath, '-e', program], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: await office.caFile() },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, '']);
}

describe('encryption', () => {
  test('ML1 a mail arrives as its sender, plain, and says that no program need answer it', async () => {
    const { office, mailer } = await posted();
    mailer.send(mail);
    const [taken] = await office.has(1);
    expect(taken).toMatchObject({
      from: 'reveille@example.org',
      to: ['ada@example.com'],
      text: 'Good morning.\n',
      secure: false,
    });
    expect(taken?.headers.get('from')).toBe('Reveille <reveille@example.org>');
    expect(taken?.headers.get('subject')).toBe('A word');
    expect(taken?.headers.get('content-type')).toStartWith('text/plain');
    expect(taken?.headers.get('auto-submitted')).toBe('auto-generated');
  });

  test.each(['tls', 'starttls'] as const)(
    'ML1 by %s it is encrypted, the certificate checked, the login given',
    async (encryption) => {
      const office = await PostOffice.start({ encryption, login });
      open.push(office);
      await throughTrust(office, encryption);
      expect((await office.has(1))[0]).toMatchObject({ secure: true, user: 'reveille' });
    },
  );

  test.each([
    ['tls', 'tls'],
    ['starttls', 'starttls'],
    ['none', 'starttls'],
  ] as const)(
    'ML1 a server that has %s but nothing to trust gets neither login nor mail by %s',
    async (has, encryption) => {
      const { office, mailer, toldOf } = await posted(
        { encryption: has, ...(has !== 'none' && { login }) },
        { encryption, login },
      );
      await mailer.check();
      mailer.send(mail);
      const [atStart, tried] = await toldOf(2);
      expect(atStart).toStartWith(`mail: The SMTP server 127.0.0.1:${office.port} cannot be used: E`);
      expect(tried).toContain('did not take "A word", which is tried again: E');
      expect(office.asked).toEqual([]);
      expect(office.logins).toEqual([]);
    },
  );

  test('ML1 a recipient is one address, whatever signs are in it', async () => {
    const { office, mailer, toldOf } = await posted();
    mailer.send({ ...mail, to: 'ada@example.com, eve@example.net' });
    mailer.send({ ...mail, to: 'ada@example.com\r\nBcc: eve@example.net' });
    mailer.send(mail);
    await office.has(1);
    await toldOf(2);
    expect(office.mails.flatMap(({ to }) => to)).toEqual(['ada@example.com']);
  });
});

describe('what is not taken', () => {
  test('ML2 it is tried again until it is taken, and told once', async () => {
    const { office, mailer, clock, told, toldOf } = await posted();
    office.refuses = 451;
    mailer.send(mail);
    await toldOf(1);
    for (const [tries, wait] of [10_000, 60_000, 300_000].entries()) {
      await office.wasAsked(tries + 1);
      await resting(clock);
      clock.advance(wait - 1);
      expect(office.asked.length).toBe(tries + 1);
      clock.advance(1);
    }
    await office.wasAsked(4);
    await resting(clock);
    office.refuses = undefined;
    clock.advance(900_000);
    await office.has(1);
    expect(told).toHaveLength(1);
  });

  test('ML2 after the last try it is given up, which is told', async () => {
    const { office, mailer, clock, toldOf } = await posted();
    office.refuses = 451;
    mailer.send(mail);
    for (let tries = 1; tries <= 5; tries += 1) {
      await office.wasAsked(tries);
      await resting(clock);
      clock.advance(1_800_000);
    }
    expect((await toldOf(2)).map((line) => line.replace(/^.*"A word", /, ''))).toEqual([
      'which is tried again: EENVELOPE RCPT TO 451',
      'which is given up: EENVELOPE RCPT TO 451',
    ]);
    expect(office.asked).toHaveLength(6);
    expect(clock.nextDue()).toBeUndefined();
  });

  test('ML2 one that is refused for good is given up at once, and the next one is sent', async () => {
    const { office, mailer, clock, toldOf } = await posted();
    office.refuses = 550;
    mailer.send(mail);
    expect((await toldOf(1))[0]).toContain('given up: EENVELOPE RCPT TO 550');
    expect(clock.nextDue()).toBeUndefined();
    office.refuses = undefined;
    mailer.send({ ...mail, subject: 'Another' });
    expect((await office.has(1))[0]?.headers.get('subject')).toBe('Another');
  });

  test('ML2 while nobody listens mails wait, and the one too many is told', async () => {
    const { office, mailer, clock, told, toldOf } = await posted();
    await office[Symbol.asyncDispose]();
    mailer.send(mail);
    expect((await toldOf(1))[0]).toContain('tried again: ESOCKET CONN');
    await resting(clock);
    const again = await PostOffice.start({ port: office.port });
    open.push(again);
    clock.advance(10_000);
    expect((await again.has(1))[0]?.to).toEqual(['ada@example.com']);
    expect(told).toHaveLength(1);
    await again[Symbol.asyncDispose]();
    for (let count = 0; count <= limits.mailsWaiting; count += 1) mailer.send(mail);
    expect(told[1]).toContain('"A word" was let go, because 1000 mails wait for it');
    mailer.stop();
    expect(told.at(-1)).toContain('had not taken 1000 mails when the service stopped');
  });

  test('ML3 a server that cannot be reached or refuses the login is told at start', async () => {
    const { office, mailer, told } = await posted(
      { login, encryption: 'none' },
      { login: { ...login, password: 'other' } },
    );
    await mailer.check();
    expect(told[0]).toContain('cannot be used: EAUTH AUTH PLAIN 535');
    await office[Symbol.asyncDispose]();
    await mailer.check();
    expect(told[1]).toContain('cannot be used: ESOCKET CONN');
    expect(told.join()).not.toContain('other');
  });

  test('ML4 what the operator is told has no address, no text and no password', async () => {
    const { office, mailer, told, toldOf } = await posted();
    office.refuses = 550;
    mailer.send({ ...mail, text: 'https://push.example/accounts/new-password?token=secret' });
    await toldOf(1);
    expect(told.join()).not.toMatch(/ada|secret/);
  });
});

/** Until the mailer has set its clock for the next try. */
async function resting(clock: ManualClock): Promise<void> {
  while (clock.nextDue() === undefined) await new Promise((resolve) => setImmediate(resolve));
}
