import { Hono } from 'hono';
import type { PageEnv } from './accounts/page-guard.ts';
import type { World } from './foundation.ts';
import type { Rooms } from './people.ts';
import { itemCalls } from './webstore/item-calls.ts';
import { PublishDoor } from './webstore/publish-door.ts';
import { publisherCalls } from './webstore/publisher-calls.ts';

/** Both generations of the Publish API. */
export function publishing(
  world: Pick<World, 'clock' | 'events'>,
  { oauth, webstore }: Pick<Rooms, 'oauth' | 'webstore'>,
): Hono<PageEnv> {
  const deps = { ...webstore, door: new PublishDoor({ ...world, senders: oauth.senders }) };
  const routes = new Hono<PageEnv>();
  routes.route('/', itemCalls(deps));
  routes.route('/', publisherCalls(deps));
  return routes;
}
