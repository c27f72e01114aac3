import { expect, test } from 'bun:test';
import { errorTable } from '../protocol/errors.ts';
import { errorPage, errorPagePath } from './error-page.ts';
import { readProjectFile } from './tree.ts';

test('DO1 docs/errors.md is current; npm run fmt writes it', async () => {
  expect(await readProjectFile(errorPagePath)).toBe(errorPage());
});

test('DO1 the page has one row for each code and nothing that breaks a table', () => {
  const rows = errorPage()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toHaveLength(Object.keys(errorTable).length);
  for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(7);
});
