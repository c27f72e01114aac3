import { Command } from 'commander';

export interface BenchOptions {
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly json: string | undefined;
  readonly results: string;
}

/**
 * Reads the words behind `npm run bench --`.
 * @throws CommanderError when one is not known, or `--only` names no figure.
 */
export function readOptions(words: readonly string[], names: readonly string[]): BenchOptions {
  const command = new Command('bench')
    .description('Measures the service beside its peers.')
    .option('--quick', 'a tenth of the sizes, under five minutes', false)
    .option('--only <name...>', `these figures alone: ${names.join(', ')}`, [])
    .option('--json <file>', 'writes every key with its n')
    .option('--results <folder>', 'where tables and charts go', 'bench/results')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parse([...words], { from: 'user' });
  const { quick, only, json, results } = command.opts<BenchOptions>();
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    command.error(`no figure "${unknown.join('", "')}"; there are: ${names.join(', ')}`);
  return { quick, only, json, results };
}
