import { join } from 'node:path';
import { checkTypesAndLint } from './checks.ts';
import { errorPage, errorPagePath } from './error-page.ts';
import { root, run } from './run.ts';

/** `npm run check`: types, lint, tidy. `npm run fmt` is the same with --write and without tidy; it also makes docs/errors.md. */
const write = process.argv.includes('--write');
if (write) await Bun.write(join(root, errorPagePath), errorPage());
const { failed } = await checkTypesAndLint(write);
const tidy = write ? 0 : await run([process.execPath, 'test', './tools/tidy.test.ts']);
process.exitCode = failed > 0 || tidy !== 0 ? 1 : 0;
