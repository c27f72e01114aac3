import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { SendError, type SendErrorCode } from './send-error.ts';
import { Sender, type SenderOptions } from './sender.ts';

const channel = '08144192009958038014/mfaehphpebmlbfdiegjnpidmibldjbjk';
const credentials = { clientId: 'the-client', clientSecret: 'very-secret', refreshToken: '1/refresh-me' };

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
interface Seen {
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A small real service: answers are made by the test, what came in is remembered. */
async function withService(
  answers: { token?: (n: number) => Answer | Promise<Answer>; message?: (seen: Seen, n: number) => Answer },
  run: (town: {
    sender: (options?: Partial<SenderOptions>) => Sender;
    tokens: Seen[];
    messages: Seen[];
  }) => Promise<void>,
): Promise<void> {
  const tokens: Seen[] = [];
  const messages: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const seen = { path: request.url, headers: request.headers, body };
    const isToken = request.url === '/o/oauth2/token';
    (isToken ? tokens : messages).push(seen);
    const answer = isToken
      ? await (answers.token ?? goodToken)(tokens.length)
      : (answers.message ?? accepted)(seen, messages.length);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await run({ sender: (options) => new Sender({ origin, ...credentials, ...options }), tokens, messages });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const goodToken = (n: number): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  body: `{\n  "access_token" : "ya29.${n}",\n  "token_type" : "Bearer",\n  "expires_in" : 3600\n}`,
});
const accepted = (_: Seen, n: number): Answer => ({
  status: 204,
  headers: { 'Reveille-Message': String(1_000 + n) },
});
const refused =
  (status: number, reason: string, headers: Record<string, string> = {}) =>
  (): Answer => ({
    status,
    headers,
    body: JSON.stringify({ error: { errors: [{ reason }], code: status, message: `Because of ${reason}.` } }),
  });

async function failure(sending: Promise<unknown>): Promise<SendError> {
  const error = await sending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SendError, String(error));
  return error;
}

