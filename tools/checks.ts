import type { Counts } from './counts.ts';
import { packaged, run } from './run.ts';

/**
 * The checks that are programs of their own: types and lint. Both run on Node, under whose name npm installs them.
 * @param write lets the formatter mend what it can.
 */
export async function checkTypesAndLint(write: boolean): Promise<Counts> {
  const types = await step('types (tsc)', [packaged('tsc'), '--noEmit', '-p', '.']);
  const lint = await step('format and lint (biome)', [
    packaged('biome'),
    'check',
    '--error-on-warnings',
    ...(write ? ['--write'] : []),
    '.',
  ]);
  const failed = [types, lint].filter((passed) => !passed).length;
  return { passed: 2 - failed, failed };
}

async function step(name: string, command: readonly string[]): Promise<boolean> {
  console.log(`\n# ${name}`);
  const code = await run(command);
  console.log(code === 0 ? `(pass) ${name}` : `(fail) ${name}: exit code ${code}`);
  return code === 0;
}
