import { expect, test } from 'bun:test';
import { endToEndTests, lanesOf } from './end-to-end.ts';

test('TR3 a word selects the end-to-end tests with it in their name, no word all of them', () => {
  const all = endToEndTests([]);
  for (const browser of ['chromium', 'firefox']) {
    const selected = endToEndTests([browser]);
    expect(selected).toEqual(all.filter((path) => path.includes(browser)));
    expect(selected).toContain(`e2e/${browser}-push.e2e.test.ts`);
  }
  expect(endToEndTests(['firefox', 'chromium-push', 'chromium'])).toEqual(
    all.filter((path) => /chromium|firefox/.test(path)),
  );
});

test('TR3 a word that selects nothing is refused with the names that there are', () => {
  expect(() => endToEndTests(['chromium', 'netscape'])).toThrow(
    /No end-to-end test has "netscape" in its name\. There are: .*chromium-push/,
  );
  // The ending that all have is part of no name.
  expect(() => endToEndTests(['e2e'])).toThrow('"e2e"');
});

test('TR4 what starts Chromium is in one lane, and what runs beside it starts none', async () => {
  const files = endToEndTests([]);
  const [chromium = [], aside = []] = lanesOf(files);
  expect([...chromium, ...aside].toSorted()).toEqual([...files]);
  for (const file of aside)
    expect(await Bun.file(new URL(`../${file}`, import.meta.url)).text()).not.toMatch(
      /TestBrowser|AppProfile|chromiumPath|chromiumFiles/,
    );
  expect(lanesOf(['./e2e/firefox-push.e2e.test.ts'])).toHaveLength(1);
});
