import { expect, test } from 'bun:test';
import { MESSAGES, tooEarly } from './early-answers.ts';

test('NL2 every 204 leaves only after a sync that began after its row was written', async () => {
  expect(await tooEarly({})).toEqual([]);
}, 120_000);

test('NL2 the same test sees it when the database does not sync its commits', async () => {
  expect(await tooEarly({ synchronous: 'NORMAL' })).toHaveLength(MESSAGES);
}, 120_000);
