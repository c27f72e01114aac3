import { CHANNEL_SCOPE, SEND_SCOPE } from '../server/core/sender.ts';
import type { Neighbours, Try } from './household.ts';

const elsewhere = [
  '//evil.example/',
  'https://evil.example/',
  '/\\evil.example/',
  '/\t/evil.example/',
  '\\\\evil.example',
  'javascript:alert(1)',
  '/.//evil.example',
  'https:evil.example',
];

/** What looks like a registered address and is another: character by character, as a browser and as a careless reader may take it. */
const lookalikes = (own: string): readonly string[] => {
  const { protocol, host, hostname, port, pathname } = new URL(own);
  const rest = `:${port}${pathname}`;
  return [
    ...[
      `${own}.evil.example`,
      `${own}@evil.example`,
      `${own}/../x`,
      `${own}\r\nX: y`,
      `${own}/`,
      `${own}?`,
      `${own}#x`,
    ],
    ...[
      `${own} https://evil.example/`,
      `${own}%0d%0aX: y`,
      `${own}/%2e%2e/x`,
      `${own}%2f`,
      `${own}\0`,
      ` ${own}`,
    ],
    `${protocol}//evil.example@${host}${pathname}`,
    `${protocol}//${host}@evil.example${pathname}`,
    `${protocol}//${host}%2f@evil.example${pathname}`,
    `${protocol}//${host}\\@evil.example${pathname}`,
    `${protocol}//${host}%2f${pathname}`,
    `${protocol}//${host}/${pathname}`,
    `${protocol}//${hostname}.${rest}`,
    `${protocol}//${hostname}:${Number(port || 443) + 1}${pathname}`,
    `${protocol}//${hostname}${pathname}`,
    `${protocol}/${host}${pathname}`,
    `${protocol}${host}${pathname}`,
    `//${host}${pathname}`,
    `${protocol.toUpperCase()}//${host}${pathname}`,
    `${protocol}//${host.toUpperCase()}${pathname}`,
    `${protocol}//${host}${pathname.toUpperCase()}`,
    `${protocol}//${hostname.replace('.', '\u3002')}${rest}`,
  ].filter((text) => text !== own);
};

/** Whoever is signed in is led on at once by these pages: never to another place. */
export async function tryRedirects({ running, mine }: Neighbours): Promise<readonly Try[]> {
  const { client, app } = mine.seed;
  const own = client.redirect_uris[0] ?? '';
  const appHost = `https://${app.id}.chromiumapp.org`;
  const ask = (client_id: string, scope: string, redirect_uri: string) =>
    `/o/oauth2/auth?${new URLSearchParams({ client_id, scope, response_type: 'code', prompt: 'none', redirect_uri })}`;
  const local = ['/accounts/sign-in', '/accounts/sign-up', '/accounts/choose'].flatMap((path) =>
    elsewhere.map((place) => `${path}?${new URLSearchParams({ return: place })}`),
  );
  const ofClient = [...elsewhere, ...lookalikes(own)].map((place) =>
    ask(client.client_id, SEND_SCOPE, place),
  );
  const ofApp = [
    ...elsewhere,
    ...lookalikes(`${appHost}/`),
    `https://${'a'.repeat(32)}.chromiumapp.org/`,
  ].map((place) => ask(app.id, CHANNEL_SCOPE, place));
  const knock = (path: string, places: readonly string[]) =>
    tryRedirect(running.origin, mine.seed.cookie, path, places);
  const tries: Try[] = [];
  for (const path of local) tries.push(await knock(path, [running.origin]));
  for (const path of ofClient) tries.push(await knock(path, []));
  // The browser gives every path of this host, and of no other, to the app itself.
  for (const path of ofApp) tries.push(await knock(path, [appHost]));
  const led = await knock(ask(client.client_id, SEND_SCOPE, own), []);
  // The registered one leads there: the refusals are about what is not registered.
  return [...tries, { ...led, what: 'the registered redirect', held: led.told.includes(` ${own}?`) }];
}

/** @param places where it may lead. */
async function tryRedirect(
  origin: string,
  Cookie: string,
  path: string,
  places: readonly string[],
): Promise<Try> {
  const answer = await fetch(origin + path, { headers: { Cookie }, redirect: 'manual' });
  const location = answer.headers.get('location');
  const to = location === null ? undefined : new URL(location, origin).href;
  const links = /(href|action)="(https?:)?[/\\]{2}evil/.test(await answer.text());
  const led = to !== undefined && !places.some((place) => to.startsWith(`${place}/`));
  return {
    what: `redirect ${path}`,
    held: !led && !links && answer.status < 500,
    told: `${answer.status} ${location}`,
  };
}
