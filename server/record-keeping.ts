import { limits } from '../protocol/limits.ts';
import { pruneAudit } from './accounts/audit.ts';
import type { Ground } from './foundation.ts';

/** Lets old entries leave the records of the control plane, now and then. Answers how to stop. */
export function startRecordKeeping({ db, world }: Pick<Ground, 'db' | 'world'>): () => Promise<void> {
  const { clock, events } = world;
  let stopped = false;
  let stopTimer: () => void;
  let underWay: Promise<void> = Promise.resolve();
  const round = (): void => {
    underWay = pruneAudit(db, clock)
      .then(() => undefined)
      .catch((error: unknown) => events.failed('prune the audit log', error))
      .finally(() => {
        if (!stopped) stopTimer = clock.after(limits.auditPruneMs, round);
      });
  };
  stopTimer = clock.after(limits.auditPruneMs, round);
  return async () => {
    stopped = true;
    stopTimer();
    await underWay;
  };
}
