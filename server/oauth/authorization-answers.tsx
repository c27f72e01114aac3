import { render } from '../pages/render.tsx';
import { securityHeaders } from '../pages/security-headers.ts';
import type { Addressed, AuthorizationRequest, Faulty, Unaddressed } from './authorization-request.ts';
import { FaultPage } from './consent-pages.tsx';
import { withoutParameter } from './parameters.ts';
import { redirectBack } from './redirect-rules.ts';

/** The way back to the asker, with our parameters and its state. */
export const backWith = (request: Addressed, parameters: Readonly<Record<string, string>>): string =>
  redirectBack(request.redirectUri, parameters, request.rawState);

/** Tells the asker that it gets nothing, and why, in a word of the protocol; with a sentence where the word is not enough. */
export const errorBack = (request: Addressed, error: string, sentence?: string): Response =>
  goTo(backWith(request, sentence === undefined ? { error } : { error, error_description: sentence }));

/** Tells the asker what is wrong with its request. */
export const faultyAnswer = (addressed: Addressed, { error, description }: Faulty): Response =>
  goTo(backWith(addressed, { error, error_description: description }));

/** Says what is wrong before it is sure where an answer may go. */
export async function faultAnswer(fault: Unaddressed): Promise<Response> {
  if (fault.silentRedirect !== undefined) {
    return goTo(
      redirectBack(
        fault.silentRedirect,
        { error: fault.fault, error_description: fault.sentence },
        fault.rawState,
      ),
    );
  }
  return await render(<FaultPage of={fault} />, fault.appId === undefined ? 400 : 200);
}

/** Nobody is signed in: the sign-in page that comes back here, or the asker when no page may be shown. */
export function toSignIn(request: AuthorizationRequest): Response {
  if (request.silent) return errorBack(request, 'login_required');
  const query = new URLSearchParams({ return: returnPath(request) });
  if (request.loginHint !== undefined) query.set('email', request.loginHint);
  return goTo(`/accounts/sign-in?${query}`);
}

/** The account chooser that comes back to this request. */
export const choosePath = (request: AuthorizationRequest): string =>
  `/accounts/choose?${new URLSearchParams({ return: returnPath(request) })}`;

/** This request once the person has been chosen: who it is for is no longer a question. */
function returnPath(request: AuthorizationRequest): string {
  const settled = withoutParameter(withoutParameter(request.query, 'login_hint'), 'prompt');
  return `/o/oauth2/auth?${settled}${request.forced ? '&prompt=consent' : ''}`;
}

/** 302, which a silent flow follows without a page. */
export function goTo(location: string): Response {
  return new Response(null, {
    status: 302,
    headers: { ...securityHeaders, Location: location, 'Cache-Control': 'no-store' },
  });
}
