import MiniSearch from 'minisearch';
import type { Document } from './library.ts';
import type { Section } from './markdown.ts';

/** A part of a document that fits a search. */
export interface Found {
  readonly title: string;
  readonly heading: string;
  readonly address: string;
  /** The words around the first one that fits. */
  readonly excerpt: string;
}

/** How many characters of a search count, and how many answers it has. */
export const searchCharacters = 200;
const answers = 30;
const excerptCharacters = 220;

/** Full-text search over the sections of documents; beginnings of words count, and small misspellings. */
export class Search {
  readonly #index: MiniSearch;
  readonly #sections: readonly (Section & { readonly document: Document })[];

  constructor(documents: readonly Document[]) {
    this.#sections = documents.flatMap((document) =>
      document.sections.map((section) => ({ ...section, document })),
    );
    this.#index = new MiniSearch({ fields: ['title', 'heading', 'text'] });
    this.#index.addAll(
      this.#sections.map(({ document: { title }, heading, text }, id) => ({ id, title, heading, text })),
    );
  }

  find(query: string): readonly Found[] {
    const found = this.#index.search(query.slice(0, searchCharacters), {
      prefix: true,
      fuzzy: 0.15,
      combineWith: 'AND',
      boost: { title: 3, heading: 2 },
    });
    return found.slice(0, answers).flatMap(({ id, terms }) => {
      const section = this.#sections[id as number];
      if (section === undefined) return [];
      const { document, heading, text } = section;
      const address = document.address + (section.id === '' ? '' : `#${section.id}`);
      return [{ title: document.title, heading, address, excerpt: excerpt(text, terms) }];
    });
  }
}

function excerpt(text: string, terms: readonly string[]): string {
  const lower = text.toLowerCase();
  const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0);
  const from = Math.max(0, Math.min(...places, text.length) - 60);
  const start = places.length === 0 || from === 0 ? 0 : text.indexOf(' ', from) + 1;
  const cut = text.slice(start, start + excerptCharacters).trim();
  return `${start > 0 ? '… ' : ''}${cut}${start + excerptCharacters < text.length ? ' …' : ''}`;
}
