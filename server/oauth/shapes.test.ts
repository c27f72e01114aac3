import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId } from '../../protocol/app-id.ts';
import { openSecrets, type Secrets } from '../config/secrets.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../core/sender.ts';
import { errorAnswer, lockOutPage, plainAnswer, tokenAnswer } from './answers.ts';
import { rawValue, readForm, readJson, withoutParameter } from './parameters.ts';
import { isRedirectOfApp, redirectBack, redirectFault } from './redirect-rules.ts';
import { canonicalScope, meaningsOf } from './scopes.ts';
import {
  accessTokenOf,
  isAccessToken,
  isRefreshToken,
  makeCode,
  makeIssue,
  makeRefreshToken,
} from './token-shapes.ts';

const random = (bytes: number): Uint8Array => randomBytes(bytes);
const app = 'fboilmbenheemaomgaeehigklolhkhnf' as AppId;

const folder = mkdtempSync(join(tmpdir(), 'reveille-shapes-'));
const key = (): string => randomBytes(32).toString('base64url');
const oldKey = key();
let secrets: Secrets;
let rotated: Secrets;

beforeAll(async () => {
  secrets = await openSecrets({ folder, given: { text: oldKey } });
  rotated = await openSecrets({ folder, given: { text: `${key()}\n${oldKey}` } });
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('shapes', () => {
  test('OA2 tokens and codes have the beginnings and lengths of the time', () => {
    expect(makeRefreshToken(random)).toMatch(/^1\/[A-Za-z0-9_-]{43}$/);
    expect(makeCode(random)).toMatch(/^4\/[A-Za-z0-9_-]{43}$/);
    const token = accessTokenOf(secrets, 'grant', 1);
    expect(token).toMatch(/^ya29\.[A-Za-z0-9_-]{43}$/);
    expect([isAccessToken(token), isRefreshToken(token)]).toEqual([true, false]);
  });

  test('OA3 an access token is the same for the same issue, and another for any other grant, issue or key', () => {
    const token = accessTokenOf(secrets, 'grant', 1);
    expect(accessTokenOf(secrets, 'grant', 1)).toBe(token);
    const others = [
      accessTokenOf(secrets, 'grant', 2),
      accessTokenOf(secrets, 'grant2', 1),
      accessTokenOf(rotated, 'grant', 1),
    ];
    expect(new Set([...others, token]).size).toBe(4);
    expect(makeIssue(() => new Uint8Array(6).fill(255))).toBe(2 ** 48 - 1);
  });

  test('OA20 a scope is known scopes in any order, each once; anything else is none', () => {
    expect(canonicalScope(` ${CHANNEL_SCOPE}  ${SEND_SCOPE} ${CHANNEL_SCOPE}`)).toBe(
      `${SEND_SCOPE} ${CHANNEL_SCOPE}`,
    );
    for (const text of [undefined, '', '  ', 'email', `${SEND_SCOPE} email`, SEND_SCOPE.toUpperCase()]) {
      expect(canonicalScope(text)).toBeUndefined();
    }
    expect(meaningsOf(SEND_SCOPE)[0]).toStartWith('Send push messages');
  });
});

describe('answers', () => {
  test('OA5 the token answer is laid out byte by byte as it was', async () => {
    const full = tokenAnswer({ accessToken: 'ya29.x', expiresIn: 3600, refreshToken: '1/y' });
    expect(await full.text()).toBe(
      '{\n  "access_token" : "ya29.x",\n  "token_type" : "Bearer",\n  "expires_in" : 3600,\n  "refresh_token" : "1/y"\n}',
    );
    expect(full.headers.get('cache-control')).toContain('no-store');
    const repeated = tokenAnswer({ accessToken: 'ya29.x', expiresIn: 7 });
    expect(await repeated.text()).toBe(
      '{\n  "access_token" : "ya29.x",\n  "token_type" : "Bearer",\n  "expires_in" : 7\n}',
    );
  });

  test('OA6 a refusal holds its code alone; why is in a header', async () => {
    const answer = errorAnswer('invalid_grant', 'It was revoked.');
    expect([answer.status, await answer.text()]).toEqual([400, '{\n  "error" : "invalid_grant"\n}']);
    expect(answer.headers.get('reveille-hint')).toBe('It was revoked.');
    expect(errorAnswer('invalid_client', undefined, { status: 401 }).status).toBe(401);
  });

  test('OA12 trouble is told in plain text with the time to wait', async () => {
    const answer = plainAnswer(503, 'Not now.', 10);
    expect([answer.status, await answer.text(), answer.headers.get('retry-after')]).toEqual([
      503,
      'Not now.\n',
      '10',
    ]);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  test('OA11 the lock-out of 2013 is a page with no word on when to come back', async () => {
    const answer = lockOutPage();
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('retry-after')]).toEqual([
      403,
      'text/html; charset=utf-8',
      null,
    ]);
    expect(await answer.text()).toContain('403 Forbidden');
  });
});

describe('redirects', () => {
  test.each([
    'https://sender.example/back',
    'https://sender.example',
    'https://sender.example:8443/back?a=b',
    'http://localhost:8080/oauth2callback',
    'http://127.0.0.1/',
    'http://127.4.5.6:1/',
    'http://[::1]:9/',
  ])('OA18 %s can be registered', (uri) => {
    expect(redirectFault(uri)).toBeUndefined();
  });

  test.each([
    ['http://sender.example/back', 'this machine'],
    ['http://localhost.evil.example/', 'this machine'],
    ['http://127.0.0.1.evil.example/', 'this machine'],
    ['https://sender.example/back#x', 'fragment'],
    ['https://sender.example/#', 'fragment'],
    ['https://user@sender.example/', 'user name'],
    ['https://*.sender.example/', 'character'],
    ['https://sender.example\\@evil.example/', 'character'],
    ['https://sender.example/a b', 'character'],
    ['https://sender.example/\r\nX: y', 'character'],
    ['https://sénder.example/', 'character'],
    ['javascript:alert(1)', 'neither'],
    ['chrome-extension://abc/', 'neither'],
    ['urn:ietf:wg:oauth:2.0:oob', 'neither'],
    ['//sender.example/', 'whole address'],
    ['/back', 'whole address'],
    [`https://sender.example/${'x'.repeat(2_000)}`, 'characters'],
  ])('OA18 %s cannot be registered', (uri, why) => {
    expect(redirectFault(uri)).toContain(why);
  });

  test('OA24 the host of an app, with any path, and nothing that only looks like it', () => {
    const own = `https://${app}.chromiumapp.org/`;
    expect(isRedirectOfApp(app, [], own)).toBe(true);
    expect(isRedirectOfApp(app, [], `${own}a/b?c=d`)).toBe(true);
    expect(isRedirectOfApp(app, ['https://x.example/a'], 'https://x.example/a')).toBe(true);
    for (const foreign of [
      `https://${app}.chromiumapp.org`,
      `https://${app}.chromiumapp.org.evil.example/`,
      `https://${app}.chromiumapp.org@evil.example/`,
      `https://${app}.chromiumapp.org:444/`,
      `http://${app}.chromiumapp.org/`,
      `https://${app.replace('f', 'g')}.chromiumapp.org/`,
      `${own}#x`,
      'https://x.example/a',
    ]) {
      expect(isRedirectOfApp(app, [], foreign)).toBe(false);
    }
  });

  test('OA19 state goes back byte by byte, behind a query that was there, and an empty one as empty', () => {
    expect(redirectBack('https://a.example/b', { code: '4/x' }, 'p%20q+r%2f&'.slice(0, -1))).toBe(
      'https://a.example/b?code=4/x&state=p%20q+r%2f',
    );
    expect(redirectBack('https://a.example/b?c=d', { code: '4/x' }, '')).toBe(
      'https://a.example/b?c=d&code=4/x&state=',
    );
    expect(redirectBack('https://a.example/b', { error: 'a&b=c' }, undefined)).toBe(
      'https://a.example/b?error=a%26b%3Dc',
    );
  });
});

describe('parameters', () => {
  test('OA7 a form in any order, an empty value is one, a second value is noticed', () => {
    const form = readForm('b=2&a=&b=3');
    expect([form.get('a'), form.get('b'), form.get('c'), form.repeated]).toEqual(['', '2', undefined, ['b']]);
  });

  test('OA7 JSON of texts and numbers, nothing else', () => {
    expect(readJson('{"a":"x","b":1,"c":null}')?.all()).toEqual({ a: 'x', b: '1' });
    for (const text of ['', '[]', 'null', '"x"', '{"a":{}}', '{"a":true}', '{'])
      expect(readJson(text)).toBeUndefined();
  });

  test('OA19 a value is found still encoded, and a parameter taken out leaves the rest as it was', () => {
    expect(rawValue('?a=1&state=x%3Dy=z&b=2', 'state')).toBe('x%3Dy=z');
    expect(rawValue('a=1&st%61te=q', 'state')).toBe('q');
    expect([
      rawValue('a=1&state=', 'state'),
      rawValue('a=1&state', 'state'),
      rawValue('a=1', 'state'),
    ]).toEqual(['', '', undefined]);
    expect(withoutParameter('?prompt=none&a=%2f&prompt=x&b', 'prompt')).toBe('a=%2f&b');
  });
});
