import { createHash } from 'node:crypto';
import { PageVisitor } from '../dev-env/page-visitor.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../server/core/sender.ts';
import { type Neighbours, siteOf, type Try } from './household.ts';

type Fields = Readonly<Record<string, string>>;

interface Redeemed {
  readonly status: number;
  readonly error?: string;
  readonly access_token?: string;
  readonly refresh_token?: string;
}

const ASK = '/o/oauth2/auth';
const verifier = 'a-verifier-of-at-least-forty-three-characters-2206';
const challenge = createHash('sha256').update(verifier).digest('base64url');
const withChallenge = { code_challenge: challenge, code_challenge_method: 'S256' };

/** Authorization codes used twice, by another, or without the verifier that belongs to them (RFC 6749 4.1.2, RFC 7636). */
export async function tryCodes(neighbours: Neighbours): Promise<readonly Try[]> {
  const counter = new Counter(neighbours);
  return [
    ...(await tryReplay(counter)),
    ...(await tryVerifiers(counter)),
    ...(await tryChallenges(counter)),
    ...(await tryStolen(counter, neighbours)),
  ];
}

/** Asks for codes as my account, and exchanges them as anyone. */
class Counter {
  readonly #origin: string;
  readonly #visitor: PageVisitor;
  readonly client: Fields;
  readonly app: Fields;

  constructor({ running, mine: { seed } }: Neighbours) {
    this.#origin = running.origin;
    this.#visitor = new PageVisitor(siteOf(running.origin), seed.cookie);
    this.client = {
      client_id: seed.client.client_id,
      client_secret: seed.client.client_secret,
      redirect_uri: seed.client.redirect_uris[0] ?? '',
    };
    this.app = { client_id: seed.app.id, redirect_uri: `https://${seed.app.id}.chromiumapp.org/` };
  }

