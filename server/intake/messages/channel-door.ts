import { asReveilleError } from '../../../protocol/errors.ts';
import type { Receiving } from '../../core/receiving.ts';
import type { Sender, Senders } from '../../core/sender.ts';
import { readAccessToken } from '../../doors/access-token.ts';
import { admitReader, clientApp } from '../../doors/client-app.ts';
import { preflight, withCors } from '../../doors/cors.ts';
import { answerError, assertMethod, type Door, wantsPretty } from '../../doors/door.ts';
import { googleJson } from '../../doors/google-answer.ts';
import type { Refusals } from '../../doors/refusals.ts';
import type { Events } from '../../observe/events.ts';

/** Google's address and that of its predecessor of 2012 (reference 1.1). */
export const CHANNEL_PATHS: readonly string[] = [
  '/gcm_for_chrome/v1/channels/id',
  '/chromewebstore/v1.1/channels/id',
];

export interface ChannelDoorDeps {
  readonly senders: Senders;
  readonly receiving: Pick<Receiving, 'open'>;
  readonly refusals: Refusals;
  readonly events: Events;
}

/**
 * `GET /gcm_for_chrome/v1/channels/id`: the channel of the token's account with the app whose client got the token, made at
 * first use. Readers of the time look at the one key `id` only.
 */
export function channelDoor(deps: ChannelDoorDeps): Door {
  return async (request, url, peer) => {
    if (request.method === 'OPTIONS') return preflight('GET');
    let reader: Sender | undefined;
    try {
      assertMethod(request, 'GET');
      reader = await admitReader(deps.senders, readAccessToken(request, url));
      const app = await clientApp(
        deps.senders,
        reader,
        url.searchParams.get('app_id') ?? undefined,
        'app_id',
      );
      const channel = await deps.receiving.open(reader.account, app);
      return withCors(googleJson(200, { id: channel.id }, wantsPretty(url)));
    } catch (thrown) {
      const error = deps.refusals.count(asReveilleError(thrown), peer.address, reader?.client);
      return answerError(error, 'channels', peer, wantsPretty(url), deps.events);
    }
  };
}
