import { Marked, type Token, type Tokens } from 'marked';

/** A part of a document under a heading of its own. */
export interface Section {
  /** Anchor; '' for what stands before the first heading below the title. */
  readonly id: string;
  readonly heading: string;
  readonly text: string;
}

export interface Article {
  readonly title: string;
  /** The body without its title. */
  readonly html: string;
  readonly sections: readonly Section[];
}

/** The anchor that GitHub gives a heading, so that one link works at both places. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

/**
 * Turns one of our documents into HTML. Markup within it is shown as text, whoever wrote it.
 * @param link where a link leads; undefined = nowhere, and its text stands alone
 */
export function renderArticle(markdown: string, link: (href: string) => string | undefined): Article {
  const marked = new Marked({
    renderer: {
      html: ({ text }) => asText(text),
      link({ href, tokens }) {
        const target = link(href);
        const text = this.parser.parseInline(tokens);
        return target === undefined ? text : `<a href="${asText(target)}">${text}</a>`;
      },
      heading({ depth, text, tokens }) {
        const inner = this.parser.parseInline(tokens);
        return `<h${depth} id="${anchorOf(plain(text))}">${inner}</h${depth}>\n`;
      },
      image: ({ text }) => asText(text),
      table(token) {
        const row = (cells: readonly Tokens.TableCell[], tag: 'th' | 'td') =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
        const body = token.rows.map((cells) => row(cells, 'td')).join('');
        return `<div class="wide-content" tabindex="0"><table><thead>${row(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>\n`;
      },
      code: ({ text }) => `<pre class="code" tabindex="0"><code>${asText(text)}</code></pre>\n`,
    },
  });
  const tokens = marked.lexer(markdown);
  const first = tokens.findIndex((token) => token.type === 'heading' && token.depth === 1);
  const title = plain((tokens[first] as Tokens.Heading | undefined)?.text ?? 'Untitled');
  const body = tokens.toSpliced(0, first + 1);
  return { title, html: marked.parser(body), sections: sectionsOf(body) };
}

function sectionsOf(tokens: readonly Token[]): readonly Section[] {
  const sections: { id: string; heading: string; text: string }[] = [{ id: '', heading: '', text: '' }];
  for (const token of tokens) {
    if (token.type === 'heading') {
      const heading = plain((token as Tokens.Heading).text);
      sections.push({ id: anchorOf(heading), heading, text: '' });
    } else {
      const last = sections.at(-1);
      if (last !== undefined) last.text += ` ${plain(token.raw)}`;
    }
  }
  return sections.filter(({ heading, text }) => heading !== '' || text.trim() !== '');
}

/** Text as one reads it: no marks of Markdown. */
const plain = (markdown: string): string =>
  markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*|]+|^\s*#+\s|-{3,}/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const asText = (text: string): string => text.replace(/[&<>"]/g, (sign) => signs[sign] ?? '');
