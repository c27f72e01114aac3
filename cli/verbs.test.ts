import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Town } from '../dev-env/town.ts';
import { settings } from '../server/config/env.ts';

/** The real program against a real server, each in a process of its own. */
const program = new URL('../bin/reveille', import.meta.url).pathname;
let town: Town;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-cli-'));
  town = await Town.start({ seeded: false });
});
afterAll(async () => {
  await town?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Options {
  /** Another folder is another user. */
  readonly user?: string;
  readonly stdin?: string;
  readonly server?: string;
}

function start(args: readonly string[], { user = 'me', stdin, server = town.origin }: Options = {}) {
  return Bun.spawn([program, ...args], {
    stdin: stdin === undefined ? 'ignore' : new TextEncoder().encode(stdin),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env.PATH, HOME: join(folder, user), REVEILLE_SERVER: server },
  });
}

async function reveille(args: readonly string[], options?: Options) {
  const child = start(args, options);
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output: output.trimEnd(), errors: errors.trimEnd(), code: await child.exited };
}

/** Lines of a program that goes on. */
class Listening implements AsyncDisposable {
  readonly #child: ReturnType<typeof start>;
  readonly #lines: AsyncIterator<string>;

  constructor(...args: readonly string[]) {
    this.#child = start(['listen', '--json', ...args]);
    this.#lines = lines(this.#child.stdout);
  }

