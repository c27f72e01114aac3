import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { AppOwners } from '../core/app-owners.ts';

/**
 * DV8: an `Origin`, when there is one, must be one of the app: its extension, its hosted origins. Firefox gives every
 * install an origin of its own, so any `moz-extension://` is as good as another; the token decides.
 * Call it after the token was checked: a stranger does not learn the origins of an app.
 * @throws `origin-foreign`.
 */
export async function assertAppOrigin(
  origin: string | null,
  app: AppId,
  owners: Pick<AppOwners, 'find'>,
): Promise<void> {
  if (origin === null || origin === `chrome-extension://${app}` || origin.startsWith('moz-extension://'))
    return;
  const hosted = (await owners.find(app))?.origins ?? [];
  if (!hosted.includes(origin)) throw new ReveilleError('origin-foreign', `It was ${origin.slice(0, 120)}.`);
}
