import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { type Article, renderArticle } from './markdown.ts';

/** Where the project stands: the documents are part of it. */
const root = new URL('../../', import.meta.url);

/** Address of the first page, which lists the others in the order in which one reads them. */
export const DOCS = '/docs';
const contents = 'docs/README.md';

/** One document as it is served. */
export interface Document extends Article {
  /** Path of its file in the project, `docs/firefox.md`. */
  readonly file: string;
  readonly address: string;
}

/**
 * The documents that are served: all of `docs/`, those of the project's root, and the examples' introductions.
 * Files are read once; they are part of an installation and do not change under a running server.
 */
export class Library {
  readonly #byAddress = new Map<string, Document>();

  constructor() {
    const articles = filesToServe().map((file) => ({
      file,
      address: addressOf(file),
      markdown: readFileSync(new URL(file, root), 'utf8'),
    }));
    for (const { file, address, markdown } of articles) {
      const { title, html, sections } = renderArticle(markdown, (href) => linkFrom(file, href));
      this.#byAddress.set(address, { file, address, title, html, sections });
    }
  }

  /** The document at a path without a slash at its end; undefined when there is none. */
  at(address: string): Document | undefined {
    return this.#byAddress.get(address);
  }

  all(): readonly Document[] {
    return [...this.#byAddress.values()];
  }

  /** What the first page names, in its order: what a reader finds in the margin. */
  contents(): readonly Document[] {
    const first = this.at(DOCS)?.html ?? '';
    const named = [...first.matchAll(/href="(\/docs\/[^"#]+)"/g)].map(([, address]) =>
      this.at(address ?? ''),
    );
    return [...new Set(named)].filter((document) => document !== undefined);
  }
}

function filesToServe(): readonly string[] {
  const markdownIn = (folder: string): string[] =>
    readdirSync(new URL(folder, root))
      .filter((name) => name.endsWith('.md'))
      .map((name) => posix.join(folder, name));
  const examples = readdirSync(new URL('examples/', root))
    .map((name) => `examples/${name}/README.md`)
    .filter((file) => existsSync(new URL(file, root)));
  const rest = ['docs/', 'docs/decisions/', 'protocol/', './'].flatMap(markdownIn);
  return [...rest, ...examples];
}

/** The address of a file: `docs/` gives names, all others keep their path. */
function addressOf(file: string): string {
  if (file === contents) return DOCS;
  const name = file.replace(/\.md$/, '').replace(/^docs\//, '');
  return `${DOCS}/${file.startsWith('docs/') ? '' : 'project/'}${name.replace(/\/README$/, '')}`;
}

/** Where a link of a document leads here; undefined for a file that is not served. */
function linkFrom(file: string, href: string): string | undefined {
  if (/^(?:https?:|mailto:|#|\/)/.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const target = posix.join(posix.dirname(file), decodeURIComponent(path));
  if (!target.endsWith('.md')) return undefined;
  if (!existsSync(new URL(target, root))) return undefined;
  return addressOf(target) + (anchor === undefined ? '' : `#${anchor}`);
}
