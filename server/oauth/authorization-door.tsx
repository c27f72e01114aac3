import { createHash } from 'node:crypto';
import type { Visit } from '../accounts/account.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Accounts } from '../accounts/face.ts';
import { checkFormToken, formToken } from '../accounts/form-token.ts';
import { readForm } from '../accounts/page-guard.ts';
import type { Secrets } from '../config/secrets.ts';
import type { AppOwners, WasRemoved } from '../core/app-owners.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { Peer } from '../doors/peer.ts';
import type { Events } from '../observe/events.ts';
import { tokenField } from '../pages/form.tsx';
import { onward, render } from '../pages/render.tsx';
import {
  backWith,
  choosePath,
  errorBack,
  faultAnswer,
  faultyAnswer,
  goTo,
  toSignIn,
} from './authorization-answers.tsx';
import { issueThroughLibrary } from './authorization-model.ts';
import {
  type Addressed,
  type AuthorizationRequest,
  readAddress,
  readRequest,
} from './authorization-request.ts';
import { bounds } from './bounds.ts';
import type { Clients } from './clients.ts';
import { type Wants, wants } from './codes.ts';
import { ConsentPage, FullPage } from './consent-pages.tsx';
import type { Grants } from './grants.ts';

export interface AuthorizationDeps {
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly owners: AppOwners;
  readonly accounts: Pick<Accounts, 'visit' | 'isDisabled'>;
  readonly events: Events;
  readonly wasRemoved: WasRemoved;
}

/**
 * The authorization endpoint (RFC 6749 section 3.1). In order: who asks and where the answer may go; what is asked for; who
 * is here; has that person agreed. Until the first is known a fault is a page; from then on it goes back to the asker.
 *
 * Pages of an app's sign-in answer 200 whatever is wrong: Chromium ends the sign-in window at any 4xx or 5xx.
 */
export class AuthorizationDoor {
  readonly #deps: AuthorizationDeps;

  constructor(deps: AuthorizationDeps) {
    this.#deps = deps;
  }

