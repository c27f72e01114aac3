import { describe, expect, test } from 'bun:test';
import { YAML } from 'bun';
import { root, runAndRead } from './run.ts';
import { readBlocks, readSamples } from './samples.ts';

const samples = await readSamples();
/** Those without a language too: a reader types commands from them. */
const blocks = await readBlocks();

const those = (...languages: readonly string[]) =>
  samples.filter(({ language }) => languages.includes(language));

/** What a reader would fill in stands as … in a sample. */
const filled = (text: string): string => text.replaceAll('…', 'x');

describe('the samples of the documents', () => {
  test('DO4 each one in JSON, YAML or JavaScript can be read as such', () => {
    expect(samples.length).toBeGreaterThan(20);
    for (const { text } of those('json')) expect(() => JSON.parse(filled(text))).not.toThrow();
    for (const { text } of those('yaml')) expect(() => YAML.parse(filled(text))).not.toThrow();
    const transpiler = new Bun.Transpiler({ loader: 'ts' });
    const scripts = those('html').flatMap(({ text }) =>
      [...text.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script ?? ''),
    );
    for (const script of [...those('js').map(({ text }) => text), ...scripts])
      expect(() => transpiler.transformSync(filled(script))).not.toThrow();
  });

  test('DO4 each command of reveille is a verb that there is, with flags that it takes', async () => {
    const calls = blocks.flatMap(({ file, text }) =>
      [...text.replaceAll('\\\n', ' ').matchAll(/\.\/bin\/reveille ([a-z][a-z ]*)([^\n|;&)]*)/g)].map(
        ([, words = '', rest = '']) => ({
          file,
          words: words.trim().split(' '),
          flags: [...((words + rest).split(' -- ')[0]?.matchAll(/(?<= )--[a-z-]+/g) ?? [])].map(
            ([flag]) => flag,
          ),
        }),
      ),
    );
    expect(calls.length).toBeGreaterThan(10);
    const helps = new Map<string, string>();
    for (const { file, words, flags } of calls) {
      const verb = words[0] ?? '';
      const path = verb === 'account' ? words.slice(0, 2) : [verb];
      const key = path.join(' ');
      if (!helps.has(key)) {
        const { code, output } = await runAndRead([`${root}bin/reveille`, ...path, '--help']);
        expect(`${file}: ${key}: ${code}`).toBe(`${file}: ${key}: 0`);
        helps.set(key, output);
      }
      for (const flag of flags) expect(`${file}: ${helps.get(key)}`).toContain(flag);
    }
  }, 60_000);
});
