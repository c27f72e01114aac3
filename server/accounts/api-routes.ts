import { Hono } from 'hono';
import { z } from 'zod';
import { ReveilleError } from '../../protocol/errors.ts';
import { readText } from '../doors/body.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Account } from './account.ts';
import { apiPath } from './auth.ts';
import { fromOf, type PageContext, type PageEnv } from './page-guard.ts';
import type { RouteDeps } from './route-deps.ts';
import { same } from './sign-up.ts';

const credentials = z.object({ email: z.string(), password: z.string() });
const signUpBody = credentials.extend({
  name: z.string().default(''),
  invite: z.string().optional(),
  setupCode: z.string().optional(),
});

/**
 * The doors for programs: sign-in, sign-up, sign-out and "who am I", each under the same rules as the pages, and the
 * operator's password reset. JSON only: a foreign page cannot send that type without asking first, and we never say yes.
 */
export function accountApiRoutes(deps: RouteDeps): Hono<PageEnv> {
  const { accounts, clock } = deps;
  const routes = new Hono<PageEnv>();

  routes.post(`${apiPath}/sign-in/email`, async (c) => {
    const { email, password } = await readJson(c, credentials, deps);
    const { account, setCookie } = await accounts.signIn(email, password, fromOf(c));
    return answer({ user: account }, setCookie);
  });
  routes.post(`${apiPath}/sign-up/email`, async (c) => {
    const { id, setCookies } = await accounts.signUp.make(await readJson(c, signUpBody, deps), fromOf(c));
    return answer({ user: await accounts.find(id) }, setCookies);
  });
  routes.post(`${apiPath}/sign-out`, async (c) => {
    await readJson(c, z.unknown(), deps);
    return answer({ success: true }, await accounts.signOut(c.req.raw.headers));
  });
  routes.get(`${apiPath}/get-session`, async (c) => {
    const visit = await accounts.visit(c.req.raw.headers);
    return answer({ user: visit?.account ?? null }, visit?.setCookies ?? []);
  });

  const tries = new RateLimit(clock, 10, 60_000);
  routes.post('/accounts/operator/reset-password', async (c) => {
    if (deps.operatorToken === undefined) throw new ReveilleError('not-found');
    tries.assert(c.env.peer.address);
    const given = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (given === undefined) throw new ReveilleError('token-missing');
    if (!same(given, deps.operatorToken)) throw new ReveilleError('token-invalid');
    const { email, password } = await readJson(c, credentials, deps);
    return answer({ user: await accounts.resetPassword(email, password) });
  });
  return routes;
}

async function readJson<T>(c: PageContext, shape: z.ZodType<T>, { clock }: RouteDeps): Promise<T> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    throw new ReveilleError('type-unsupported');
  const text = await readText(c.req.raw, clock, 16_384);
  let body: unknown;
  try {
    body = JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new ReveilleError('body-invalid', undefined, {}, cause);
  }
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ReveilleError('input-invalid', issue?.message, { location: issue?.path.join('.') ?? 'body' });
}

function answer(
  body: { user?: Account | null | undefined; success?: boolean },
  setCookies: readonly string[] = [],
): Response {
  const response = Response.json(body, {
    headers: { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' },
  });
  for (const cookie of setCookies) response.headers.append('Set-Cookie', cookie);
  return response;
}
