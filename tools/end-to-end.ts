import { root } from './run.ts';

const ending = '.e2e.test.ts';

/** What `bun test` passes over where these tests are to stay out. */
export const endToEndPattern: string = `**/*${ending}`;

/** Beginnings of the names of those that start no Chromium: the machine's policies for it do not touch them. */
const withoutChromium = [
  'chromium-and-firefox-crash',
  'crash',
  'ends-of-rights',
  'firefox-',
  'refreshing-sender',
  'removed-app',
  'sync',
  'web-push-senders',
];

/**
 * Divides files into those that may start Chromium and those that do not, which may run beside them
 * (docs/decisions/0143-two-lanes-of-browsers.md).
 */
export function lanesOf(files: readonly string[]): readonly (readonly string[])[] {
  const aside = (path: string) =>
    withoutChromium.some((beginning) => path.slice(path.lastIndexOf('/') + 1).startsWith(beginning));
  return [files.filter((path) => !aside(path)), files.filter(aside)].filter((lane) => lane.length > 0);
}

/**
 * The files of the end-to-end tests whose name has one of the words in it; without words all of them. Paths from the project's folder.
 * @throws Error when a word is in no name, with the names that there are.
 */
export function endToEndTests(words: readonly string[]): readonly string[] {
  const files = [...new Bun.Glob(endToEndPattern).scanSync({ cwd: root })]
    .filter((path) => !path.includes('node_modules/'))
    .sort();
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1, -ending.length);
  for (const word of words) {
    if (files.some((path) => nameOf(path).includes(word))) continue;
    const names = files.map(nameOf).join(', ');
    throw new Error(`No end-to-end test has "${word}" in its name. There are: ${names}.`);
  }
  return files.filter((path) => words.length === 0 || words.some((word) => nameOf(path).includes(word)));
}
