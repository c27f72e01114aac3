import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Account } from '../accounts/account.ts';
import type { Accounts } from '../accounts/face.ts';
import { checkFormToken, type FormSecrets } from '../accounts/form-token.ts';
import type { PageContext, PageEnv } from '../accounts/page-guard.ts';
import { Visitors } from '../accounts/visitor.ts';
import type { Clock, Random } from '../core/clock.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { Events } from '../observe/events.ts';
import { tokenField } from '../pages/form.tsx';
import { render, renderError, seeOther } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import { Acts, Refused, textOf } from './acts.ts';
import type { Dispatch } from './exchange.ts';
import { lookPath, lookText, playgroundPage } from './page.tsx';
import { type Play, Plays } from './plays.ts';
import { examples, freshPlay, fromLink, isExample, PLAYGROUND } from './share.ts';
import type { Shown, Step } from './shown.ts';

export interface PlaygroundDeps {
  /** Of this server, such as `https://push.example`. */
  readonly origin: string;
  readonly accounts: Pick<Accounts, 'visit' | 'viewer' | 'onSignInEnded'>;
  readonly secrets: FormSecrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
  /** The doors of this server. */
  readonly dispatch: Dispatch;
  /** A channel of the account, to begin with; empty when it has none. */
  readonly channelOf: (account: string) => Promise<string>;
}

/** One request of a browser to its playground. */
interface Here {
  readonly id: string;
  readonly token: string;
  readonly account: Account | undefined;
  readonly signIn: string | undefined;
  readonly setCookies: readonly string[];
  readonly play: Play;
}

type Handled = Promise<Response>;

