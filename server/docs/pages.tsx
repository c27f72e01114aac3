import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { raw } from 'hono/html';
import type { FC, PropsWithChildren } from 'hono/jsx';
import { EmptyState } from '../pages/content.tsx';
import { Page, PageHead, type Viewer } from '../pages/page.tsx';
import { DOCS, type Document } from './library.ts';
import { type Found, searchCharacters } from './search.ts';

export const lookText = readFileSync(new URL('./docs.css', import.meta.url), 'utf8');
export const lookPath = `${DOCS}/look.css`;
const fingerprint = createHash('sha256').update(lookText).digest('base64url').slice(0, 12);

/** Address of the page that says where people ask, report and wish. */
export const FEEDBACK = `${DOCS}/feedback`;

interface FrameProps {
  readonly title: string;
  readonly contents: readonly Document[];
  /** Address of the page that is shown. */
  readonly at: string;
  readonly viewer: Viewer | undefined;
  readonly query?: string;
}

/** The frame of each page of the documents: search and contents beside the text. */
const Frame: FC<PropsWithChildren<FrameProps>> = ({ title, contents, at, viewer, query, children }) => (
  <Page
    title={title}
    account={viewer}
    at={DOCS}
    wide
    head={<link rel="stylesheet" href={`${lookPath}?${fingerprint}`} />}
  >
    <div class="docs">
      <div class="docs-margin">
        <search class="field">
          <form action={`${DOCS}/search`}>
            <label class="unseen" for="docs-query">
              Search the documentation
            </label>
            <input
              id="docs-query"
              type="search"
              name="q"
              placeholder="Search the documentation"
              value={query}
              maxlength={searchCharacters}
            />
          </form>
        </search>
        <nav aria-label="Documentation">
          <a href={DOCS} aria-current={at === DOCS ? 'page' : undefined}>
            Contents
          </a>
          {contents.map(({ address, title }) => (
            <a href={address} aria-current={at === address ? 'page' : undefined}>
              {title}
            </a>
          ))}
          <a href={FEEDBACK} aria-current={at === FEEDBACK ? 'page' : undefined}>
            Feedback
          </a>
        </nav>
      </div>
      {children}
    </div>
  </Page>
);

interface DocumentProps {
  readonly document: Document;
  readonly contents: readonly Document[];
  readonly viewer: Viewer | undefined;
}

export const DocumentPage: FC<DocumentProps> = ({ document, contents, viewer }) => (
  <Frame title={document.title} contents={contents} at={document.address} viewer={viewer}>
    <article class="docs-text">
      <h1>{document.title}</h1>
      {raw(document.html)}
    </article>
  </Frame>
);

interface FeedbackProps extends Omit<DocumentProps, 'document'> {
  readonly feedback: string | undefined;
}

/** Where questions, reports and wishes go, and what helps whoever reads them. */
export const FeedbackPage: FC<FeedbackProps> = ({ feedback, contents, viewer }) => (
  <Frame title="Feedback" contents={contents} at={FEEDBACK} viewer={viewer}>
    <article class="docs-text">
      <h1>Feedback</h1>
      {feedback === undefined ? (
        <p>
          Whoever runs this server has not said where to ask. Ask the person who gave you its address; they
          can name a place here by <code>--feedback</code>.
        </p>
      ) : (
        <p>
          Ask for help, report a fault or wish for something:{' '}
          <a href={feedback}>{feedback.replace(/^mailto:/, '')}</a>
        </p>
      )}
      <h2>What helps whoever reads it</h2>
      <ul>
        <li>What you did, what you expected, and what came instead, with the sentence of the error.</li>
        <li>
          The number in the header <code>Reveille-Message</code>, or the id of a message, when one did not
          arrive.
        </li>
        <li>
          What <code>./bin/reveille doctor</code> prints. Never a token, a secret or a key.
        </li>
      </ul>
    </article>
  </Frame>
);

interface ResultsProps {
  readonly query: string;
  readonly found: readonly Found[];
  readonly contents: readonly Document[];
  readonly viewer: Viewer | undefined;
}

export const ResultsPage: FC<ResultsProps> = ({ query, found, contents, viewer }) => (
  <Frame title="Search" contents={contents} at={`${DOCS}/search`} viewer={viewer} query={query}>
    <div class="docs-text">
      <PageHead title={query === '' ? 'Search' : `“${query}”`} lead={leadOf(query, found.length)} />
      {found.length === 0 && query !== '' && (
        <EmptyState title="Nothing fits">
          Try fewer or other words: a part of an error message, the name of a setting, a command.
        </EmptyState>
      )}
      <ol class="docs-found">
        {found.map(({ title, heading, address, excerpt }) => (
          <li>
            <a href={address}>{heading === '' ? title : `${title}: ${heading}`}</a>
            <p>{excerpt}</p>
          </li>
        ))}
      </ol>
    </div>
  </Frame>
);

function leadOf(query: string, count: number): string | undefined {
  if (query === '') return 'Type a word of what you look for into the field.';
  if (count === 0) return undefined;
  return count === 1 ? 'One place.' : `${count} places, the likeliest first.`;
}
