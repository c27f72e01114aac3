import { Hono } from 'hono';
import { z } from 'zod';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import type { Account } from '../accounts/account.ts';
import type { PageContext, PageEnv } from '../accounts/page-guard.ts';
import type { Random } from '../core/clock.ts';
import { CHANNEL_SCOPE, SEND_SCOPE, STORE_SCOPE } from '../core/sender.ts';
import { readText } from '../doors/body.ts';
import { googleError, googleJson } from '../doors/google-answer.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Client } from '../oauth/clients.ts';
import type { App } from '../webstore/apps.ts';
import { freshClient } from './clients.tsx';
import type { ConsoleDeps } from './deps.ts';

export interface BootstrapDeps
  extends Pick<
    ConsoleDeps,
    | 'origin'
    | 'accounts'
    | 'clock'
    | 'events'
    | 'projects'
    | 'clients'
    | 'grants'
    | 'groups'
    | 'apps'
    | 'receiving'
  > {
  readonly random: Random;
}

/** The names by which a later call finds what an earlier one made. */
const names = { project: 'Demo', client: 'Demo sender', app: 'Demo app', group: 'Demo' } as const;
const EMAIL = 'demo@reveille.example';
const CALLS_PER_MINUTE = 10;

const bodyShape = z.strictObject({
  /** Messages a day of the demo project; 0 = no limit. */
  dailyQuota: z.int().min(0).optional(),
  /** What `serve` has printed, for the first account of a server that is not on loopback. */
  setupCode: z.string().max(200).optional(),
});

type Wanted = z.infer<typeof bodyShape>;

/** Who the demo is for. */
interface Owner {
  readonly account: Account;
  /** Null when the account was there before. */
  readonly password: string | null;
  /** Value for a Cookie header. */
  readonly cookie: string;
}

/**
 * `POST /v2/bootstrap`: one of each thing that a first message needs: account, project, client, grant, app, channel.
 * On a server without accounts it makes the first one, under the rules of signing up; else it works for who is signed in.
 * A second call finds what the first has made, and puts a fresh grant in the place of its own earlier one.
 */
export function bootstrapRoutes(deps: BootstrapDeps): Hono<PageEnv> {
  const bootstrap = new Bootstrap(deps);
  const routes = new Hono<PageEnv>();
  routes.post('/v2/bootstrap', async (c) => {
    try {
      return googleJson(200, await bootstrap.answer(c), true, { 'Cache-Control': 'no-store' });
    } catch (thrown) {
      const error = asReveilleError(thrown);
      if (error.code === 'internal') deps.events.failed('bootstrap', thrown);
      return googleError(error);
    }
  });
  return routes;
}