/** The pages under `/oauthplayground`; `c.env.peer` is set by the server that mounts them. */
export function playgroundRoutes(deps: PlaygroundDeps): Hono<PageEnv> {
  const room = new Playground(deps);
  const acts = new Acts(deps);
  const routes = new Hono<PageEnv>();
  const bounded = bodyLimit({
    maxSize: limits.playgroundFormBytes,
    onError: () => renderError(new ReveilleError('body-too-large'), undefined, PLAYGROUND),
  });
  for (const path of [PLAYGROUND, `${PLAYGROUND}/`]) routes.get(path, (c) => room.look(c));
  routes.get(lookPath, (c) =>
    c.body(lookText, 200, {
      ...securityHeaders,
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  );
  const form = (
    name: string,
    step: Step,
    act: (play: Play, form: FormData, c: PageContext) => Promise<Play | { go: string; play: Play }>,
  ): unknown => routes.post(`${PLAYGROUND}/${name}`, bounded, (c) => room.act(c, step, act));
  form('configuration', 'configuration', async (play, sent) => acts.configure(play, sent));
  form('authorize', 'scopes', async (play, sent) => acts.authorize(play, sent));
  form('tokens', 'tokens', (play, sent, c) => acts.tokens(play, sent, c.env.peer));
  form('send', 'request', (play, sent, c) => acts.send(play, sent, c.env.peer));
  routes.post(`${PLAYGROUND}/forget`, bounded, (c) => room.forget(c));
  routes.post(`${PLAYGROUND}/open`, bounded, (c) => room.open(c));
  routes.onError((thrown, c) => room.refuse(thrown, c));
  return routes;
}

class Playground {
  readonly #deps: PlaygroundDeps;
  readonly #plays: Plays;
  readonly #visitors: Visitors;
  readonly #forms: RateLimit;

  constructor(deps: PlaygroundDeps) {
    this.#deps = deps;
    this.#plays = new Plays(deps.clock);
    this.#visitors = new Visitors({ ...deps, pages: { name: 'playground', path: PLAYGROUND } });
    this.#forms = new RateLimit(deps.clock, limits.playgroundForms, 60_000);
    deps.accounts.onSignInEnded(async (signIn) => this.#plays.endSignIn(signIn));
  }

  /** `GET /oauthplayground`: the page, filled in by a link maybe; or the way back from the authorization endpoint. */
  async look(c: PageContext): Handled {
    const here = await this.#here(c);
    const query = new URL(c.req.url).searchParams;
    if (query.has('state') && (query.has('code') || query.has('error')))
      return await this.#arrive(here, query);
    const example = query.get('example') ?? '';
    if (isExample(example)) {
      const draft = examples[example].draft(await this.#channelOf(here.account));
      return await this.#show({ ...here, play: { ...here.play, draft } });
    }
    const link = fromLink(query);
    if (link === undefined) return await this.#show(here);
    const filled = { ...here, play: { ...here.play, ...link, scope: link.scope || here.play.scope } };
    return await this.#show(filled, { linked: true });
  }

  /** A form of the page: what it changes is kept, and the page comes again. */
  async act(
    c: PageContext,
    step: Step,
    act: (play: Play, form: FormData, c: PageContext) => Promise<Play | { go: string; play: Play }>,
  ): Handled {
    this.#forms.assert(c.env.peer.address);
    const here = await this.#here(c);
    const sent = await this.#own(c);
    try {
      const done = await act(here.play, sent, c);
      const { go, play } = 'go' in done ? done : { go: `${PLAYGROUND}#${step}`, play: done };
      this.#plays.keep(here.id, here.signIn, play);
      return seeOther(go, here.setCookies);
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      const { play, message } = thrown;
      this.#plays.keep(here.id, here.signIn, play);
      return await this.#show({ ...here, play }, { fault: { step, sentence: message }, status: 400 });
    }
  }

  async forget(c: PageContext): Handled {
    const here = await this.#here(c);
    await this.#own(c);
    this.#plays.forget(here.id);
    return seeOther(PLAYGROUND, here.setCookies);
  }

  /** From the page of a client in the console, which has just shown the secret: everything is filled in. */
  async open(c: PageContext): Handled {
    const { secrets, clock } = this.#deps;
    const here = await this.#here(c);
    const sent = await c.req.formData();
    if (!checkFormToken(secrets, here.account?.id ?? '', `${PLAYGROUND}/open`, sent.get(tokenField), clock))
      throw new ReveilleError('form-stale');
    const fresh = freshPlay(await this.#channelOf(here.account));
    const configuration = {
      ...fresh.configuration,
      own: true,
      clientId: textOf(sent, 'clientId'),
      clientSecret: textOf(sent, 'clientSecret'),
    };
    this.#plays.keep(here.id, here.signIn, { ...fresh, configuration });
    return seeOther(PLAYGROUND, here.setCookies);
  }

  async refuse(thrown: unknown, c: PageContext): Handled {
    const error = asReveilleError(thrown);
    if (error.code === 'internal') this.#deps.events.failed('playground', thrown);
    else this.#deps.events.refused('playground', error.code, error.detail, c.env.peer.address);
    return await renderError(error, undefined, PLAYGROUND);
  }

  /** Back from the authorization endpoint. The code leaves the address at once. */
  async #arrive(here: Here, query: URLSearchParams): Handled {
    const { play } = here;
    if (play.state === undefined || query.get('state') !== play.state) {
      const sentence =
        'This answer does not belong to an authorization that began in this browser and sign-in. Authorize again.';
      return await this.#show(here, { fault: { step: 'scopes', sentence }, status: 400 });
    }
    const error = query.get('error');
    const code = query.get('code') ?? '';
    if (error !== null) {
      this.#plays.keep(here.id, here.signIn, { ...play, state: undefined });
      const sentence = `The authorization endpoint answered ${error.slice(0, 80)}${because(query)}.`;
      return await this.#show(here, { fault: { step: 'scopes', sentence }, status: 400 });
    }
    this.#plays.keep(here.id, here.signIn, {
      ...play,
      state: undefined,
      tokens: { ...play.tokens, code: code.slice(0, 2_048) },
    });
    return seeOther(`${PLAYGROUND}#tokens`, here.setCookies);
  }

  async #here(c: PageContext): Promise<Here> {
    const { headers } = c.req.raw;
    const visit = await this.#deps.accounts.visit(headers);
    const { id, token, setCookie } = this.#visitors.greet(headers, PLAYGROUND);
    const play = this.#plays.find(id, visit?.signIn) ?? freshPlay(await this.#channelOf(visit?.account));
    return {
      id,
      token,
      account: visit?.account,
      signIn: visit?.signIn,
      setCookies: [...(visit?.setCookies ?? []), setCookie],
      play,
    };
  }

  /** The fields of a form that stood on a page of this browser. @throws `form-stale` for any other */
  async #own(c: PageContext): Promise<FormData> {
    const sent = await c.req.formData().catch(() => new FormData());
    const token = sent.get(tokenField);
    if (!this.#visitors.recognises(c.req.raw.headers, PLAYGROUND, typeof token === 'string' ? token : null))
      throw new ReveilleError('form-stale');
    return sent;
  }

  async #channelOf(account: Account | undefined): Promise<string> {
    return account === undefined ? '' : await this.#deps.channelOf(account.id);
  }

  async #show(
    { play, token, account, setCookies }: Here,
    {
      status = 200,
      ...more
    }: Pick<Shown, 'fault' | 'linked'> & {
      readonly status?: number;
    } = {},
  ): Handled {
    const { origin, clock, accounts } = this.#deps;
    const viewer = account && accounts.viewer(account);
    return await render(playgroundPage({ origin, play, viewer, token, now: clock.now(), ...more }), status, {
      setCookies,
    });
  }
}

const because = (query: URLSearchParams): string => {
  const description = query.get('error_description');
  return description === null ? '' : `: ${description.slice(0, 300)}`;
};
