import { isAppId } from '../protocol/app-id.ts';
import { ReveilleError } from '../protocol/errors.ts';
import type { Ground } from './foundation.ts';
import type { Projects } from './oauth/projects.ts';
import { openWebhooks, type WebhooksRoom } from './webhooks/room.ts';
import type { WebhooksDeps } from './webhooks/webhooks.ts';
import type { Apps } from './webstore/apps.ts';

/** Puts the room of webhooks together. */
export function webhooksOf(
  { config, world, secrets, db, core }: Ground,
  people: { readonly projects: Projects; readonly apps: Apps },
): WebhooksRoom {
  const { store, bus, deliveries } = core;
  const { node, moves } = deliveries;
  const { privateAddresses } = config.webhooks;
  const access = webhookAccess(people);
  return openWebhooks({ ...world, db, secrets, store, bus, node, moves, access, privateAddresses });
}

/**
 * Webhooks of a project are looked after by its editors, and seen by its viewers; those of an app by everyone in the publisher
 * group that owns it.
 */
export function webhookAccess({
  projects,
  apps,
}: {
  readonly projects: Pick<Projects, 'assertMay'>;
  readonly apps: Pick<Apps, 'open'>;
}): WebhooksDeps['access'] {
  return async (actor, { kind, id }, to) => {
    if (kind === 'project') {
      await projects.assertMay(actor, id, to === 'see' ? 'look' : 'change-webhooks');
      return null;
    }
    if (!isAppId(id)) throw new ReveilleError('not-found', 'There is no such app among yours.');
    return (await apps.open(actor.id, id)).group;
  };
}
