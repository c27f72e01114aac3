import { join } from 'node:path';
import { writeBundles } from './build-client.ts';
import { checkTypesAndLint } from './checks.ts';
import { errorPage, errorPagePath } from './error-page.ts';
import { root, run } from './run.ts';

/**
 * `npm run check`: types, lint, tidy, and the OpenAPI document that a server serves. `npm run fmt` is the same with --write and without tidy; it also makes what is made from
 * source: docs/errors.md and the examples' copies of the shim.
 */
const write = process.argv.includes('--write');
if (write) {
  await Bun.write(join(root, errorPagePath), errorPage());
  await writeBundles();
}
const { failed } = await checkTypesAndLint(write);
const tidy = write
  ? 0
  : await run([process.execPath, 'test', './tools/tidy.test.ts', './server/openapi.test.ts']);
process.exitCode = failed > 0 || tidy !== 0 ? 1 : 0;
