import { preflight, withCors } from '../../doors/cors.ts';
import { answerError, assertMethod, type Door, wantsPretty } from '../../doors/door.ts';
import { googleJson } from '../../doors/google-answer.ts';
import type { Events } from '../../observe/events.ts';

export const PUSH_KEY_PATH = '/v2/push-key';

/**
 * `GET /v2/push-key`: the public key of this server, which a client passes to `pushManager.subscribe` as
 * `applicationServerKey`: `{"key": base64url}`. It is public and never changes.
 */
export function pushKeyDoor(key: string, events: Events): Door {
  return async (request, url, peer) => {
    if (request.method === 'OPTIONS') return preflight('GET');
    try {
      assertMethod(request, 'GET');
      return withCors(
        googleJson(200, { key }, wantsPretty(url), { 'Cache-Control': 'public, max-age=86400' }),
      );
    } catch (thrown) {
      return answerError(thrown, 'push key', peer, wantsPretty(url), events);
    }
  };
}
