import { checkTypesAndLint } from './checks.ts';
import { run } from './run.ts';

/** `npm run check`: types, lint, tidy. `npm run fmt` is the same with --write and without tidy. */
const write = process.argv.includes('--write');
const { failed } = await checkTypesAndLint(write);
const tidy = write ? 0 : await run([process.execPath, 'test', './tools/tidy.test.ts']);
process.exitCode = failed > 0 || tidy !== 0 ? 1 : 0;
