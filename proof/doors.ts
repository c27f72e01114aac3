import type { Seed } from '../dev-env/town.ts';
import type { FrontDeps } from '../server/front.ts';
import { deviceActions } from '../server/intake/devices/own-device.ts';

/** Who may enter: anyone; who is signed in; whoever has an access token or a device's own. */
export type Kind = 'open' | 'signed-in' | 'token';

export interface DoorRow {
  readonly method: string;
  readonly path: string;
  readonly kind: Kind;
}

/** What stands in front of each kind of door, first match first. A door that no line covers has no row, which is a fault. */
const kinds: readonly (readonly [RegExp, Kind])[] = [
  // Anyone: what is read before there is an account, and doors that judge what their body or address holds.
  [/^\/($|static\/|client\/|docs|wake|detail\/|extensions\/detail\/|service\/update2\/crx)/, 'open'],
  [
    /^\/(oauth2\/v1\/certs|oauthplayground|uninstalled\/|discovery\/|webstore\/dev|console\/[a-z-]+\.(css|js)$)/,
    'open',
  ],
  [/^\/accounts\/(sign-in|sign-up|choose|forgot-password|new-password|api\/.*)$/, 'open'],
  [/^\/(healthz|readyz|metrics|v2\/(browsers|openapi\.json|push-key)|v2\/bootstrap|checkin)$/, 'open'],
  [/^\/+(o\/oauth2\/(token|revoke)|o\/auth2\/auth|oauth2\/v4\/token|token|revoke)$/, 'open'],
  // A grant of the account: the page asks who is there first.
  [/^\/(accounts|connections|console|o\/oauth2\/)/, 'signed-in'],
  [
    /^\/(oauth2\/v1\/tokeninfo|tokeninfo|gcm_for_chrome|chromewebstore|upload|register3|c2dm|v2)(\/|$)/,
    'token',
  ],
];

/** Doors that find their own way behind one prefix; those of the second message API have no list of their own. */
const behindPrefixes = [
  ['POST', '/v2/devices'],
  ...Object.entries(deviceActions).map(
    ([rest, { method }]) => [method, `/v2/devices/:device${rest}`] as const,
  ),
  ['POST', '/v2/messages'],
  ['GET', '/v2/messages/:message'],
  ['GET', '/v2/messages/:message/events'],
  ['GET', '/v2/channels/:channel'],
] as readonly (readonly [string, string])[];

/**
 * Every door of the main port, from the lists of the front and of its router.
 * @throws Error that names the doors without a row.
 */
export function doorRows({ doors, pages }: Pick<FrontDeps, 'doors' | 'pages'>): readonly DoorRow[] {
  const mapped = [...doors.keys()].flatMap((path) =>
    ['GET', 'POST'].map((method) => [method, path] as const),
  );
  const routed = pages.routes
    .filter(({ path, method }) => path !== '/*' || method !== 'ALL')
    .flatMap(({ method, path }) =>
      (method === 'ALL' ? ['GET', 'POST'] : [method]).map((one) => [one, path] as const),
    );
  const all = new Map([...mapped, ...routed, ...behindPrefixes].map((door) => [door.join(' '), door]));
  const rows = [...all.values()].map(([method, path]) => ({
    method,
    path,
    kind: kinds.find(([pattern]) => pattern.test(path))?.[1],
  }));
  const bare = rows.filter(({ kind }) => kind === undefined).map(({ method, path }) => `${method} ${path}`);
  if (bare.length > 0) throw new Error(`doors without a row in proof/doors.ts: ${bare.join(', ')}`);
  return rows as readonly DoorRow[];
}

/** The path with names that are real and the owner's, so that only the right to them is missing. */
export function filled(
  path: string,
  { app, project, client, publisher, channel_id }: Seed,
  webhook: string,
): string {
  const id = path.startsWith('/console/projects')
    ? project.id
    : path.startsWith('/console/clients')
      ? client.client_id
      : path.startsWith('/console/groups')
        ? publisher.id
        : path.startsWith('/console/webhooks')
          ? webhook
          : app.id;
  return path
    .replace(/:id\{\[\^\/\]\+(:[A-Za-z]+)\}/, `${app.id}$1`)
    .replace(/:publisher/, publisher.id)
    .replace(/:id/, id)
    .replace(/:app/, app.id)
    .replace(/:channel/, encodeURIComponent(channel_id))
    .replace(/:(device|message|file|name|token)/g, '1')
    .replace('*', 'x');
}
