import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { makeTestCertificate } from '../dev-env/certificates.ts';
import type { Seed } from '../dev-env/town.ts';
import { CONNECT_PATH, clientFrameTypes } from '../protocol/wire.ts';
import { formToken } from '../server/accounts/form-token.ts';
import { decideConfig } from '../server/config/config.ts';
import { openSecrets, type Secrets } from '../server/config/secrets.ts';
import { systemClock } from '../server/core/clock.ts';
import { SEND_SCOPE } from '../server/core/sender.ts';
import { DeviceKeys } from '../server/gateways/mcs/device-keys.ts';
import { type RunningServer, startServer } from '../server/main.ts';
import { loggedEvents } from '../server/observe/events.ts';
import { tokenField } from '../server/pages/form.tsx';
import { tryAttacks } from './attacks.ts';
import { InnerService, tryAddresses } from './attacks-on-addresses.ts';
import { canariesOf, MAIL_PASSWORD, makeWebhook, type OwnWebhook } from './canaries.ts';
import { type DoorRow, doorRows, filled } from './doors.ts';
import { tryForeignDoors } from './foreign-doors.ts';
import { tryForeignFrames } from './foreign-frames.ts';
import { accessToken, type Household, settle } from './household.ts';

/** One try: with which credentials, as headers, and whose forms they would send. */
interface Credentials {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly account?: string;
  /** What the form says beside. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What the form's token was made for, when not for this door. */
  readonly purpose?: string;
}

export interface DoorsVerdict {
  readonly tried: number;
  /** Doors that let someone in who does not belong, or told a secret, in sentences. */
  readonly wrong: readonly string[];
  /** How many the owner could open with the same request: that refusals mean something. */
  readonly openedRightly: number;
}

const PASSWORD = 'a password that nobody sees 7391';
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Of what was answered, in a sentence about it. */
const TOLD_CHARACTERS = 400;
/** How a page says it. */
const FORGED = 'was not sent from its own page';
/** Below what a page takes of forms in a minute. */
const FORMS_AT_ONCE = 8;

/** Tries every door of a real server with everything but the right credentials. */
export async function tryDoors(): Promise<DoorsVerdict> {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-doors-'));
  const log = new Log();
  await using inner = await InnerService.open();
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const events = loggedEvents(pino({ level: 'debug' }, log));
  const { caFile } = await makeTestCertificate(folder);
  const config = decideConfig({
    ...{ port: '0', mcsPort: '0', data: folder, logLevel: 'silent' },
    pushHosts: `vendors,localhost:${inner.port}`,
    // Nobody listens there: what fails is told in the log.
    ...{ smtpUrl: `smtp://mailer:${MAIL_PASSWORD}@localhost:9`, mailFrom: 'reveille@doors.example' },
  });
  const running = await startServer(config, { clock, events });
  try {
    const trial = await Trial.of(running, folder);
    await trial.run();
    await trial.runFrames();
    await trial.runNeighbours(await readFile(caFile, 'utf8'), log, inner);
    ahead = 3 * HOUR;
    await trial.runExpired();
    await trial.runForged(() => {
      ahead += MINUTE;
    });
    trial.searchForSecrets('the log', log.text);
    return trial.verdict;
  } finally {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the server logs, which a try can wait for. */
class Log {
  readonly #lines: string[] = [];
  #grown = Promise.withResolvers<void>();

  write(line: string): void {
    this.#lines.push(line);
    this.#grown.resolve();
    this.#grown = Promise.withResolvers();
  }

  get text(): string {
    return this.#lines.join('');
  }

  async line(text: string): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => line.includes(text));
      if (found !== undefined) return found;
      await this.#grown.promise;
    }
  }
}

class Trial {
  readonly #running: RunningServer;
  readonly #secrets: Secrets;
  readonly #mine: Household;
  readonly #webhook: OwnWebhook;
  readonly #canaries: Map<string, string>;
  readonly #seed: Seed;
  readonly #token: string;
  readonly #rows: readonly DoorRow[];
  readonly #wrong: string[] = [];
  #tried = 0;
  #openedRightly = 0;

  private constructor(
    running: RunningServer,
    secrets: Secrets,
    mine: Household,
    webhook: OwnWebhook,
    canaries: Map<string, string>,
  ) {
    this.#running = running;
    this.#secrets = secrets;
    this.#mine = mine;
    this.#webhook = webhook;
    this.#canaries = canaries;
    this.#seed = mine.seed;
    this.#token = mine.token;
    this.#rows = doorRows(running.within.front);
  }

