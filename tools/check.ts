import { join } from 'node:path';
import { auditPackages } from './audit.ts';
import { writeBundles } from './build-client.ts';
import { checkTypesAndLint } from './checks.ts';
import { errorPage, errorPagePath } from './error-page.ts';
import { commandPage, commandPagePath, settingPage, settingPagePath } from './option-pages.ts';
import { root, run } from './run.ts';

/**
 * `npm run check`: types, lint, known faults of packages, tidy, the OpenAPI document that a server serves, and the
 * samples of the documents. `npm run fmt` is the same with --write and without tidy; it also makes what is made from
 * source: docs/errors.md, docs/cli.md, docs/configuration.md and the examples' copies of the shim.
 */
const alwaysChecked = [
  'tools/tidy',
  'tools/samples',
  'tools/sample-runs',
  'server/openapi',
  'server/reference-v2',
  'cli/emulator',
].map((name) => `./${name}.test.ts`);
const write = process.argv.includes('--write');
if (write) {
  await Bun.write(join(root, errorPagePath), errorPage());
  await Bun.write(join(root, commandPagePath), commandPage());
  await Bun.write(join(root, settingPagePath), settingPage());
  await writeBundles();
}
const { failed } = await checkTypesAndLint(write);
const sound = write || (await auditPackages());
const samples = write ? 0 : await run([process.execPath, 'test', '--timeout=60000', ...alwaysChecked]);
process.exitCode = failed > 0 || samples !== 0 || !sound ? 1 : 0;
