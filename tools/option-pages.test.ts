import { expect, test } from 'bun:test';
import { program } from '../cli/program.ts';
import { settings } from '../server/config/env.ts';
import { commandPage, commandPagePath, settingPage, settingPagePath } from './option-pages.ts';
import { readProjectFile } from './tree.ts';

test('RD7 docs/cli.md is what commander knows; npm run fmt writes it', async () => {
  const page = await readProjectFile(commandPagePath);
  expect(page).toBe(commandPage());
  const others = await readProjectFile(settingPagePath);
  for (const verb of program().commands) {
    expect(page).toContain(`## ${verb.name()}`);
    for (const { flags } of [verb, ...verb.commands].flatMap((one) => one.options))
      expect(page + others).toContain(`\`${flags}\``);
  }
});

test('RD8 docs/configuration.md is what server/config/env.ts says; npm run fmt writes it', async () => {
  const page = await readProjectFile(settingPagePath);
  expect(page).toBe(settingPage());
  const rows = page.split('\n').filter((line) => line.startsWith('| `--'));
  expect(rows).toHaveLength(Object.keys(settings).length);
  for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(6);
});