  /** What is asked comes back as code or as error, consent given where it is asked for. */
  async ask({ client_secret: _, ...asker }: Fields, more: Fields = {}): Promise<URLSearchParams> {
    const scope = asker.client_id === this.app.client_id ? CHANNEL_SCOPE : SEND_SCOPE;
    const query = new URLSearchParams({ ...asker, scope, response_type: 'code', ...more });
    const asked = await siteOf(this.#origin, this.#visitor.cookie).fetch(`${ASK}?${query}`);
    const led = asked.headers.get('location');
    if (led !== null) return new URL(led).searchParams;
    const page = await this.#visitor.post(`${ASK}?${query}`, ASK, { decision: 'allow' });
    const [, onward = ''] = /url=([^"]*)"/.exec(await page.text()) ?? [];
    return new URL(onward.replaceAll('&amp;', '&'), this.#origin).searchParams;
  }

  /** @throws Error when none comes: a refusal of it would mean nothing. */
  async code(asker: Fields, more: Fields = {}): Promise<string> {
    const code = (await this.ask(asker, more)).get('code');
    if (code === null) throw new Error('there was no code');
    return code;
  }

  async redeem(code: string, by: Fields, more: Fields = {}): Promise<Redeemed> {
    const body = new URLSearchParams({ ...by, code, grant_type: 'authorization_code', ...more });
    return await this.#token(body);
  }

  async refresh(refresh_token: string): Promise<Redeemed> {
    return await this.#token(
      new URLSearchParams({ ...this.client, refresh_token, grant_type: 'refresh_token' }),
    );
  }

  /** 200 for a token that stands. */
  async standing(access_token: string): Promise<number> {
    const query = new URLSearchParams({ access_token });
    return (await fetch(`${this.#origin}/oauth2/v1/tokeninfo?${query}`)).status;
  }

  async #token(body: URLSearchParams): Promise<Redeemed> {
    const answer = await fetch(`${this.#origin}/o/oauth2/token`, { method: 'POST', body });
    return { ...((await answer.json()) as object), status: answer.status };
  }
}

async function tryReplay(counter: Counter): Promise<readonly Try[]> {
  const offline = { access_type: 'offline', approval_prompt: 'force' };
  const code = await counter.code(counter.client, offline);
  const first = await counter.redeem(code, counter.client);
  const { access_token = '', refresh_token = '' } = first;
  const stood = await counter.standing(access_token);
  const second = await counter.redeem(code, counter.client);
  const [access, refresh] = [await counter.standing(access_token), await counter.refresh(refresh_token)];
  const good = first.status === 200 && stood === 200 && refresh_token !== '';
  return [
    { what: 'a code used twice', held: good && isRefused(second), told: tell(first, second) },
    {
      what: 'the access token of a code used twice',
      held: good && access === 400,
      told: `${stood} ${access}`,
    },
    { what: 'the refresh token of a code used twice', held: good && isRefused(refresh), told: tell(refresh) },
  ];
}

/** Each code is a fresh one, and the same request with the right verifier is exchanged: the control of each row. */
async function tryVerifiers(counter: Counter): Promise<readonly Try[]> {
  const tries: Try[] = [];
  for (const [name, asker] of [
    ['client', counter.client],
    ['app', counter.app],
  ] as const) {
    const right = await counter.redeem(await counter.code(asker, withChallenge), asker, {
      code_verifier: verifier,
    });
    const wrong: Readonly<Record<string, Fields>> = {
      'without a verifier': {},
      'with an empty verifier': { code_verifier: '' },
      'with another verifier': { code_verifier: `${verifier}x` },
      'with the challenge for a verifier': { code_verifier: challenge },
      'with its own challenge, said to be plain': {
        code_verifier: challenge,
        code_challenge: challenge,
        code_challenge_method: 'plain',
      },
    };
    for (const [what, fields] of Object.entries(wrong)) {
      const told = await counter.redeem(await counter.code(asker, withChallenge), asker, fields);
      tries.push({
        what: `PKCE: a code of the ${name} ${what}`,
        held: right.status === 200 && isRefused(told),
        told: tell(right, told),
      });
    }
  }
  const bare = await counter.redeem(await counter.code(counter.client), counter.client, {
    code_verifier: verifier,
  });
  return [
    ...tries,
    { what: 'PKCE: a verifier for a code without challenge', held: isRefused(bare), told: tell(bare) },
  ];
}

/** Requests that would weaken the proof get no code. */
async function tryChallenges(counter: Counter): Promise<readonly Try[]> {
  const tries: Try[] = [];
  for (const [name, asker] of [
    ['client', counter.client],
    ['app', counter.app],
  ] as const) {
    const asks: Readonly<Record<string, Fields>> = {
      'a plain challenge': { code_challenge: verifier, code_challenge_method: 'plain' },
      'a challenge of the length of S256, said to be plain': {
        ...withChallenge,
        code_challenge_method: 'plain',
      },
      'a challenge without a method': { code_challenge: challenge },
      'a method in small letters': { ...withChallenge, code_challenge_method: 's256' },
      'a method without a challenge': { code_challenge_method: 'S256' },
      ...(name === 'app' && { 'no challenge': {} }),
    };
    for (const [what, fields] of Object.entries(asks)) {
      const answer = await counter.ask(asker, fields);
      const held = answer.get('code') === null && answer.get('error') === 'invalid_request';
      tries.push({ what: `PKCE: the ${name} asks with ${what}`, held, told: answer.toString() });
    }
  }
  return tries;
}

/** A good code in other hands, or for another place. */
async function tryStolen(counter: Counter, { theirs }: Neighbours): Promise<readonly Try[]> {
  const { client_id, client_secret } = theirs.seed.client;
  const { client, app } = counter;
  const hands: Readonly<Record<string, Fields>> = {
    'by another client': { ...client, client_id, client_secret },
    'by its client with a wrong secret': { ...client, client_secret: `${client.client_secret}x` },
    "by its client with another client's secret": { ...client, client_secret },
    'by its client without a secret': { ...client, client_secret: '' },
    'by its client with a verifier for a secret': { ...client, client_secret: '', code_verifier: verifier },
    'by an app': { ...app, redirect_uri: client.redirect_uri ?? '', code_verifier: verifier },
    'for another redirect': { ...client, redirect_uri: `${client.redirect_uri}/x` },
    'for no redirect': { ...client, redirect_uri: '' },
  };
  const tries: Try[] = [];
  for (const [what, by] of Object.entries(hands)) {
    const told = await counter.redeem(await counter.code(client), by);
    tries.push({ what: `a code used ${what}`, held: isRefused(told), told: tell(told) });
  }
  const byClient = await counter.redeem(await counter.code(app, withChallenge), client, {
    code_verifier: verifier,
  });
  return [
    ...tries,
    { what: "an app's code used by a client", held: isRefused(byClient), told: tell(byClient) },
  ];
}

const isRefused = ({ status, access_token }: Redeemed): boolean =>
  status >= 400 && status < 500 && status !== 429 && access_token === undefined;

/** Without the tokens, which would be found as secrets that were told. */
const tell = (...answers: readonly Redeemed[]): string =>
  answers.map(({ status, error = '' }) => `${status} ${error}`).join(', ');
