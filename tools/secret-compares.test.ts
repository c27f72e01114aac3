import { expect, test } from 'bun:test';
import { secretCompares } from './secret-compares.ts';
import { sourceTree } from './tree.ts';

/** Comparisons that tell nobody anything, by file and name, with the reason. */
const harmless: Readonly<Record<string, string>> = {
  'server/oauth/access-tokens.ts hash': 'both sides are made here: nobody sends one',
  'server/oauth/exchange.ts refreshToken': 'what an exchange is to give, a number',
  'server/oauth/token-model.ts refreshToken': 'what an exchange is to give, a number',
  'server/stores/sqlite/multicasting.ts bodyHash': 'whether a sender repeats its own body',
  'server/stores/memory-multicasts.ts bodyHash': 'whether a sender repeats its own body',
  'server/webstore/crx.ts SIGNATURE': 'the number of a field',
  'server/playground/acts.ts accessToken': 'a visitor repeats what its own page showed',
  'server/webstore/proof.ts challenge': 'whether the text is a whole one: its MAC is verified after that',
  'server/core/endpoint.ts token': 'whether a token is written as it should be: it is compared with itself',
};

test('TD12 the server compares secrets, tokens and hashes in constant time, and lets the database find hashes', async () => {
  const files = (await sourceTree()).filter(({ path, isTest }) => path.startsWith('server/') && !isTest);
  const found = files.flatMap(({ path, text }) =>
    secretCompares(path, text).map(({ line, name }) => ({
      key: `${path} ${name}`,
      at: `${path}:${line} ${name}`,
    })),
  );
  expect(found.filter(({ key }) => !(key in harmless)).map(({ at }) => at)).toEqual([]);
  // An exception that nothing needs any more would hide the next one.
  expect(Object.keys(harmless).filter((key) => !found.some((one) => one.key === key))).toEqual([]);
});

test.each([
  ['given === secret', 'secret'],
  ['row.hash !== hashOf(given)', 'hash'],
  ['deps?.operatorToken == given', 'operatorToken'],
  ['given === this.#signature', 'signature'],
  ['mac != computed', 'mac'],
])('TD12 %s is found', (text, name) => {
  expect(secretCompares('x.ts', text).map((one) => one.name)).toEqual([name]);
});

test.each(["token === ''", 'secret === undefined', 'hash !== null', "typeof token === 'string'", 'a === b'])(
  'TD12 %s tells nothing',
  (text) => {
    expect(secretCompares('x.ts', text)).toEqual([]);
  },
);
