import { calendarOf } from './accepting.ts';
import type { Ground } from './foundation.ts';
import type { Rooms } from './people.ts';
import type { QuotaWarning, QuotaWatch } from './quota/quota-watch.ts';
import { warningMail } from './quota/warning-mail.ts';

/** Lets owners know, by mail where it is sent and by webhook, that a quota comes to its end. Answers how to stop. */
export function startQuotaWarnings(
  watch: QuotaWatch,
  { world, core, db, config }: Ground,
  { oauth, webhooks, mailer }: Rooms,
  origin: string,
): () => Promise<void> {
  const tell = async (warning: QuotaWarning): Promise<void> => {
    const { project, percent, accepted, limit, day, resetsAt } = warning;
    await webhooks.tellProject(project.id, 'quota.warning', `${day} ${percent}`, {
      project: project.id,
      percent,
      accepted,
      limit,
      resetsAt: new Date(resetsAt).toISOString(),
    });
    if (mailer === undefined) return;
    for (const email of await oauth.team.ownerAddresses(project.id))
      mailer.send(warningMail(email, origin, warning));
  };
  return watch.start({
    ...world,
    db,
    store: core.store,
    calendar: calendarOf(config),
    dailyQuota: config.dailyQuota,
    tell,
  });
}
