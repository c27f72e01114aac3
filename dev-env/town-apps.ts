import { PageVisitor } from './page-visitor.ts';
import type { Seed, Town } from './town.ts';

/** Registers an app with its private key (PEM) by the console's own form, as the town's account. It is proven at once. */
export async function registerApp(town: Town, privateKey: string): Promise<void> {
  const visitor = visitorOf(town);
  const page = await visitor.send('/console/apps/new', '/console/apps', {
    source: 'key-file',
    title: 'Restarted',
    file: new File([privateKey], 'key.pem'),
  });
  if (!/\/console\/apps\/[a-p]{32}/.test(page.path)) throw new Error(`not registered: ${page.text}`);
}

/** Lets web pages of an origin, with a redirect among them, speak for the town's app: a hosted app. */
export async function hostApp(town: Town, origins: string, redirectUris: string): Promise<void> {
  const path = `/console/apps/${town.seed.app.id}`;
  const fields = { title: 'Hosted', channelConsent: 'none', origins, redirectUris };
  const page = await visitorOf(town).send(path, path, fields);
  if (!page.html.includes(redirectUris)) throw new Error(`not changed: ${page.text}`);
}

function visitorOf(town: Town): PageVisitor {
  return new PageVisitor(town, town.seed.cookie);
}

/** An access token of somebody else: another account of the same service, with a project, a client and a grant of its own. */
export async function strangerToken(town: Town): Promise<string> {
  const cookie = await signUp(town, 'stranger@reveille.example', 'a long enough password');
  const made = await fetch(`${town.origin}/v2/bootstrap`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Cookie: cookie },
    body: '{}',
  });
  if (!made.ok) throw new Error(`bootstrap: ${made.status} ${await made.text()}`);
  const { client, refresh_token } = (await made.json()) as Seed;
  const answer = await fetch(`${town.origin}/o/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...client, redirect_uris: '', refresh_token, grant_type: 'refresh_token' }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** Signs up by the page's form; answers the cookies of the sign-in. */
async function signUp({ origin }: Town, email: string, password: string): Promise<string> {
  const page = await fetch(`${origin}/accounts/sign-up`);
  const html = await page.text();
  const hidden = [...html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    /value="([^"]*)"/.exec(input)?.[1] ?? '',
  ]);
  const answer = await fetch(`${origin}/accounts/sign-up`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Cookie: cookiesOf(page) },
    body: new URLSearchParams({ ...Object.fromEntries(hidden), name: 'Stranger', email, password }),
  });
  const cookies = cookiesOf(answer);
  if (!cookies.includes('session')) throw new Error(`sign-up: ${answer.status} ${await answer.text()}`);
  return cookies;
}

const cookiesOf = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
