import { expect, test } from 'bun:test';
import { shellWord } from './shell-word.ts';

/** What a real shell makes of a word. */
function read(word: string, environment: Record<string, string> = {}): string {
  const { stdout } = Bun.spawnSync(['sh', '-c', `printf '%s' ${word}`], { env: environment });
  return stdout.toString();
}

test('CI18 a shell reads every printed word back as it was', () => {
  for (const word of [
    'plain',
    '--a=https://x.example:1/y',
    '',
    "it's",
    'two words',
    '$HOME `id` "x"',
    'a\\b',
    '*',
  ])
    expect(read(shellWord(word))).toBe(word);
});

test('CI18 a variable stays one, whatever stands around it and in it', () => {
  const word = shellWord("--user-data-dir=it's $profile/x y", ['$copy', '$profile']);
  expect(read(word, { profile: '/tmp/a b*' })).toBe("--user-data-dir=it's /tmp/a b*/x y");
});