  /** `GET /o/oauth2/auth` */
  async ask(search: string, headers: Headers, peer: Peer): Promise<Response> {
    const request = await this.#read(search, peer);
    if (request instanceof Response) return request;
    const visit = await this.#deps.accounts.visit(headers);
    if (visit !== undefined) return renewing(await this.#answer(request, visit), visit);
    return request.silent && (await this.#deps.accounts.isDisabled(headers))
      ? errorBack(request, 'access_denied', disabled)
      : toSignIn(request);
  }

  /** `POST /o/oauth2/auth`: what the person said on one of our pages. */
  async decide(httpRequest: Request, peer: Peer): Promise<Response> {
    const form = await readForm(httpRequest, this.#deps.clock);
    // As the URL parser reads it: what came in a form may hold line ends, which have no place in a redirect.
    const { search } = new URL(`http://request/?${form.get('request') ?? ''}`);
    const request = await this.#read(search, peer);
    if (request instanceof Response) return request;
    const visit = await this.#deps.accounts.visit(httpRequest.headers);
    if (visit === undefined) return toSignIn(request);
    return renewing(await this.#decided(request, visit, form, peer), visit);
  }

  /** The request, or the answer to one that cannot be granted to anyone. */
  async #read(search: string, peer: Peer): Promise<AuthorizationRequest | Response> {
    const addressed = await readAddress(search, this.#deps);
    if ('fault' in addressed) {
      this.#deps.events.refused('authorization', addressed.fault, undefined, peer.address);
      return await faultAnswer(addressed);
    }
    const request = readRequest(addressed);
    return 'error' in request ? faultyAnswer(addressed, request) : request;
  }

  async #answer(request: AuthorizationRequest, visit: Visit): Promise<Response> {
    if (request.choose || isForAnother(request, visit)) {
      return request.silent ? errorBack(request, 'login_required') : goTo(choosePath(request));
    }
    if (!(await this.#needsConsent(request, visit))) {
      const remembered = request.offline ? wants.remembered : wants.online;
      return goTo(await this.#codeBack(request, visit, remembered));
    }
    return request.silent ? errorBack(request, 'consent_required') : await this.#consentPage(request, visit);
  }

  /** Being signed in is enough for an app, because installing it was the consent; unless its owners want the page. */
  async #needsConsent({ asker, ...request }: AuthorizationRequest, visit: Visit): Promise<boolean> {
    if (request.forced) return true;
    if (asker.kind === 'app' && (await this.#deps.wasRemoved(visit.account.id, asker.app.id))) return true;
    if (asker.kind === 'app' && asker.app.channelConsent === 'none') return false;
    return !(await this.#deps.grants.isRemembered(
      visit.account.id,
      asker.id,
      request.scope,
      request.offline,
    ));
  }

  async #decided(
    request: AuthorizationRequest,
    visit: Visit,
    form: URLSearchParams,
    peer: Peer,
  ): Promise<Response> {
    const { secrets, clock, events, grants } = this.#deps;
    if (!checkFormToken(secrets, visit.account.id, purposeOf(request, visit), form.get(tokenField), clock)) {
      events.refused('authorization', 'form-stale', undefined, peer.address);
      return await this.#consentPage(
        request,
        visit,
        'This form was open too long, or was not sent from its own page. Please decide again.',
      );
    }
    const decision = form.get('decision');
    if (decision === 'revoke') {
      await grants.end(visit.account.id, form.get('grant') ?? '');
      return await this.#consentPage(request, visit);
    }
    if (decision !== 'allow') return await onward(backWith(request, { error: 'access_denied' }));
    if (await this.#isFull(request, visit)) return await this.#consentPage(request, visit);
    const consented = request.offline ? wants.refreshToken : wants.online;
    return await onward(await this.#codeBack(request, visit, consented));
  }

  async #codeBack(request: AuthorizationRequest, visit: Visit, codeWants: Wants): Promise<string> {
    const codeFor = { account: visit.account.id, signIn: visit.signIn, wants: codeWants };
    return backWith(request, { code: await issueThroughLibrary(request, codeFor, this.#deps) });
  }

  async #isFull(request: AuthorizationRequest, visit: Visit): Promise<boolean> {
    if (!request.offline) return false;
    const alive = await this.#deps.grants.refreshTokensOf(visit.account.id, request.asker.id);
    return alive >= bounds.refreshTokensPerAccountAndClient;
  }

  /** The question, or what must be done before it can be asked; with a message when an answer to it was no good. */
  async #consentPage(request: AuthorizationRequest, visit: Visit, message?: string): Promise<Response> {
    const { account } = visit;
    const token = formToken(this.#deps.secrets, account.id, purposeOf(request, visit), this.#deps.clock);
    const shown = { request, account, token, message, choosePath: choosePath(request) };
    const status = message === undefined || request.asker.kind === 'app' ? 200 : 403;
    if (!(await this.#isFull(request, visit))) return await render(<ConsentPage {...shown} />, status);
    const grants = (await this.#deps.grants.list(account.id)).filter(
      (grant) => grant.client === request.asker.id && grant.offline,
    );
    return await render(<FullPage {...shown} grants={grants} />, 403);
  }
}

const disabled = 'This account is disabled. Ask the administrator of the push service to enable it.';

/** A form token is good for one sign-in and one request: neither another browser nor another asker can use it. */
function purposeOf(request: Addressed, visit: Visit): string {
  return `consent:${visit.signIn}:${createHash('sha256').update(request.query).digest('base64url')}`;
}

const isForAnother = ({ loginHint }: AuthorizationRequest, { account }: Visit): boolean =>
  loginHint !== undefined && loginHint.toLowerCase() !== account.email && loginHint !== account.id;

/** A visit may renew the sign-in; its cookies go with whatever is answered. */
function renewing(answer: Response, visit: Visit): Response {
  for (const cookie of visit.setCookies) answer.headers.append('Set-Cookie', cookie);
  return answer;
}
