import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { CHANNEL_SCOPE, type Sender, type Senders } from '../core/sender.ts';

/**
 * Who calls for a channel or a device of their own.
 * @throws `token-missing`, `token-invalid`, `scope-insufficient` without the scope `…readonly`, `api-off`.
 */
export async function admitReader(senders: Senders, accessToken: string | undefined): Promise<Sender> {
  if (accessToken === undefined || accessToken === '') throw new ReveilleError('token-missing');
  const sender = await senders.identify(accessToken);
  if (!sender.scopes.has(CHANNEL_SCOPE))
    throw new ReveilleError('scope-insufficient', `It needs ${CHANNEL_SCOPE}.`);
  if (sender.project !== null) await senders.assertEnabled(sender);
  return sender;
}

/**
 * The app that a client speaks for: its own; for the client of a project the named one, or the only one of its account.
 * @param named what the caller sent, unchecked; `field` is how the caller calls it.
 * @throws `input-invalid` when there is no choice or the name is no app id, `app-not-owned` for the app of another publisher.
 */
export async function clientApp(
  senders: Senders,
  sender: Sender,
  named: string | undefined,
  field: string,
): Promise<AppId> {
  if (named !== undefined && !isAppId(named))
    throw invalid(field, `"${field}" must be an app id: 32 letters a-p.`);
  if (sender.project === null) {
    if (named !== undefined && named !== sender.client)
      throw invalid(field, 'The client of an app speaks for that app only.');
    return sender.client as AppId;
  }
  const owned = await senders.ownedApps(sender);
  if (named !== undefined) {
    if (!owned.includes(named)) throw new ReveilleError('app-not-owned', undefined, { location: field });
    return named;
  }
  const [only] = owned;
  if (only === undefined || owned.length > 1) {
    throw invalid(field, `The account has ${owned.length} apps: name one in "${field}".`);
  }
  return only;
}

function invalid(field: string, detail: string): ReveilleError {
  return new ReveilleError('input-invalid', detail, { location: field });
}
