import { browserSettings } from '../../protocol/browser-settings.ts';
import { withCors } from './cors.ts';
import { answerError, assertMethod, type Door, type DoorEvents } from './door.ts';
import { googleJson } from './google-answer.ts';

export interface BrowsersDoorDeps {
  readonly origin: string;
  /** Where Chromium's push client is let in; undefined while it is not. */
  readonly mcsPort: number | undefined;
  readonly events: DoorEvents;
}

/** `GET /v2/browsers`: how browsers are set to use this service. Nothing of it is secret. */
export function browsersDoor({ origin, mcsPort, events }: BrowsersDoorDeps): Door {
  return async (request, _, peer) => {
    try {
      assertMethod(request, 'GET');
      return withCors(googleJson(200, browserSettings(origin, mcsPort)));
    } catch (thrown) {
      return answerError(thrown, 'browsers', peer, true, events);
    }
  };
}
