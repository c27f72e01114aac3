import { expect, test } from 'bun:test';
import { judgeAudit } from './audit.ts';

const counted = (counts: object) =>
  JSON.stringify({ metadata: { vulnerabilities: { high: 0, critical: 0, total: 0, ...counts } } });

test('PF9 high and critical faults of packages count, others are told', () => {
  expect(judgeAudit(counted({}))).toEqual({ severe: 0, total: 0 });
  expect(judgeAudit(counted({ total: 3 }))).toEqual({ severe: 0, total: 3 });
  expect(judgeAudit(counted({ high: 2, critical: 1, total: 4 }))).toEqual({ severe: 3, total: 4 });
});

test('PF9 a registry that does not answer was not asked', () => {
  expect(judgeAudit('')).toBeNull();
  expect(judgeAudit(JSON.stringify({ message: '405 Method Not Allowed', statusCode: 405 }))).toBeNull();
});