  async line(): Promise<unknown> {
    const next = await this.#lines.next();
    if (next.done) throw new Error(`it ended: ${await new Response(this.#child.stderr).text()}`);
    return JSON.parse(next.value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    expect(await this.#child.exited).toBe(0);
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

const bootstrap = async (options?: Options) =>
  JSON.parse((await reveille(['bootstrap', '--json'], options)).output);

describe('before there is anything', () => {
  test('CI3 serve --help explains every setting with its default and its variable', async () => {
    const { output, code } = await reveille(['serve', '--help']);
    expect(code).toBe(0);
    const plain = output.replace(/\s+/g, ' ');
    for (const setting of Object.values(settings)) {
      expect(plain).toContain(`${setting.flag} ${setting.about}`);
      expect(plain).toContain(`[${setting.variable}]`);
      if (setting.fallback !== undefined)
        expect(plain).toContain(`(default: ${setting.fallback}) [${setting.variable}]`);
    }
  });

  test('CF2 a wrong flag is one sentence, not a stack', async () => {
    const { errors, code } = await reveille(['serve', '--port', 'many']);
    expect(errors).toBe(
      'reveille: --port (REVEILLE_PORT) cannot be "many". It takes: a whole number from 0 to 65535.',
    );
    expect(code).toBe(1);
    expect((await reveille(['serve', '--nothing'])).code).toBe(1);
    expect((await reveille(['nothing'])).code).toBe(1);
  });

  test('CI1 a server that cannot be reached is told in one sentence', async () => {
    for (const verb of [['bootstrap'], ['login', '--email', 'a@example.org', '--password-stdin']]) {
      const { errors, code } = await reveille(verb, {
        server: 'http://127.0.0.1:9',
        stdin: 'x\n',
        user: 'far',
      });
      expect(errors).toContain('http://127.0.0.1:9 cannot be reached');
      expect(errors.split('\n')).toHaveLength(1);
      expect(code).toBe(1);
    }
  });

  test('CI8 CI9 without a stored client the next step is named', async () => {
    for (const verb of ['token', 'send', 'listen']) {
      const { errors, code } = await reveille([verb], { user: 'nobody' });
      expect(errors).toContain('bootstrap');
      expect(code).toBe(1);
    }
  });

  test('CI7 without a terminal the password is asked for on standard input only when told so', async () => {
    const { errors } = await reveille(['login', '--email', 'a@example.org'], { stdin: 'secret\n' });
    expect(errors).toContain('--password-stdin');
  });
});

describe('one account', () => {
  test('CI5 bootstrap prints one object of the promised shape, keeps it to its owner, and prints the same again', async () => {
    const first = await reveille(['bootstrap', '--json']);
    expect(first.errors).toBe('');
    expect(first.output.split('\n')).toHaveLength(1);
    const demo = JSON.parse(first.output);
    expect(Object.keys(demo)).toEqual([
      'origin',
      'account',
      'project',
      'client',
      'refresh_token',
      'publish_refresh_token',
      'app',
      'channel_id',
    ]);
    expect(Object.keys(demo.account)).toEqual(['email', 'password']);
    expect(Object.keys(demo.client)).toEqual(['client_id', 'client_secret', 'redirect_uris']);
    expect(Object.keys(demo.app)).toEqual(['id', 'key']);
    expect(demo.origin).toBe(town.origin);
    expect(demo.channel_id.endsWith(`/${demo.app.id}`)).toBe(true);
    expect((await stat(recordOf(town.origin))).mode & 0o777).toBe(0o600);
    expect(await bootstrap()).toEqual(demo);
    expect((await reveille(['bootstrap'])).output).toContain(demo.account.password);
  });

  test('CI6 a stranger is refused by a server that has accounts, signed in as one she is not', async () => {
    const demo = await bootstrap();
    const stranger = { user: 'stranger' };
    const refused = await reveille(['bootstrap', '--json'], stranger);
    expect(refused).toMatchObject({ output: '', code: 1 });
    expect(refused.errors).toContain('Sign in as one first: ./bin/reveille login');
    const login = ['login', '--email', demo.account.email, '--password-stdin'];
    const wrong = await reveille(login, { ...stranger, stdin: 'not the password\n' });
    expect(wrong).toMatchObject({ output: '', code: 1 });
    const right = await reveille(login, { ...stranger, stdin: `${demo.account.password}\n` });
    expect(right).toMatchObject({
      output: `Signed in to ${town.origin} as ${demo.account.email}.`,
      errors: '',
      code: 0,
    });
    expect((await bootstrap(stranger)).account.email).toBe(demo.account.email);
  });

  test('CI8 token prints an access token that the server takes', async () => {
    await bootstrap();
    const { output } = await reveille(['token']);
    const info = await fetch(`${town.origin}/oauth2/v1/tokeninfo?access_token=${output}`);
    expect(info.status).toBe(200);
    const whole = JSON.parse((await reveille(['token', '--json'])).output);
    expect(Object.keys(whole)[0]).toBe('access_token');
  });

  test('CI9 send says what was accepted, and a refusal in the words of the server', async () => {
    await bootstrap();
    expect((await reveille(['send', 'hello'])).output).toMatch(/^Accepted as version [0-9]{16}\.$/);
    const refused = await reveille(['send', 'hello', '--subchannel', '4']);
    expect(refused.errors).toContain('Subchannel is invalid');
    expect(refused.code).toBe(1);
    expect((await reveille(['send', 'x'.repeat(257)])).errors).toContain('Payload is too long');
  });
});

describe('listening', () => {
  test('CI10 after ready comes one line per message, numbers as numbers', async () => {
    await bootstrap();
    await using device = new Listening('--device', 'one');
    expect(await device.line()).toEqual({ ready: true });
    await reveille(['send', 'Grüße "quoted"', '--subchannel', '3']);
    expect(await device.line()).toEqual({
      subchannelId: 3,
      payload: 'Grüße "quoted"',
      version: expect.any(Number),
    });
  });

  test('CI10 a name is a device: it gets what it missed once, another name starts fresh', async () => {
    await bootstrap();
    {
      await using device = new Listening('--device', 'away');
      expect(await device.line()).toEqual({ ready: true });
    }
    for (const payload of ['old', 'newest']) await reveille(['send', payload, '--subchannel', '1']);
    {
      await using device = new Listening('--device', 'away');
      expect(await device.line()).toEqual({ ready: true });
      expect(await device.line()).toMatchObject({ subchannelId: 1, payload: 'newest' });
    }
    await using again = new Listening('--device', 'away');
    await using fresh = new Listening('--device', 'fresh');
    expect(await again.line()).toEqual({ ready: true });
    expect(await fresh.line()).toEqual({ ready: true });
    await reveille(['send', 'for both', '--subchannel', '2']);
    expect(await again.line()).toMatchObject({ payload: 'for both' });
    expect(await fresh.line()).toMatchObject({ payload: 'for both' });
  });

  test('CI11 what was not confirmed comes again', async () => {
    await bootstrap();
    {
      await using device = new Listening('--device', 'careful', '--no-confirm');
      await device.line();
      await reveille(['send', 'again', '--subchannel', '0']);
      expect(await device.line()).toMatchObject({ payload: 'again' });
    }
    {
      await using device = new Listening('--device', 'careful');
      await device.line();
      expect(await device.line()).toMatchObject({ payload: 'again' });
    }
  });
});

describe('urgency', () => {
  test('CL35 listen --urgency shows what is urgent enough, and a later run what was withheld', async () => {
    const demo = await bootstrap();
    const send = async (payload: string, subchannel: number, urgency: string) => {
      const answer = await fetch(`${town.origin}/v2/messages`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${(await reveille(['token'])).output}`,
          'Content-Type': 'application/json',
        },
        body: JSON.stringify({ channels: [demo.channel_id], payload, subchannel, urgency }),
      });
      expect(answer.status).toBe(200);
    };
    {
      await using device = new Listening('--device', 'calm', '--urgency', 'normal');
      await device.line();
      await send('soft', 1, 'low');
      await send('loud', 2, 'high');
      expect(await device.line()).toMatchObject({ payload: 'loud' });
    }
    {
      await using device = new Listening('--device', 'calm');
      await device.line();
      expect(await device.line()).toMatchObject({ payload: 'soft' });
    }
    const refused = await reveille(['listen', '--urgency', 'urgent']);
    expect([refused.code, refused.errors]).toEqual([
      1,
      expect.stringContaining('very-low, low, normal, high'),
    ]);
  });
});

describe('the operator', () => {
  test('CI12 the operator sets a password, and whoever cannot read the folder does not', async () => {
    const demo = await bootstrap();
    const reset = ['account', 'reset', '--email', demo.account.email, '--password-stdin', '--data'];
    const stdin = 'a fresh pass phrase\n';
    const outside = await reveille([...reset, join(folder, 'nowhere')], { stdin });
    expect(outside.errors).toContain('operator.token cannot be read');
    expect(outside.code).toBe(1);
    const inside = await reveille([...reset, town.dataFolder], { stdin });
    expect(inside).toMatchObject({ errors: '', code: 0 });
    const login = await reveille(['login', '--email', demo.account.email, '--password-stdin'], { stdin });
    expect(login).toMatchObject({ errors: '', code: 0 });
    expect((await stat(join(town.dataFolder, 'operator.token'))).mode & 0o777).toBe(0o600);
    const unknown = [
      'account',
      'reset',
      '--email',
      'x@example.org',
      '--password-stdin',
      '--data',
      town.dataFolder,
    ];
    expect((await reveille(unknown, { stdin })).code).toBe(1);
  });

  test('CI13 doctor finds the running server, and says how to mend a bad folder', async () => {
    const { port } = new URL(town.origin);
    const good = await reveille(['doctor', '--port', port, '--data', town.dataFolder]);
    expect(good.output).toContain('Reveille is running there');
    expect(good.output).toContain(`${town.origin} answers`);
    expect(good.output).toContain('Nothing is in the way.');
    expect(good.code).toBe(0);
    const bad = await reveille(['doctor', '--port', port, '--data', program]);
    expect(bad.output).toContain('Give --data the name of a folder.');
    expect(bad.code).toBe(1);
  });
});

describe('serving', () => {
  test('CI4 it says where it listens and what comes next, and SIGTERM and SIGINT stop it politely', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = start(['serve', '--port', '0', '--data', join(folder, `data-${signal}`)]);
      const printed = lines(server.stdout);
      const first = (await printed.next()).value ?? '';
      const origin = /^Reveille is listening on (http:\/\/127\.0\.0\.1:[0-9]+)$/.exec(first)?.[1];
      expect((await fetch(`${origin}/healthz`)).status).toBe(200);
      expect((await printed.next()).value).toContain('not let in: it speaks TLS only');
      expect((await printed.next()).value).toContain(`open ${origin}/ in a browser`);
      expect((await printed.next()).value).toContain(`./bin/reveille bootstrap --server ${origin}`);
      server.kill(signal);
      expect(await server.exited).toBe(0);
    }
  });

  test("CI4 it says on which port Chromium's push client is let in", async () => {
    const data = join(folder, 'data-certified');
    expect((await reveille(['cert', '--data', data])).code).toBe(0);
    const server = start(['serve', '--port', '0', '--mcs-port', '0', '--data', data]);
    const printed = lines(server.stdout);
    await printed.next();
    expect((await printed.next()).value).toMatch(/Chromium's push client is let in on port [0-9]+\.$/);
    server.kill('SIGTERM');
    expect(await server.exited).toBe(0);
  });

  test('CI5 bootstrap makes everything anew on a server that began anew', async () => {
    const before = await bootstrap();
    const { port } = new URL(town.origin);
    await town.stop();
    await rm(town.dataFolder, { recursive: true });
    const server = start(['serve', '--port', port, '--data', join(folder, 'anew')]);
    try {
      await lines(server.stdout).next();
      const after = await bootstrap();
      expect(after.refresh_token).not.toBe(before.refresh_token);
      expect(JSON.parse(await readFile(recordOf(town.origin), 'utf8')).demo).toEqual(after);
    } finally {
      server.kill('SIGTERM');
      await server.exited;
    }
  });
});

const recordOf = (origin: string) =>
  join(folder, 'me/.config/reveille', encodeURIComponent(origin), 'account.json');
