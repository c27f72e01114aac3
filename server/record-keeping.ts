import { limits } from '../protocol/limits.ts';
import { pruneAudit } from './accounts/audit.ts';
import type { Ground } from './foundation.ts';
import { type Span, type Traffic, TrafficLedger, type TrafficOf } from './traffic/ledger.ts';
import type { TrafficMeter } from './traffic/meter.ts';

/** The records that the server writes about itself, beside what its rooms keep. */
export interface RecordKeeping {
  /** What was counted, up to now. */
  traffic(of: TrafficOf, span: Span): Promise<Traffic>;
  /** Writes what is still in memory. */
  stop(): Promise<void>;
}

/** Writes what was counted in short intervals, and lets old entries of traffic and audit log go now and then. */
export function startRecordKeeping(
  { db, core, world }: Pick<Ground, 'db' | 'core' | 'world'>,
  meter: TrafficMeter,
): RecordKeeping {
  const { clock, events } = world;
  const ledger = new TrafficLedger(db);
  meter.watch(core.store);
  const prune = async (): Promise<void> => {
    await pruneAudit(db, clock);
    await ledger.prune(clock.now());
  };
  const stopping = [
    repeated(
      clock,
      limits.trafficFlushMs,
      () => meter.flush(ledger),
      (error) => events.failed('keep the traffic', error),
    ),
    repeated(clock, limits.recordPruneMs, prune, (error) => events.failed('prune the records', error)),
  ];
  return {
    async traffic(of, span) {
      await meter.flush(ledger);
      return await ledger.read(of, span, clock.now());
    },
    async stop() {
      for (const stop of stopping) await stop();
      await meter.flush(ledger).catch((error: unknown) => events.failed('keep the traffic', error));
    },
  };
}

/** Does something again and again, each time `ms` after the last one ended. Answers how to stop it, which waits for its end. */
function repeated(
  clock: Ground['world']['clock'],
  ms: number,
  work: () => Promise<void>,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  const round = (): void => {
    underWay = work()
      .catch(failed)
      .finally(() => {
        if (!stopped) stopTimer = clock.after(ms, round);
      });
  };
  let stopTimer = clock.after(ms, round);
  return async () => {
    stopped = true;
    stopTimer();
    await underWay;
  };
}
