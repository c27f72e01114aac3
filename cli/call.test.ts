import { describe, expect, test } from 'bun:test';
import { answered, CliError, call, Refused, readServer } from './call.ts';

const answering = (status: number, body: string | object) =>
  Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () =>
      typeof body === 'string' ? new Response(body, { status }) : Response.json(body, { status }),
  });

async function refusal(status: number, body: string | object): Promise<Refused> {
  using server = answering(status, body);
  const error = await answered(await call(server.url.origin, '/x')).catch((thrown: unknown) => thrown);
  if (error instanceof Refused) return error;
  throw new Error(`not refused: ${error}`);
}

describe('what was typed', () => {
  test('CI1 --server is an http or https URL, and its origin counts', () => {
    expect(readServer('https://push.example/console/')).toBe('https://push.example');
    for (const text of ['push.example', '', 'ftp://push.example'])
      expect(() => readServer(text)).toThrow(CliError);
  });
});

describe('answers', () => {
  test('CI1 a server that does not answer is one sentence that says how to start it', async () => {
    const server = answering(200, '');
    const { origin } = server.url;
    await server.stop(true);
    await expect(call(origin, '/healthz')).rejects.toThrow(/cannot be reached .* \.\/bin\/reveille serve/);
  });

  test('CI9 the sentence of a refusal is the one of the server, whichever door spoke', async () => {
    expect((await refusal(403, { error: { code: 403, message: 'Do this.' } })).message).toBe('Do this.');
    expect((await refusal(400, { error: 'invalid_grant', error_description: 'Was revoked.' })).message).toBe(
      'Was revoked.',
    );
    expect((await refusal(400, { error: 'invalid_grant' })).message).toBe('invalid_grant');
    expect((await refusal(401, { code: 'X', message: 'Wrong password.' })).message).toBe('Wrong password.');
    expect((await refusal(429, 'Too many.\n')).message).toBe('Too many.');
    const page = await refusal(502, '<html>…</html>');
    expect(page.message).toBe('The server answered 502.');
    expect(page.status).toBe(502);
  });

  test('CI1 a good answer is its JSON; forms and JSON are sent as such', async () => {
    using echo = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request) =>
        Response.json([request.method, request.headers.get('content-type'), await request.text()]),
    });
    const { origin } = echo.url;
    expect(await answered(await call(origin, '/'))).toEqual(['GET', null, '']);
    expect(await answered(await call(origin, '/', { json: { a: 1 } }))).toEqual([
      'POST',
      'application/json',
      '{"a":1}',
    ]);
    const form = await answered(await call(origin, '/', { form: { a: 'b c' } }));
    expect(form).toEqual(['POST', expect.stringContaining('application/x-www-form-urlencoded'), 'a=b+c']);
  });
});