describe('sending', () => {
  test('SE1 one message is posted with a token, and its version comes back', async () => {
    await withService({}, async ({ sender, tokens, messages }) => {
      assert.deepEqual(await sender().send(channel, 2, 'h\u00e9llo'), { version: 1_001 });
      assert.deepEqual(Object.fromEntries(new URLSearchParams(tokens[0]?.body)), {
        grant_type: 'refresh_token',
        client_id: 'the-client',
        client_secret: 'very-secret',
        refresh_token: '1/refresh-me',
      });
      assert.equal(tokens[0]?.headers['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8');
      assert.equal(messages[0]?.path, '/gcm_for_chrome/v1/messages');
      assert.equal(messages[0]?.headers.authorization, 'Bearer ya29.1');
      assert.equal(messages[0]?.headers['content-type'], 'application/json');
      assert.deepEqual(JSON.parse(messages[0]?.body ?? ''), {
        channelId: channel,
        subchannelId: 2,
        payload: 'h\u00e9llo',
      });
    });
  });

  test('SE1 a message without a payload is sent as empty text', async () => {
    await withService({}, async ({ sender, messages }) => {
      await sender().send(channel, 0);
      assert.equal(JSON.parse(messages[0]?.body ?? '').payload, '');
    });
  });

  test('SE1 an accepted message whose version a proxy took away is no failure', async () => {
    await withService({ message: () => ({ status: 204 }) }, async ({ sender }) => {
      assert.deepEqual(await sender().send(channel, 0, 'x'), { version: undefined });
    });
  });
});

describe('access tokens', () => {
  test('SE2 a token is kept until a minute before its end', async () => {
    let now = 1_000_000;
    await withService({}, async ({ sender, tokens, messages }) => {
      const one = sender({ now: () => now });
      await one.send(channel, 0, 'a');
      now += 3_539_000;
      await one.send(channel, 0, 'b');
      assert.equal(tokens.length, 1);
      now += 1_000;
      await one.send(channel, 0, 'c');
      assert.equal(tokens.length, 2);
      assert.equal(messages[2]?.headers.authorization, 'Bearer ya29.2');
    });
  });

  test('SE2 any number of sends wait for one refresh', async () => {
    await withService({}, async ({ sender, tokens, messages }) => {
      const one = sender();
      await Promise.all(Array.from({ length: 20 }, (_, n) => one.send(channel, n % 4, String(n))));
      assert.equal(tokens.length, 1);
      assert.equal(messages.length, 20);
    });
  });

  test('SE2 a refresh that failed is tried again by the next send', async () => {
    const token = (n: number) => (n === 1 ? { status: 503, body: 'later' } : goodToken(n));
    await withService({ token }, async ({ sender, tokens }) => {
      const one = sender();
      assert.equal((await failure(one.send(channel, 0, 'a'))).code, 'unavailable');
      await one.send(channel, 0, 'b');
      assert.equal(tokens.length, 2);
    });
  });

  test('SE3 a 401 fetches another token and sends once more', async () => {
    const message = (seen: Seen, n: number) =>
      seen.headers.authorization === 'Bearer ya29.1' ? refused(401, 'authError')() : accepted(seen, n);
    await withService({ message }, async ({ sender, tokens, messages }) => {
      assert.deepEqual(await sender().send(channel, 0, 'a'), { version: 1_002 });
      assert.equal(tokens.length, 2);
      assert.equal(messages[0]?.body, messages[1]?.body);
    });
  });

  test('SE3 sends that meet a 401 together share one fresh token', async () => {
    const message = (seen: Seen, n: number) =>
      seen.headers.authorization === 'Bearer ya29.1' ? refused(401, 'authError')() : accepted(seen, n);
    await withService({ message }, async ({ sender, tokens }) => {
      const one = sender();
      await Promise.all(Array.from({ length: 8 }, () => one.send(channel, 0, 'a')));
      assert.equal(tokens.length, 2);
    });
  });

  test('SE3 a second 401 is an error, and nothing is tried a third time', async () => {
    await withService({ message: refused(401, 'authError') }, async ({ sender, messages }) => {
      const error = await failure(sender().send(channel, 0, 'a'));
      assert.equal(error.code, 'token-refused');
      assert.equal(messages.length, 2);
    });
  });

  test('SE3 a 403 is not answered with a refresh', async () => {
    await withService({ message: refused(403, 'forbidden') }, async ({ sender, tokens, messages }) => {
      await failure(sender().send(channel, 0, 'a'));
      assert.equal(tokens.length, 1);
      assert.equal(messages.length, 1);
    });
  });
});

describe('errors', () => {
  const table: readonly [number, string, SendErrorCode, boolean][] = [
    [400, 'invalid', 'invalid', false],
    [403, 'forbidden', 'forbidden', false],
    [403, 'accessNotConfigured', 'forbidden', false],
    [403, 'dailyLimitExceeded', 'quota-exceeded', true],
    [413, 'uploadTooLarge', 'invalid', false],
    [429, 'rateLimitExceeded', 'rate-limited', true],
    [503, 'backendError', 'unavailable', true],
  ];
  for (const [status, reason, code, temporary] of table) {
    test(`SE4 ${status} ${reason} is ${code}, with the sentence of the server`, async () => {
      await withService({ message: refused(status, reason, { 'Retry-After': '17' }) }, async ({ sender }) => {
        const error = await failure(sender().send(channel, 0, 'a'));
        assert.deepEqual(
          {
            code: error.code,
            status: error.status,
            retryAfter: error.retryAfter,
            temporary: error.temporary,
          },
          { code, status, retryAfter: 17, temporary },
        );
        assert.equal(error.message, `Because of ${reason}.`);
      });
    });
  }

  test('SE4 the bare 500 of 2013 and an answer that is no JSON have a sentence too', async () => {
    for (const body of ['{"error":{"code":500,"message":null}}', '<html>Bad Gateway</html>', '']) {
      await withService({ message: () => ({ status: 500, body }) }, async ({ sender }) => {
        const error = await failure(sender().send(channel, 0, 'a'));
        assert.equal(error.code, 'unavailable');
        assert.match(error.message, /500/);
        assert.equal(error.retryAfter, undefined);
      });
    }
  });

  test('SE4 a refused refresh token says which error the token endpoint named', async () => {
    await withService(
      { token: () => ({ status: 400, body: '{ "error" : "invalid_grant" }' }) },
      async ({ sender, messages }) => {
        const error = await failure(sender().send(channel, 0, 'a'));
        assert.equal(error.code, 'token-refused');
        assert.match(error.message, /invalid_grant/);
        assert.equal(error.temporary, false);
        assert.equal(messages.length, 0);
      },
    );
  });

  test('SE4 the rate limit of the token endpoint is told with its wait', async () => {
    const token = () => ({ status: 429, headers: { 'Retry-After': '60' }, body: 'Too many.' });
    await withService({ token }, async ({ sender }) => {
      const error = await failure(sender().send(channel, 0, 'a'));
      assert.deepEqual([error.code, error.retryAfter], ['rate-limited', 60]);
    });
  });

  test('SE4 a token answer without a token is unexpected', async () => {
    await withService({ token: () => ({ status: 200, body: '{}' }) }, async ({ sender }) => {
      assert.equal((await failure(sender().send(channel, 0, 'a'))).code, 'unexpected');
    });
  });

  test('SE4 nobody at the address is unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await new Promise((resolve) => closed.close(resolve));
    const error = await failure(new Sender({ origin, ...credentials }).send(channel, 0, 'a'));
    assert.deepEqual([error.code, error.status, error.temporary], ['unreachable', undefined, true]);
  });

  test('SE5 no error holds a secret or a token', async () => {
    const secrets = /very-secret|refresh-me|ya29/;
    const failing = [
      { message: refused(401, 'authError') },
      { message: refused(403, 'forbidden') },
      { token: () => ({ status: 400, body: '{"error":"invalid_client"}' }) },
    ];
    for (const answers of failing) {
      await withService(answers, async ({ sender }) => {
        const error = await failure(sender().send(channel, 0, 'a'));
        assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`, secrets);
      });
    }
  });
});

describe('web standards', () => {
  test('SE6 no request carries cookies, follows redirects or lasts forever', async () => {
    const inits: RequestInit[] = [];
    await withService({}, async ({ sender }) => {
      const watched = sender({
        fetch: (url, init) => {
          inits.push(init);
          return fetch(url, init);
        },
      });
      await watched.send(channel, 0, 'a');
    });
    assert.equal(inits.length, 2);
    for (const init of inits) {
      assert.equal(init.credentials, 'omit');
      assert.equal(init.redirect, 'error');
      assert.ok(init.signal instanceof AbortSignal);
    }
  });

  test('SE6 a redirect is not followed, so a token goes nowhere else', async () => {
    const message = () => ({ status: 302, headers: { Location: '/elsewhere' } });
    await withService({ message }, async ({ sender, messages }) => {
      assert.equal((await failure(sender().send(channel, 0, 'a'))).code, 'unreachable');
      assert.equal(messages.length, 1);
    });
  });

  test('SE6 a service that does not answer in time is unreachable', async () => {
    const token = () => new Promise<Answer>((resolve) => setTimeout(() => resolve(goodToken(1)), 500));
    await withService({ token }, async ({ sender }) => {
      assert.equal((await failure(sender({ timeoutMs: 30 }).send(channel, 0, 'a'))).code, 'unreachable');
    });
  });
});
