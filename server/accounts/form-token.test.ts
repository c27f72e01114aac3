import { describe, expect, test } from 'bun:test';
import { createHmac, timingSafeEqual } from 'node:crypto';
import fc from 'fast-check';
import { checkFormToken, type FormSecrets, formToken } from './form-token.ts';

const secretsOf = (key: string): FormSecrets => {
  const mac = (purpose: string, data: string) =>
    createHmac('sha256', key).update(purpose).update('\0').update(data).digest();
  return {
    mac,
    verifyMac(purpose, data, given) {
      const right = mac(purpose, data);
      return right.length === given.length && timingSafeEqual(right, given);
    },
  };
};
const secrets = secretsOf('key');
const at = (ms: number) => ({ now: () => ms, after: () => () => {} });
const noon = 1_700_000_000_000;
const hour = 3_600_000;

describe('form tokens', () => {
  test('AN3 a token is good for its account and purpose', () => {
    const token = formToken(secrets, 'alice', 'revoke:7', at(noon));
    expect(checkFormToken(secrets, 'alice', 'revoke:7', token, at(noon + 11 * hour))).toBe(true);
  });

  const token = formToken(secrets, 'alice', 'revoke:7', at(noon));
  test.each([
    ['another account', () => checkFormToken(secrets, 'bob', 'revoke:7', token, at(noon))],
    ['another purpose', () => checkFormToken(secrets, 'alice', 'revoke:8', token, at(noon))],
    ['another key', () => checkFormToken(secretsOf('other'), 'alice', 'revoke:7', token, at(noon))],
    ['13 hours later', () => checkFormToken(secrets, 'alice', 'revoke:7', token, at(noon + 13 * hour))],
    [
      'a later time written in',
      () => checkFormToken(secrets, 'alice', 'revoke:7', `z${token.slice(1)}`, at(noon)),
    ],
    ['account and purpose shifted', () => checkFormToken(secrets, 'alice"', ',"revoke:7', token, at(noon))],
    ['no token', () => checkFormToken(secrets, 'alice', 'revoke:7', undefined, at(noon))],
    ['a file in its place', () => checkFormToken(secrets, 'alice', 'revoke:7', new File([], 'x'), at(noon))],
  ])('AN3 refused: %s', (_, check) => {
    expect(check()).toBe(false);
  });

  test('AN3 no text makes the check throw or pass', () => {
    fc.assert(
      fc.property(fc.string(), (text) => !checkFormToken(secrets, 'alice', 'revoke:7', text, at(noon))),
    );
  });
});
