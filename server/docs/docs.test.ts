import { describe, expect, test } from 'bun:test';
import { Glob } from 'bun';
import { Library } from './library.ts';
import { renderArticle } from './markdown.ts';
import { docsRoutes } from './routes.tsx';
import { Search } from './search.ts';

const library = new Library();
const documents = library.all();
const routes = docsRoutes(async () => undefined);
const get = (path: string) => routes.request(`http://localhost${path}`);

describe('the documents', () => {
  test('RD1 each file is served at an address of its own', async () => {
    expect(library.at('/docs/firefox')?.file).toBe('docs/firefox.md');
    expect(library.at('/docs/project/SPEC')?.file).toBe('SPEC.md');
    expect(library.at('/docs/decisions/0070-bun')?.file).toBe('docs/decisions/0070-bun.md');
    expect(library.at('/docs/project/examples/hello-push')?.file).toBe('examples/hello-push/README.md');
    const answer = await get('/docs/firefox/');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<h1>Firefox with Reveille as its push service</h1>');
    for (const path of ['/docs/none', '/docs/..%2Fpackage.json', '/docs/project/package'])
      expect((await get(path)).status).toBe(404);
  });

  test('RD2 each link leads to a page, and to a heading of it', () => {
    const faults: string[] = [];
    for (const { file, address, html } of documents) {
      for (const [, href = ''] of html.matchAll(/<a href="([^"]+)"/g)) {
        if (/^(?:https?:|mailto:)/.test(href)) continue;
        const [path, anchor] = href.split('#');
        const target = library.at(path === '' ? address : (path ?? ''));
        const ids = [...(target?.html ?? '').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
        if (target === undefined || (anchor !== undefined && !ids.includes(anchor)))
          faults.push(`${file}: ${href}`);
      }
    }
    expect(faults).toEqual([]);
  });

  test('RD2 markup in a document is shown, and a link to what is not served is text', () => {
    const { title, html } = renderArticle(
      '# A `title`\n\n<script>x</script> [file](a.ts) [evil](javascript:x) ![i](x.svg)\n\n```\n</code><b>\n```\n',
      () => undefined,
    );
    expect(title).toBe('A title');
    expect(html).not.toMatch(/<script|<a |<img|<b>/);
    expect(html).toContain('&lt;script&gt;');
  });

  test('RD4 the first page leads to every page', async () => {
    const named = new Set(library.contents().map(({ file }) => file));
    const files = [...new Glob('*.md').scanSync('docs')].filter((name) => name !== 'README.md');
    expect(files.filter((name) => !named.has(`docs/${name}`))).toEqual([]);
  });

  test('RD5 each row of the two maps names rules that are there, or says why there is none', async () => {
    const spec = await Bun.file('SPEC.md').text();
    const rowsOf = async (file: string) =>
      (await Bun.file(file).text())
        .split('\n')
        .filter((line) => /^\| (?!---|#|the guide says)/.test(line) && !line.startsWith('|---'))
        .map((line) =>
          line
            .split('|')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        );
    const pains = await rowsOf('docs/pains.md');
    expect(pains.map(([number]) => Number(number))).toEqual(Array.from({ length: 31 }, (_, n) => n + 1));
    const guide = await rowsOf('docs/guide-map.md');
    expect(guide.length).toBeGreaterThan(90);
    const named = [...pains.map((cells) => cells[3]), ...guide.map((cells) => cells[1])];
    for (const rules of named) {
      expect(rules).toMatch(/^[A-Z]{2}\d+(?: [A-Z]{2}\d+)*$/);
      for (const rule of rules?.split(' ') ?? []) expect(spec).toContain(`**${rule}**`);
    }
  });

  test('RD6 the feedback page leads where the operator says, and says so when nowhere', async () => {
    const page = async (feedback?: string) =>
      await (
        await docsRoutes(async () => undefined, feedback).request('http://localhost/docs/feedback')
      ).text();
    expect(await page('mailto:push@example.org')).toContain(
      '<a href="mailto:push@example.org">push@example.org</a>',
    );
    expect(await page('https://issues.example/')).toContain('<a href="https://issues.example/">');
    expect(await page()).toContain('has not said where to ask');
  });
});

describe('the search', () => {
  const search = new Search(documents);

  test('RD3 finds a section by the beginning of a word and with a slip, and leads to its anchor', () => {
    for (const query of ['quota firefox', 'quot firef', 'quotta firefox']) {
      const found = search.find(query).map(({ address }) => address);
      expect(found.some((address) => address.startsWith('/docs/firefox#'))).toBe(true);
    }
    expect(search.find('zzzzqqqq')).toEqual([]);
    expect(search.find('the').length).toBeLessThanOrEqual(30);
  });

  test('RD3 the page shows what was asked for as text, however it looks', async () => {
    const page = await (await get(`/docs/search?q=${encodeURIComponent('"><script>')}`)).text();
    expect(page).not.toContain('<script');
    const long = await get(`/docs/search?q=${'a'.repeat(5_000)}`);
    expect(long.status).toBe(200);
    expect(await (await get('/docs/search')).text()).toContain('Type a word');
  });
});
