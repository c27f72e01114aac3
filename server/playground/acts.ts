import { ReveilleError } from '../../protocol/errors.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { Peer } from '../doors/peer.ts';
import { type Dispatch, exchange } from './exchange.ts';
import { authorizationPath, exchangeRequest, isDue, refreshRequest, tokensAfter } from './oauth-steps.ts';
import { ownRequest } from './own-request.ts';
import { type Play, type TokenPlace, tokenPlaces } from './plays.ts';

interface ActsDeps {
  readonly origin: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly dispatch: Dispatch;
}

/** An act that was refused: what was typed stays in the fields, and what was exchanged is shown. */
export class Refused extends Error {
  readonly play: Play;

  constructor(play: Play, sentence: string) {
    super(sentence);
    this.play = play;
  }
}

/** What the forms of the playground do: each takes what is there and answers what is there then. */
export class Acts {
  readonly #deps: ActsDeps;

  constructor(deps: ActsDeps) {
    this.#deps = deps;
  }

  /** The gear is closed: its fields are kept. An empty secret leaves the one that is there. */
  configure(play: Play, sent: FormData): Play {
    const secret = textOf(sent, 'clientSecret').trim();
    const clientId = textOf(sent, 'clientId').trim();
    const own = sent.has('own');
    const configuration: Play['configuration'] = {
      own,
      clientId,
      clientSecret:
        secret || (clientId === play.configuration.clientId ? play.configuration.clientSecret : ''),
      accessType: textOf(sent, 'accessType') === 'online' ? 'online' : 'offline',
      prompt: textOf(sent, 'prompt') === 'auto' ? 'auto' : 'force',
      tokenPlace: tokenPlaces.find((place) => place === textOf(sent, 'tokenPlace')) ?? 'bearer',
    };
    const next = { ...play, configuration };
    if (own && (clientId === '' || configuration.clientSecret === ''))
      throw new Refused(next, 'Enter both the client ID and the client secret.');
    return next;
  }

  /** Step 1: off to the authorization endpoint. */
  authorize(play: Play, sent: FormData): { go: string; play: Play } {
    const typed = textOf(sent, 'ownScopes').split(/[\s,]+/);
    const ticked = sent.getAll('scope').filter((scope) => typeof scope === 'string');
    const scope = [...new Set([...ticked, ...typed])].filter((one) => one !== '').join(' ');
    const state = Buffer.from(this.#deps.random(16)).toString('base64url');
    const next = { ...play, scope, state };
    return { go: refusing(next, () => authorizationPath(this.#deps.origin, next, state)), play: next };
  }

  /** Step 2: a code or the refresh token becomes an access token. */
  async tokens(play: Play, sent: FormData, peer: Peer): Promise<Play> {
    const typed = (name: string): string => textOf(sent, name).trim();
    const accessToken = typed('accessToken');
    const next: Play = {
      ...play,
      tokens: {
        code: typed('code'),
        refreshToken: typed('refreshToken'),
        accessToken,
        expiresAt: accessToken === play.tokens.accessToken ? play.tokens.expiresAt : 0,
        autoRefresh: sent.has('autoRefresh'),
      },
    };
    return textOf(sent, 'do') === 'exchange'
      ? await this.#tokenCall(next, 'exchange', peer)
      : await this.#tokenCall(next, 'refresh', peer);
  }

  /** Step 3: the request goes to our own doors; a token that is about to end is refreshed first. */
  async send(play: Play, sent: FormData, peer: Peer): Promise<Play> {
    const draft = {
      method: textOf(sent, 'method'),
      url: textOf(sent, 'url'),
      headers: textOf(sent, 'headers'),
      body: textOf(sent, 'body').replaceAll('\r\n', '\n'),
    };
    let next: Play = { ...play, draft };
    // Asked before anything is sent, so that a request that cannot be sent refreshes nothing.
    refusing(next, () => this.#request(next));
    if (isDue(next.tokens, this.#deps.clock.now())) next = await this.#tokenCall(next, 'refresh', peer);
    const { exchange: wire } = await exchange('Request', this.#request(next), { ...this.#deps, peer });
    return { ...next, exchanges: [wire, ...next.exchanges] };
  }

  #request({ draft, tokens, configuration }: Play) {
    const place: TokenPlace = configuration.tokenPlace;
    return ownRequest(draft, this.#deps.origin, tokens.accessToken, place);
  }

  async #tokenCall(play: Play, how: 'exchange' | 'refresh', peer: Peer): Promise<Play> {
    const { origin, clock } = this.#deps;
    const make = how === 'exchange' ? exchangeRequest : refreshRequest;
    const request = refusing(play, () => make(origin, play));
    const title = how === 'exchange' ? 'Exchange of the code' : 'Refresh of the access token';
    const answer = await exchange(title, request, { ...this.#deps, peer });
    const exchanges = [answer.exchange, ...play.exchanges];
    const tokens = answer.status === 200 ? tokensAfter(play.tokens, answer.body, clock.now()) : undefined;
    if (tokens !== undefined) return { ...play, tokens, exchanges };
    const spent = how === 'exchange' ? { ...play.tokens, code: '' } : play.tokens;
    const sentence = `The token endpoint answered ${answer.status}: look at the response, its header Reveille-Hint says why.`;
    throw new Refused({ ...play, tokens: spent, exchanges }, sentence);
  }
}

/** Does `what`; a refusal takes what was typed along. */
function refusing<T>(play: Play, what: () => T): T {
  try {
    return what();
  } catch (thrown) {
    if (!(thrown instanceof ReveilleError)) throw thrown;
    throw new Refused(play, thrown.detail ?? thrown.sentence);
  }
}

/** A field of a form; empty when it was not sent or is a file. */
export function textOf(sent: FormData, name: string): string {
  const value = sent.get(name);
  return typeof value === 'string' ? value : '';
}
