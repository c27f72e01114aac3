import type { Config } from './config/config.ts';
import { Acceptance } from './core/accept.ts';
import { Multicasts } from './core/multicasts.ts';
import { losAngelesDays, utcDays } from './core/quota-day.ts';
import type { Door } from './doors/door.ts';
import type { Refusals } from './doors/refusals.ts';
import type { Ground } from './foundation.ts';
import { multicastDoor } from './intake/multicast/multicast-door.ts';
import type { Rooms } from './people.ts';
import type { Waking } from './waking.ts';

export function acceptance(
  { world, core, config }: Ground,
  { oauth, webhooks }: Rooms,
  { wakes }: Waking,
): Acceptance {
  const { clock, events } = world;
  const calendar = calendarOf(config);
  return new Acceptance({
    senders: oauth.senders,
    store: core.store,
    announcer: core.announcer,
    wakes,
    load: core.load,
    clock,
    calendar,
    followers: webhooks.followers,
    events,
  });
}

/** The door of the second API. */
export function secondDoor(
  ground: Ground,
  rooms: Rooms,
  waking: Waking,
  refusals: Refusals,
  origin: string,
): Door {
  const { world, core, config } = ground;
  const multicasts = new Multicasts({
    ...world,
    ...core,
    senders: rooms.oauth.senders,
    acceptance: acceptance(ground, rooms, waking),
    wakes: waking.wakes,
    followers: rooms.webhooks.followers,
    calendar: calendarOf(config),
  });
  return multicastDoor({ ...world, multicasts, refusals, origin, moves: core.deliveries.moves });
}

export const calendarOf = (config: Config) => (config.compat === '2013' ? losAngelesDays : utcDays);