class Bootstrap {
  readonly #deps: BootstrapDeps;
  readonly #calls: RateLimit;
  /** One at a time: two at once would both find nothing and make everything twice. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: BootstrapDeps) {
    this.#deps = deps;
    this.#calls = new RateLimit(deps.clock, CALLS_PER_MINUTE, 60_000);
  }

  async answer(c: PageContext): Promise<object> {
    this.#calls.assert(c.env.peer.address, 'Too many bootstraps in a minute.');
    this.#assertOurs(c.req.raw.headers);
    const wanted = readWanted(await readText(c.req.raw, this.#deps.clock));
    const turn = this.#turn.then(async () => await this.#make(await this.#owner(c, wanted), wanted));
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  /** The cookie has authority here, so no foreign page may send it: JSON is asked for, and browsers say where they are. */
  #assertOurs(headers: Headers): void {
    if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? ''))
      throw new ReveilleError('type-unsupported');
    const origin = headers.get('origin');
    const site = headers.get('sec-fetch-site');
    if (
      (origin !== null && origin !== this.#deps.origin) ||
      (site !== null && site !== 'same-origin' && site !== 'none')
    )
      throw new ReveilleError(
        'forbidden',
        `The address of this server is ${this.#deps.origin}: use exactly that.`,
      );
  }

  async #owner(c: PageContext, wanted: Wanted): Promise<Owner> {
    const { accounts, random } = this.#deps;
    const account = await accounts.signedIn(c.req.raw.headers);
    if (account !== undefined) return { account, password: null, cookie: c.req.header('cookie') ?? '' };
    if ((await accounts.count()) > 0)
      throw new ReveilleError(
        'forbidden',
        'This server has accounts. Sign in as one first: ./bin/reveille login --email YOU.',
      );
    const password = Buffer.from(random(15)).toString('base64url');
    const from = { address: c.env.peer.address, userAgent: 'reveille bootstrap' };
    await accounts.signUp.make({ email: EMAIL, password, name: 'Demo', setupCode: wanted.setupCode }, from);
    const { account: made, cookie } = await accounts.signIn(EMAIL, password, from);
    return { account: made, password, cookie };
  }

  async #make({ account, password, cookie }: Owner, wanted: Wanted): Promise<object> {
    const { origin, clients, receiving } = this.#deps;
    const project = await this.#project(account, wanted.dailyQuota);
    const client = await this.#client(account, project);
    const app = await this.#app(account);
    const grants = await this.#grants(account, client.id);
    const channel = await receiving.open(account.id, app.id);
    return {
      origin,
      account: { email: account.email, password },
      project: { id: project },
      client: {
        client_id: client.id,
        client_secret: await clients.secretOf(account, client.id),
        redirect_uris: client.redirectUris,
      },
      ...grants,
      app: { id: app.id, key: app.key },
      publisher: { id: app.group },
      channel_id: channel.id,
      cookie,
    };
  }

  async #project(account: Account, dailyQuota: number | undefined): Promise<string> {
    const { projects } = this.#deps;
    if (dailyQuota !== undefined && account.role !== 'administrator')
      throw new ReveilleError('forbidden', 'Only the administrator may set a daily quota: leave it out.');
    const mine = await projects.of(account);
    const found =
      mine.find(({ name, role }) => name === names.project && role === 'owner') ??
      (await projects.create(account, names.project));
    if (!found.messagingEnabled) await projects.setMessaging(account, found.id, true);
    if (dailyQuota !== undefined) await projects.setLimits(account, found.id, { ...found, dailyQuota });
    return found.id;
  }

  async #client(account: Account, project: string): Promise<Client> {
    const { clients, origin } = this.#deps;
    const found = (await clients.list(account, project)).find(({ name }) => name === names.client);
    if (found !== undefined) return found;
    const redirectUris = freshClient(origin).redirectUris.split('\n');
    return (await clients.create(account, project, { name: names.client, redirectUris })).client;
  }

  async #app(account: Account): Promise<App> {
    const { apps, groups } = this.#deps;
    const owned = (await groups.ofAccount(account.id)).filter(({ role }) => role === 'owner');
    const found = (await apps.list(account.id)).find(
      ({ title, keyHeld, group }) =>
        title === names.app && keyHeld && owned.some((one) => one.group === group),
    );
    if (found !== undefined) return found;
    const group =
      owned.find(({ name }) => name === names.group)?.group ?? (await groups.create(account.id, names.group));
    const { id } = await apps.register(account.id, group, names.app, { kind: 'made' });
    return await apps.open(account.id, id);
  }

  /**
   * The earlier grants of the demo end first, so that repeating this never meets the limit of refresh tokens. What sends
   * cannot publish, and the reverse (PB7).
   */
  async #grants(account: Account, client: string): Promise<object> {
    const { grants } = this.#deps;
    await grants.endClient(account.id, client);
    const issue = async (scope: string) =>
      (await grants.issueFor({ account: account.id, client, scope })).refreshToken;
    return {
      refresh_token: await issue(`${SEND_SCOPE} ${CHANNEL_SCOPE}`),
      publish_refresh_token: await issue(STORE_SCOPE),
    };
  }
}

/** An empty body means nothing special is wanted. */
function readWanted(text: string): Wanted {
  const parsed = bodyShape.safeParse(text.trim() === '' ? {} : parseJson(text));
  if (parsed.success) return parsed.data;
  throw new ReveilleError(
    'input-invalid',
    'It takes one JSON object with "dailyQuota" (a whole number) and "setupCode" (text), or {}.',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ReveilleError('body-invalid', undefined, {}, cause);
  }
}
