import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SEND_SCOPE } from '../core/sender.ts';
import { appToken, as, askToken, grantTo, openTown, post, type Town } from './fixture.test.ts';

let town: Town;

beforeAll(async () => {
  town = await openTown();
});

afterAll(async () => {
  await town.close();
});

const info = (token: string, path = '/oauth2/v1/tokeninfo'): Promise<Response> =>
  town.request(`${path}?access_token=${encodeURIComponent(token)}`);

describe('revoke', () => {
  test.each(['/o/oauth2/revoke', '/revoke'])(
    'OA14 %s ends the pair, by GET and POST, by either token',
    async (path) => {
      for (const which of ['access_token', 'refresh_token'] as const) {
        for (const method of ['GET', 'POST']) {
          const tokens = await grantTo(town, town.ann);
          const token = tokens[which];
          const answer =
            method === 'GET'
              ? await town.request(`${path}?token=${encodeURIComponent(token)}`)
              : await town.request(path, post(undefined, { token }));
          expect(answer.status).toBe(200);
          expect((await info(tokens.access_token)).status).toBe(400);
          const { refresh_token } = tokens;
          expect((await askToken(town, { grant_type: 'refresh_token', refresh_token })).status).toBe(400);
        }
      }
    },
  );

  test('OA14 it leaves the other senders of the same account and client', async () => {
    const [one, other] = [await grantTo(town, town.ann), await grantTo(town, town.ann)];
    await town.request('/revoke', post(undefined, { token: one.refresh_token }));
    expect((await info(other.access_token)).status).toBe(200);
  });

  test('OA14 when the last is gone, consent is asked for again', async () => {
    const bob = await town.person('bob');
    const { refresh_token } = await grantTo(town, bob);
    expect(await town.grants.isRemembered(bob.id, town.client.id, SEND_SCOPE, true)).toBe(true);
    await town.request('/revoke', post(undefined, { token: refresh_token }));
    expect(await town.grants.isRemembered(bob.id, town.client.id, SEND_SCOPE, false)).toBe(false);
  });

  test('OA14 an unknown token, an ended one, none: 400', async () => {
    const { refresh_token } = await grantTo(town, town.ann);
    await town.request('/revoke', post(undefined, { token: refresh_token }));
    for (const token of ['1/unknown', refresh_token, '']) {
      const answer = await town.request('/revoke', post(undefined, { token }));
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('"error"');
    }
    expect((await town.request('/revoke', post(town.ann, {}))).status).toBe(400);
  });
});

describe('tokeninfo', () => {
  test.each(['/oauth2/v1/tokeninfo', '/tokeninfo'])('OA15 %s tells of a live access token', async (path) => {
    const { access_token } = await grantTo(town, town.ann);
    town.clock.advance(10_000);
    const answer = await info(access_token, path);
    expect(await answer.text()).toBe(
      `{\n "issued_to": "${town.client.id}",\n "audience": "${town.client.id}",\n "user_id": "${town.ann.id}",\n ` +
        `"scope": "${SEND_SCOPE}",\n "expires_in": 3590,\n "access_type": "offline"\n}\n`,
    );
  });

  test('OA15 the token of an app tells nobody who its user is', async () => {
    const { id } = await town.app(town.ann);
    const answer = await info(await appToken(town, id, town.ann));
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ issued_to: id, access_type: 'online' });
    expect(JSON.stringify(body)).not.toContain(town.ann.id);
  });

  test.each(['GET', 'POST'])(
    'DI2 the token may come as a bearer of a %s; a parameter wins over it',
    async (method) => {
      const { access_token } = await grantTo(town, town.ann);
      const ask = (authorization: string, query = ''): Promise<Response> =>
        town.request(`/tokeninfo${query}`, { method, headers: { authorization } });
      for (const scheme of ['Bearer', 'bearer']) {
        const answer = await ask(`${scheme} ${access_token}`);
        expect([answer.status, await answer.json()]).toEqual([
          200,
          expect.objectContaining({ issued_to: town.client.id, scope: SEND_SCOPE }),
        ]);
      }
      expect((await ask('Bearer x', `?access_token=${encodeURIComponent(access_token)}`)).status).toBe(200);
      expect((await ask(`Bearer ${access_token}`, '?access_token=x')).status).toBe(400);
      for (const header of ['Bearer', 'Bearer x', `Basic ${access_token}`, access_token]) {
        const answer = await ask(header);
        expect([answer.status, await answer.json()]).toEqual([
          400,
          { error: 'invalid_token', error_description: 'Invalid Value' },
        ]);
      }
    },
  );

  test('OA15 anything else is invalid_token, byte by byte', async () => {
    const { access_token, refresh_token } = await grantTo(town, town.ann);
    town.clock.advance(3_600_000);
    for (const token of ['', 'x', refresh_token, access_token]) {
      const answer = await info(token);
      const body = '{\n "error": "invalid_token",\n "error_description": "Invalid Value"\n}\n';
      expect([answer.status, await answer.text()]).toEqual([400, body]);
    }
  });
});

test('OA16 revoke and tokeninfo answer any origin and its preflight; another method is told which', async () => {
  for (const path of ['/o/oauth2/revoke', '/oauth2/v1/tokeninfo']) {
    const preflight = await town.request(path, { method: 'OPTIONS' });
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, POST');
    const answer = await town.request(path, as(town.ann));
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, '*']);
    const wrong = await town.request(path, { method: 'PUT' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, POST']);
  }
});

test('OA28 the certificates that client_secrets.json names are an empty set', async () => {
  expect(await (await town.request('/oauth2/v1/certs')).json()).toEqual({});
});
