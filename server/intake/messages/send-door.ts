import { appOfChannel } from '../../../protocol/channel-id.ts';
import { asReveilleError, type ErrorCode } from '../../../protocol/errors.ts';
import type { Message } from '../../../protocol/message.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Acceptance } from '../../core/accept.ts';
import type { Clock } from '../../core/clock.ts';
import type { Sender } from '../../core/sender.ts';
import { readAccessToken } from '../../doors/access-token.ts';
import { readText } from '../../doors/body.ts';
import { openCors, preflight, withCors } from '../../doors/cors.ts';
import { Deadlines } from '../../doors/deadlines.ts';
import { answerError, assertJsonType, assertMethod, type Door, wantsPretty } from '../../doors/door.ts';
import type { Refusals } from '../../doors/refusals.ts';
import type { Events } from '../../observe/events.ts';
import { historicError } from './historic-error.ts';
import { readMessage } from './read-message.ts';

/** Google's address and that of its predecessor of 2012 (reference 1.1). */
export const MESSAGE_PATHS: readonly string[] = [
  '/gcm_for_chrome/v1/messages',
  '/chromewebstore/v1.1/notifications',
];

export interface SendDoorDeps {
  readonly acceptance: Pick<Acceptance, 'admit' | 'accept' | 'load'>;
  readonly refusals: Refusals;
  readonly clock: Clock;
  readonly events: Events;
  /** Hears for how many seconds an accepted message was at the door. */
  readonly took?: (seconds: number) => void;
  /** IN13: '2013' answers two refusals as the service of the time did. */
  readonly compat: '2013' | undefined;
}

/**
 * `POST /gcm_for_chrome/v1/messages`, the door of senders and the hot path of the service: token, size, form, then the core
 * (ownership, channel, quota, keep, announce). 204 with an empty body: a well-known sender counts only 204 (reference 1.2).
 */
export function sendDoor(deps: SendDoorDeps): Door {
  const deadlines = new Deadlines(deps.clock);
  return async (request, url, peer) => {
    if (request.method === 'OPTIONS') return preflight('POST');
    const from = performance.now();
    let sender: Sender | undefined;
    let message: Message | undefined;
    try {
      assertMethod(request, 'POST');
      deps.acceptance.load.assertRoom();
      const admitted = deps.acceptance.admit(readAccessToken(request, url));
      sender = admitted instanceof Promise ? await admitted : admitted;
      assertJsonType(request);
      const text = await readText(request, deadlines);
      message = readMessage(text, sender.payloadBytes);
      const kept = await deps.acceptance.accept(sender, message);
      deps.took?.((performance.now() - from) / 1_000);
      return accepted(kept.version);
    } catch (thrown) {
      const error = deps.refusals.count(asReveilleError(thrown), peer.address, sender?.client);
      if (sender !== undefined && sender.project !== null)
        deps.events.turnedAway(sender.project, ownAppOf(message, error.code), error.code);
      const answer = answerError(error, 'messages', peer, wantsPretty(url), deps.events);
      return deps.compat === '2013' && wasBare500(error.code) ? withCors(historicError()) : answer;
    }
  };
}

/** The app, once the sender was found to own it: what comes after ownership in the order of the steps (AC2). */
function ownAppOf(message: Message | undefined, code: ErrorCode): string {
  return message === undefined || code === 'app-not-owned' ? '' : appOfChannel(message.channel);
}

const corsHeaders = new Headers(openCors);

function accepted(version: Version): Response {
  const headers = new Headers(corsHeaders);
  headers.set('Reveille-Message', String(version));
  return new Response(null, { status: 204, headers });
}

/** The failures that the guide and the capture show as the bare 500 (reference 1.2): no token, or not the owner. */
function wasBare500(code: ErrorCode): boolean {
  return code === 'token-missing' || code === 'app-not-owned' || code === 'app-unproven';
}