  static async of(running: RunningServer, folder: string): Promise<Trial> {
    const secrets = await openSecrets({ folder, given: undefined });
    const mine = await settle(running.origin);
    const webhook = await makeWebhook(running, mine);
    const canaries = await canariesOf(folder, secrets, { 'the owner': mine });
    canaries.set('the secret of a webhook', webhook.secret).set('another password', PASSWORD);
    return new Trial(running, secrets, mine, webhook, canaries);
  }

  get verdict(): DoorsVerdict {
    return { tried: this.#tried, wrong: this.#wrong, openedRightly: this.#openedRightly };
  }

  async run(): Promise<void> {
    const stranger = await this.#signIn('stranger@doors.example');
    const left = await this.#signIn('left@doors.example');
    await this.#running.within.rooms.accounts.signOut(new Headers(left.headers));
    const none = { name: 'no credentials', headers: {} };
    const bearer = (name: string, token: string) => ({ name, headers: { Authorization: `Bearer ${token}` } });
    const wrongToken = bearer('a wrong token', `${this.#token.slice(0, -4)}AAAA`);
    const foreign = bearer('a token for another service', this.#mine.storeToken);
    const wrongCookie = {
      name: 'a wrong cookie',
      headers: { Cookie: this.#seed.cookie.replace(/=./, '=x') },
    };
    for (const row of this.#rows) {
      if (row.kind === 'open') continue;
      await this.#try(row, none);
      await this.#try(row, row.kind === 'token' ? wrongToken : wrongCookie);
      if (row.kind === 'token' && row.path.includes('gcm_for_chrome')) await this.#try(row, foreign);
      if (row.kind !== 'signed-in') continue;
      await this.#try(row, { ...left, name: 'a sign-in that ended' });
      if (isOfOneOwner(row.path)) await this.#try(row, { ...stranger, name: 'another account' });
      await this.#openRightly(row);
    }
  }

  /** Each frame of our WebSocket without a hello, and a hello with a token that is none: all are closed, none is answered. */
  async runFrames(): Promise<void> {
    const fields = { protocol: 1, client: 'proof/1', device: 'nobody', token: 'none' };
    for (const type of clientFrameTypes) {
      const frame = JSON.stringify({ type, ...fields, version: 1, kind: 'failed', reason: '' });
      const { code, heard } = await saidTo(this.#running.origin, frame);
      this.#tried++;
      if (code < 4_400 || code >= 4_500 || heard.length > 0)
        this.#wrong.push(`the frame ${type} of nobody: ${code}, answered ${heard.join(' ')}`);
    }
  }

  /** Another account that has everything of its own, and means to have ours. */
  async runNeighbours(ca: string, log: Log, inner: InnerService): Promise<void> {
    const { headers } = await this.#signIn('neighbour@doors.example');
    const theirs = await settle(this.#running.origin, headers.Cookie);
    const [running, secrets, mine] = [this.#running, this.#secrets, this.#mine];
    const logged = (text: string) => log.line(text);
    for (const [name, secret] of Object.entries({ token: theirs.token, 'device token': theirs.device.token }))
      this.#canaries.set(`${name} of a neighbour`, secret);
    const keys = new DeviceKeys(secrets, (bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
    const neighbours = { running, mine, theirs, ca, logged, chromium: () => keys.create() };
    const tries = [
      ...(await tryForeignDoors(neighbours)),
      ...(await tryForeignFrames(neighbours)),
      ...(await tryAttacks(neighbours)),
      ...(await tryAddresses(neighbours, inner)),
    ];
    for (const { what, held, told } of tries) {
      this.#tried++;
      if (!held) this.#wrong.push(`${what}: ${told.slice(0, TOLD_CHARACTERS)}`);
      this.searchForSecrets(what, told);
    }
  }

  /** CSRF: the owner's own sign-in, on every form that needs one, without its token and with one that is not for it. */
  async runForged(later: () => void): Promise<void> {
    const { Cookie } = { Cookie: this.#seed.cookie };
    const { id } = (await this.#running.within.rooms.accounts.signedIn(new Headers({ Cookie }))) ?? {
      id: '',
    };
    const forms = this.#rows.filter(
      ({ method, kind, path }) =>
        method === 'POST' && kind === 'signed-in' && !path.startsWith('/accounts/operator/'),
    );
    let sent = 0;
    for (const row of forms) {
      for (const form of [
        { name: 'a form without its token' },
        { name: "a form with another account's token", account: 'somebody else' },
        { name: "a form with another form's token", account: id, purpose: '/elsewhere' },
      ]) {
        if (sent++ % FORMS_AT_ONCE === 0) later();
        const told = await this.#try(row, { headers: { Cookie }, fields: this.#consent(row), ...form });
        // Refused because it was forged, and not for what it lacks beside.
        if (told !== undefined && !told.includes(FORGED))
          this.#wrong.push(`${row.path} with ${form.name} is not refused as forged`);
      }
    }
  }

  /** The page that asks for consent looks at the whole request before it looks at its form. */
  #consent({ path }: DoorRow): Readonly<Record<string, string>> {
    if (!path.startsWith('/o/oauth2/')) return {};
    const { client_id, redirect_uris } = this.#seed.client;
    const asked = { client_id, redirect_uri: redirect_uris[0] ?? '', scope: SEND_SCOPE };
    const request = new URLSearchParams({ ...asked, response_type: 'code' });
    return { request: request.toString(), decision: 'allow' };
  }

  /** The tokens of before are past their hour; then they are revoked as well. */
  async runExpired(): Promise<void> {
    const headers = { Authorization: `Bearer ${this.#token}` };
    const rows = this.#rows.filter(({ kind }) => kind === 'token');
    for (const row of rows) await this.#try(row, { name: 'an expired token', headers });
    const fresh = await accessToken(this.#running.origin, this.#seed);
    const revoking = new URLSearchParams({ token: this.#seed.refresh_token });
    await fetch(`${this.#running.origin}/o/oauth2/revoke`, { method: 'POST', body: revoking });
    const revoked = { Authorization: `Bearer ${fresh}` };
    for (const row of rows) await this.#try(row, { name: 'a revoked token', headers: revoked });
  }

  searchForSecrets(where: string, text: string): void {
    for (const [name, canary] of this.#canaries)
      if (text.includes(canary)) this.#wrong.push(`${where} tells a secret: ${name}`);
  }

  async #try(row: DoorRow, credentials: Credentials): Promise<string | undefined> {
    const { name } = credentials;
    const { status, location, text } = await this.#knock(row, credentials);
    // No door for this method.
    if (status === 405) return undefined;
    this.#tried++;
    // Chromium's registration says its refusals in the body of a 200.
    const refused =
      status >= 400 ||
      (status >= 300 && /^[^?]*\/accounts\/sign-in/.test(location)) ||
      (row.path === '/register3' && text.startsWith('Error='));
    // One that is held back for its number of requests was not judged.
    if (status === 429) this.#wrong.push(`${row.method} ${row.path} with ${name} was not judged`);
    if (!refused) this.#wrong.push(`${row.method} ${row.path} with ${name}: ${status} ${location}`);
    if (status >= 500) this.#wrong.push(`${row.method} ${row.path} with ${name} failed: ${status}`);
    this.searchForSecrets(`${row.method} ${row.path} with ${name}`, text);
    return text;
  }

  async #openRightly(row: DoorRow): Promise<void> {
    if (row.method !== 'GET') return;
    const { status } = await this.#knock(row, { headers: { Cookie: this.#seed.cookie } });
    if (status < 300) this.#openedRightly++;
  }

  async #knock({ method, path }: DoorRow, { headers, account, purpose, fields }: Omit<Credentials, 'name'>) {
    const real = filled(path, this.#seed, this.#webhook.id);
    const form = new URLSearchParams(fields);
    if (account !== undefined) form.set(tokenField, formToken(this.#secrets, account, purpose ?? real));
    const answer = await fetch(this.#running.origin + real, {
      method,
      headers: { Origin: this.#running.origin, ...headers },
      redirect: 'manual',
      ...(method === 'GET' || method === 'DELETE' ? {} : { body: form }),
    });
    return {
      status: answer.status,
      location: answer.headers.get('location') ?? '',
      text: await answer.text(),
    };
  }

  async #signIn(email: string): Promise<Credentials> {
    const { accounts } = this.#running.within.rooms;
    const { id } = await accounts.create(email, PASSWORD, 'somebody');
    const { cookie } = await accounts.signIn(email, PASSWORD);
    return { name: email, headers: { Cookie: cookie }, account: id };
  }
}

/** True for pages of one project, app, client or group: others have none of that name. */
const isOfOneOwner = (path: string): boolean =>
  /^\/console\/(projects|apps|clients|groups|store|webhooks)\/:id/.test(path);

/** What comes back on a fresh connection for one frame, until it is closed. */
function saidTo(
  origin: string,
  frame: string,
): Promise<{ readonly code: number; readonly heard: readonly string[] }> {
  const socket = new WebSocket(origin.replace('http', 'ws') + CONNECT_PATH);
  const heard: string[] = [];
  return new Promise((resolve) => {
    socket.onopen = () => socket.send(frame);
    socket.onmessage = ({ data }) => void heard.push(String(data));
    socket.onclose = ({ code }) => resolve({ code, heard });
  });
}
