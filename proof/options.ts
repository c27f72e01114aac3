import { Command, InvalidArgumentError } from 'commander';

export interface ProofOptions {
  readonly nightly: boolean;
  readonly seed: number;
  readonly soak: boolean;
  readonly minutes: number;
  readonly rate: number;
  readonly results: string;
}

/**
 * Reads the words behind `npm run proof --`.
 * @throws CommanderError when one is not known, or is no number where one belongs.
 */
export function readOptions(words: readonly string[]): ProofOptions {
  const command = new Command('proof')
    .description('Proves that nothing accepted is lost, and that nobody is in who does not belong.')
    .option('--nightly', 'plays for long: 500 crashes, and adds the verdict to nightly.md', false)
    .option('--seed <number>', 'plays the same histories again', above(-1), Date.now() % 2 ** 31)
    .option('--soak', 'a steady load on a real server instead, whose memory must not grow', false)
    .option('--minutes <number>', 'how long the soak lasts', above(0), 60)
    .option('--rate <number>', 'messages a second of the soak', above(0), 150)
    .option('--results <folder>', 'where verdicts are kept', 'proof/results')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parse([...words], { from: 'user' });
  return command.opts<ProofOptions>();
}

const above = (limit: number) => (word: string) => {
  const number = Number(word);
  if (!(number > limit)) throw new InvalidArgumentError('It is a number above that.');
  return number;
};
