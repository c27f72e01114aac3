import type { Config } from './config/config.ts';
import { Acceptance } from './core/accept.ts';
import { losAngelesDays, utcDays } from './core/quota-day.ts';
import type { Ground } from './foundation.ts';
import type { Rooms } from './people.ts';
import type { Waking } from './waking.ts';

export function acceptance({ world, core, config }: Ground, { oauth }: Rooms, { wakes }: Waking): Acceptance {
  const { clock, events } = world;
  const calendar = calendarOf(config);
  return new Acceptance({
    senders: oauth.senders,
    store: core.store,
    announcer: core.announcer,
    wakes,
    clock,
    calendar,
    events,
  });
}

export const calendarOf = (config: Config) => (config.compat === '2013' ? losAngelesDays : utcDays);
