import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { PageContext, PageEnv } from '../accounts/page-guard.ts';
import type { Clock } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { renderError } from '../pages/render.tsx';
import { type Items, type StoredPackage, UPDATE_PATH } from './items.ts';
import type { Listings } from './listings.ts';
import { compareVersions } from './manifest.ts';

interface Deps {
  readonly origin: string;
  readonly clock: Clock;
  readonly items: Pick<Items, 'offered' | 'crx'>;
  readonly listings: Pick<Listings, 'isTesterKey'>;
}

/** One `x=` of an update check: the app, and the version that the browser has ("" = none). */
interface Question {
  readonly app: AppId;
  readonly version: string;
}

/** The update service of Chromium's extension updater (reference 4.3), and the packages that it leads to. */
export function updateRoutes({ origin, clock, items, listings }: Deps): Hono<PageEnv> {
  const checks = new RateLimit(clock, limits.updateChecksPerAddress, limits.refusedMs);
  /** Testers ask with a key of their own; to any other key the item is what it is to everybody. */
  const offerOf = async (app: AppId, key: string | undefined) =>
    await items.offered(app, key !== undefined && (await listings.isTesterKey(app, key)));
  const routes = new Hono<PageEnv>();
  routes.get(UPDATE_PATH, async (c) => {
    if (checks.take(c.env.peer.address) > 0) return tooMany();
    const questions = readQuestions(c.req.queries('x') ?? []);
    const key = c.req.query('testers');
    const offers = await Promise.all(questions.map(({ app }) => offerOf(app, key)));
    const addressOf = ({ app, version, offered }: StoredPackage) =>
      `${origin}${UPDATE_PATH}/${app}/${version}.crx${offered === 2 ? `?testers=${key}` : ''}`;
    if (c.req.query('response') === 'redirect') {
      const [first] = offers;
      return first === undefined ? c.body(null, 204) : c.redirect(addressOf(first), 302);
    }
    const answers = questions.map((question, i) => answer(question, offers[i], addressOf));
    const xml = `<?xml version="1.0" encoding="UTF-8"?>
<gupdate xmlns="http://www.google.com/update2/response" protocol="2.0" server="prod">
${answers.join('\n')}
</gupdate>
`;
    const changedAt = Math.max(0, ...offers.map((one) => one?.published_at ?? 0));
    return conditional(c, createHash('sha256').update(xml).digest('hex'), changedAt, 'no-cache', () =>
      Promise.resolve([xml, { 'Content-Type': 'text/xml; charset=utf-8' }]),
    );
  });
  routes.get(`${UPDATE_PATH}/:app/:file`, async (c) => {
    if (checks.take(c.env.peer.address) > 0) return tooMany();
    const { app, file } = c.req.param();
    const offer = isAppId(app) ? await offerOf(app, c.req.query('testers')) : undefined;
    if (offer === undefined || file !== `${offer.version}.crx`)
      return await renderError(new ReveilleError('not-found', 'This package is not published.'));
    return conditional(c, offer.sha256, offer.published_at ?? 0, 'no-cache', async () => [
      await items.crx(offer),
      {
        'Content-Type': 'application/x-chrome-extension',
        'Content-Disposition': `attachment; filename="${app}-${offer.version}.crx"`,
      },
    ]);
  });
  return routes;
}

/** `id=…&v=…&uc`, each in one `x`; what has no `uc` asks for nothing, what names no app is passed over. */
function readQuestions(texts: readonly string[]): readonly Question[] {
  return texts.slice(0, limits.appsPerUpdateCheck).flatMap((text) => {
    const inner = new URLSearchParams(text);
    const app = inner.get('id') ?? '';
    return isAppId(app) && inner.has('uc') ? [{ app, version: inner.get('v') ?? '' }] : [];
  });
}

function answer(
  { app, version }: Question,
  offer: StoredPackage | undefined,
  addressOf: (offer: StoredPackage) => string,
): string {
  const known = /^[0-9]+(\.[0-9]+){0,3}$/.test(version) ? version : '0';
  const news = offer !== undefined && compareVersions(offer.version, known) > 0 ? offer : undefined;
  // Versions are digits and dots, hashes hex, the origin is the operator's: nothing here needs escaping.
  const check =
    news === undefined
      ? '<updatecheck status="noupdate" />'
      : `<updatecheck status="ok" codebase="${addressOf(news)}" version="${news.version}" hash_sha256="${news.sha256}" size="${news.bytes}" fp="1.${news.sha256}" />`;
  return `  <app appid="${app}" status="ok">${check}</app>`;
}

type Body = readonly [string | Uint8Array, Record<string, string>];

/** Answers with validators, or 304 when the asker has it: If-None-Match goes before If-Modified-Since (RFC 9110 section 13.2.2). */
async function conditional(
  c: PageContext,
  hash: string,
  changedAt: number,
  cache: string,
  body: () => Promise<Body>,
): Promise<Response> {
  const etag = `"${hash}"`;
  const modified = new Date(changedAt);
  const headers: Record<string, string> = {
    ETag: etag,
    'Cache-Control': cache,
    'X-Content-Type-Options': 'nosniff',
    ...(changedAt === 0 ? {} : { 'Last-Modified': modified.toUTCString() }),
  };
  const match = c.req.header('if-none-match');
  const since = Date.parse(c.req.header('if-modified-since') ?? '');
  const same =
    match === undefined
      ? changedAt !== 0 && since >= Math.floor(changedAt / 1_000) * 1_000
      : match.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim()));
  if (same) return new Response(null, { status: 304, headers });
  const [content, more] = await body();
  const bytes = typeof content === 'string' ? content : Uint8Array.from(content);
  return new Response(bytes, { headers: { ...headers, ...more } });
}

function tooMany(): Response {
  return new Response('Too many update checks.\n', { status: 429, headers: { 'Retry-After': '60' } });
}
