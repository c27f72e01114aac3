import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import { securityHeaders } from './security-headers.ts';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** The parts of the style sheet, in the order in which they are put together. */
const look = ['1-base', '2-frame', '3-forms', '4-content'] as const;

const stylesheet = look.map((part) => read(`./look/${part}.css`)).join('\n');

/** A map, not an object: `/static/constructor` names nothing. */
const files = new Map([
  ['reveille.css', { type: 'text/css; charset=utf-8', text: stylesheet }],
  ['icon.svg', { type: 'image/svg+xml', text: read('./icon.svg') }],
]);

const fingerprint = createHash('sha256').update(stylesheet).digest('base64url').slice(0, 12);

/** Address of the style sheet. It changes with the content, so browsers may keep it for a year. */
export const stylesheetPath = `/static/reveille.css?${fingerprint}`;

/** `GET /static/*`: the style sheet and the icon. */
export function staticRoutes(): Hono {
  const routes = new Hono();
  routes.get('/static/:name', (c) => {
    const file = files.get(c.req.param('name'));
    if (file === undefined) return c.text('Not Found', 404, securityHeaders);
    const { pathname, search } = new URL(c.req.url);
    const forYears = pathname + search === stylesheetPath;
    return c.body(file.text, 200, {
      ...securityHeaders,
      'Content-Type': file.type,
      'Cache-Control': forYears ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
    });
  });
  return routes;
}
