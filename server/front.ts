import type { Hono } from 'hono';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { asReveilleError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import type { TrustedProxies } from './config/trusted-proxies.ts';
import type { Load } from './core/load.ts';
import { withCors } from './doors/cors.ts';
import { type Door, plainPath } from './doors/door.ts';
import { googleError } from './doors/google-answer.ts';
import type { Peer } from './doors/peer.ts';
import type { AutopushGateway } from './gateways/autopush/listener.ts';
import type { WebSocketGateway } from './gateways/websocket/listener.ts';
import { isMulticastPath } from './intake/multicast/multicast-door.ts';
import { isPushPath } from './intake/webpush/webpush-door.ts';
import type { SocketData } from './sockets.ts';

/** Bodies of forms, uploads of keys and packages included; each door has a tighter limit of its own. */
export const REQUEST_BYTES_MAX = 24 * 1024 * 1024;

export interface FrontDeps {
  /** Doors by exact path: the hot ones and their aliases. */
  readonly doors: ReadonlyMap<string, Door>;
  /** `/v2/devices` and everything under it. */
  readonly devices: Door;
  /** The rest of the second API: `/v2/messages` and `/v2/channels`. */
  readonly multicast: Door;
  /** Endpoints, messages and receipts of standard web push. */
  readonly webpush: Door;
  readonly gateway: WebSocketGateway;
  readonly autopush: AutopushGateway;
  readonly load: Load;
  readonly pages: Hono<{ Bindings: { peer: Peer } }>;
  readonly proxies: TrustedProxies;
}

/** The peer of one request: the socket is asked at the first look, and once. */
class RequestPeer implements Peer {
  readonly #request: Request;
  readonly #server: Bun.Server<unknown>;
  readonly #proxies: TrustedProxies;
  #address: string | undefined;

  constructor(request: Request, server: Bun.Server<unknown>, proxies: TrustedProxies) {
    this.#request = request;
    this.#server = server;
    this.#proxies = proxies;
  }

  get address(): string {
    this.#address ??= this.#proxies.clientOf(
      this.#server.requestIP(this.#request)?.address ?? '',
      this.#request.headers.get('x-forwarded-for'),
    );
    return this.#address;
  }
}

type Answer = Response | undefined | Promise<Response | undefined>;

/** The doors that answer a request with a response, as all but the upgrades to a socket do. */
type Doors = Omit<FrontDeps, 'gateway' | 'autopush' | 'load' | 'proxies'>;

/**
 * The front of the house: which door a path leads to. Hot doors are found by one look into a map and never meet the router
 * of the pages; their addresses without a query are taken apart once. No door changes the URL that it is given.
 */
export function front(deps: FrontDeps): (request: Request, server: Bun.Server<SocketData>) => Answer {
  const known = new Map<string, { readonly door: Door; readonly url: URL }>();
  return (request, server) => {
    const address = request.url;
    const peer = new RequestPeer(request, server, deps.proxies);
    const asked = known.get(address);
    if (asked !== undefined) return asked.door(request, asked.url, peer);
    const url = new URL(address);
    const door = deps.doors.get(url.pathname);
    if (door !== undefined && url.search === '') {
      // Whoever asks by ever new host names must not fill it for good.
      if (known.size >= limits.addressesRemembered) known.clear();
      known.set(address, { door, url });
    }
    const path = plainPath(url.pathname);
    if (path === CONNECT_PATH) return crowded(deps.load) ?? deps.gateway.upgrade(request, server, peer);
    if (path === AUTOPUSH_PATH) return crowded(deps.load) ?? deps.autopush.upgrade(request, server, peer);
    return answerOf(deps, request, peer, url);
  };
}

/** OL2: the refusal of a connection while memory is scarce. */
function crowded(load: Load): Response | undefined {
  try {
    load.assertMemory();
    return undefined;
  } catch (thrown) {
    return withCors(googleError(asReveilleError(thrown)));
  }
}

/** The answer to a request that never crossed a socket: one that a page of ours sends for the person in front of it. */
export function answerOf(
  deps: Doors,
  request: Request,
  peer: Peer,
  url = new URL(request.url),
): Response | Promise<Response> {
  const path = plainPath(url.pathname);
  const door = deps.doors.get(path);
  if (door !== undefined) return door(request, url, peer);
  if (path === '/v2/devices' || path.startsWith('/v2/devices/')) return deps.devices(request, url, peer);
  if (isMulticastPath(path)) return deps.multicast(request, url, peer);
  if (isPushPath(path)) return deps.webpush(request, url, peer);
  if (path === '/healthz') return new Response('ok\n', { headers: { 'Cache-Control': 'no-store' } });
  if (path === url.pathname) return deps.pages.fetch(request, { peer });
  url.pathname = path;
  return deps.pages.fetch(new Request(url, request), { peer });
}
