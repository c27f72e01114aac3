import { type Context, Hono } from 'hono';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Viewer } from '../pages/page.tsx';
import { render, renderError } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import { DOCS, Library } from './library.ts';
import { DocumentPage, FEEDBACK, FeedbackPage, lookPath, lookText, ResultsPage } from './pages.tsx';
import { Search } from './search.ts';

/**
 * `/docs`: the documentation of this very version, with search; for anyone, signed in or not.
 * @param viewerOf who looks, for the menu of the page
 * @param feedback where people ask, report and wish: a `mailto:` or `https:` URL
 */
export function docsRoutes(
  viewerOf: (request: Request) => Promise<Viewer | undefined>,
  feedback?: string,
): Hono {
  const routes = new Hono();
  let opened: { readonly library: Library; readonly search: Search } | undefined;
  const open = () => {
    if (opened === undefined) {
      const library = new Library();
      opened = { library, search: new Search(library.all()) };
    }
    return opened;
  };

  routes.get(lookPath, (c) =>
    c.body(lookText, 200, {
      ...securityHeaders,
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  );
  routes.get(`${DOCS}/search`, async (c) => {
    const { library, search } = open();
    const query = (c.req.query('q') ?? '').trim();
    const found = search.find(query);
    const viewer = await viewerOf(c.req.raw);
    return render(<ResultsPage query={query} found={found} contents={library.contents()} viewer={viewer} />);
  });
  routes.get(FEEDBACK, async (c) => {
    const { library } = open();
    return render(
      <FeedbackPage feedback={feedback} contents={library.contents()} viewer={await viewerOf(c.req.raw)} />,
    );
  });
  const show = async (c: Context): Promise<Response> => {
    const { library } = open();
    const viewer = await viewerOf(c.req.raw);
    const document = library.at(c.req.path.replace(/\/$/, ''));
    if (document === undefined) return renderError(new ReveilleError('not-found'), viewer, DOCS);
    return render(<DocumentPage document={document} contents={library.contents()} viewer={viewer} />);
  };
  routes.get(DOCS, show);
  routes.get(`${DOCS}/*`, show);
  return routes;
}
