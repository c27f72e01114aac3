import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { type Accounts, type AccountsDeps, createAccounts } from '../server/accounts/accounts.ts';
import type { ControlDatabase } from '../server/accounts/database.ts';
import { openControlDatabase } from '../server/accounts/open-database.ts';
import type { PageEnv } from '../server/accounts/page-guard.ts';
import { type AccountRouteDeps, accountRoutes } from '../server/accounts/routes.ts';
import { openSecrets } from '../server/config/secrets.ts';
import type { Clock } from '../server/core/clock.ts';
import { type Events, silentEvents } from '../server/observe/events.ts';
import { staticRoutes } from '../server/pages/static.ts';

/** The accounts room alone, on a real SQLite file, with its real routes. */
export interface AccountsRoom {
  readonly accounts: Accounts;
  readonly db: ControlDatabase;
  readonly path: string;
  readonly app: Hono<PageEnv>;
  readonly origin: string;
  readonly secrets: AccountsDeps['secrets'];
  readonly clock: HandClock;
  /** Accounts whose rights were said to have ended, in order. */
  readonly ended: string[];
  /** What `Events.failed` was told. */
  readonly failures: unknown[];
  browser(address?: string): FormBrowser;
  close(): Promise<void>;
}

/** A clock that stands still until it is turned. Starts at the host's time, because better-auth reads that. */
export interface HandClock extends Clock {
  forward(ms: number): void;
}

function handClock(): HandClock {
  let now = Date.now();
  return {
    now: () => now,
    after: () => () => {},
    forward(ms) {
      now += ms;
    },
  };
}

type RoomOptions = Partial<Omit<AccountsDeps, 'db' | 'secrets' | 'events'>> &
  Pick<AccountRouteDeps, 'operatorToken'>;

/** Opens the room; sign-up is open and the origin is on loopback unless told otherwise. */
export async function openAccountsRoom(options: RoomOptions = {}): Promise<AccountsRoom> {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-accounts-'));
  const path = join(folder, 'control.sqlite');
  const { db, close } = await openControlDatabase(path);
  const origin = options.origin ?? 'http://127.0.0.1:8030';
  const failures: unknown[] = [];
  const events: Events = { ...silentEvents, failed: (_, error) => failures.push(error) };
  const clock = handClock();
  const secrets = await openSecrets({ folder });
  const accounts = await createAccounts({ db, secrets, origin, events, clock, signUp: 'open', ...options });
  const ended: string[] = [];
  accounts.onRightEnded((account) => ended.push(account));
  const app = new Hono<PageEnv>();
  app.route('/', staticRoutes());
  app.route(
    '/',
    accountRoutes({ accounts, secrets, origin, events, clock, operatorToken: options.operatorToken }),
  );
  const browser = (address = '192.0.2.1') => new FormBrowser(app, origin, address);
  return { accounts, db, path, app, origin, secrets, clock, ended, failures, browser, close };
}

/** As much of a browser as plain forms need: cookies, pages, and forms sent with what their page put into them. */
export class FormBrowser {
  readonly cookies = new Map<string, string>();
  readonly #app: Hono<PageEnv>;
  readonly #origin: string;
  readonly #address: string;

  constructor(app: Hono<PageEnv>, origin: string, address: string) {
    this.#app = app;
    this.#origin = origin;
    this.#address = address;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookies.size > 0) headers.set('cookie', this.cookie);
    if (!headers.has('user-agent'))
      headers.set('user-agent', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0');
    const env = { peer: { address: this.#address } };
    const response = await this.#app.request(`${this.#origin}${path}`, { ...init, headers }, env);
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    return response;
  }

  #keep(setCookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(setCookie) ?? [];
    if (/max-age=0\b/i.test(setCookie)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  async page(path: string): Promise<string> {
    return await (await this.fetch(path)).text();
  }

  async post(path: string, fields: Record<string, string>): Promise<Response> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: this.#origin };
    return await this.fetch(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  }

  /** Opens `page`, fills in its form for `action` and sends it, hidden fields and all. */
  async submit(page: string, action: string, fields: Record<string, string> = {}): Promise<Response> {
    const html = await this.page(page);
    const form = html.split('<form ').find((part) => part.includes(`action="${action}"`));
    if (form === undefined) throw new Error(`${page} has no form for ${action}`);
    const hidden: Record<string, string> = {};
    for (const [, name = '', value = ''] of form
      .split('</form>', 1)[0]
      ?.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g) ?? []) {
      hidden[name] = value.replaceAll('&amp;', '&');
    }
    return await this.post(action, { ...hidden, ...fields });
  }
}
