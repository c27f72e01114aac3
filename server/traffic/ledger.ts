import { sql } from 'kysely';
import { limits } from '../../protocol/limits.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Counts } from './counts.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** A database takes a bounded number of values in one statement; a row has six. */
const ROWS_PER_STATEMENT = 100;

/** What was counted within one minute. */
export interface CountedMinute {
  /** Where it begins. */
  readonly at: number;
  readonly series: readonly { readonly project: string; readonly app: string; readonly counts: Counts }[];
}

/** Whose traffic: of a project, of an app in it, or of an app whoever sends to it. */
export type TrafficOf =
  | { readonly project: string; readonly app?: string | undefined }
  | { readonly project?: undefined; readonly app: string };

/** How far back, and in what steps. Both grains are kept from the start, so a span is read from one of them. */
export const spans = {
  hour: { grain: 'minute', stepMs: MINUTE, steps: 60 },
  day: { grain: 'minute', stepMs: 15 * MINUTE, steps: 96 },
  month: { grain: 'hour', stepMs: 6 * HOUR, steps: 120 },
} as const;

export type Span = keyof typeof spans;

export interface Traffic {
  /** The beginning of each step, oldest first; the last one is under way. */
  readonly steps: readonly { readonly at: number; readonly counts: Counts }[];
  readonly total: Counts;
  /** The apps with the most accepted messages, at most limits.trafficApps. */
  readonly apps: readonly { readonly app: string; readonly counts: Counts }[];
}

/** Counts per project, app, minute and hour in the control plane. */
export class TrafficLedger {
  readonly #db: ControlDatabase;

  constructor(db: ControlDatabase) {
    this.#db = db;
  }

  /** Adds what was counted, all or nothing. */
  async add(minutes: readonly CountedMinute[]): Promise<void> {
    const rows = minutes.flatMap(({ at, series }) =>
      series.flatMap(({ project, app, counts }) =>
        [...counts].flatMap(([kind, count]) => [
          { project, app, grain: 'minute' as const, at, kind, count },
          { project, app, grain: 'hour' as const, at: at - (at % HOUR), kind, count },
        ]),
      ),
    );
    await this.#db.transaction().execute(async (trx) => {
      for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT)
        await trx
          .insertInto('traffic')
          .values(rows.slice(from, from + ROWS_PER_STATEMENT))
          .onConflict((conflict) =>
            conflict
              .columns(['project', 'grain', 'at', 'app', 'kind'])
              .doUpdateSet((is) => ({ count: is('traffic.count', '+', is.ref('excluded.count')) })),
          )
          .execute();
    });
  }

  async read(of: TrafficOf, span: Span, now: number): Promise<Traffic> {
    const { grain, stepMs, steps } = spans[span];
    const first = now - (now % stepMs) - (steps - 1) * stepMs;
    const asked = () => {
      const rows = this.#db.selectFrom('traffic').where('grain', '=', grain).where('at', '>=', first);
      const ofApp = of.app === undefined ? rows : rows.where('app', '=', of.app);
      return of.project === undefined ? ofApp : ofApp.where('project', '=', of.project);
    };
    const step = sql<number>`at - at % ${sql.lit(stepMs)}`;
    const sum = (counted: { count: number | string | bigint }) => Number(counted.count);
    const byStep = await asked()
      .select([step.as('step'), 'kind', (is) => is.fn.sum('count').as('count')])
      .groupBy([step, 'kind'])
      .execute();
    const byApp = await asked()
      .select(['app', 'kind', (is) => is.fn.sum('count').as('count')])
      .groupBy(['app', 'kind'])
      .execute();
    const total = new Map<string, number>();
    const atStep = new Map<number, Map<string, number>>();
    for (const row of byStep) {
      total.set(row.kind, (total.get(row.kind) ?? 0) + sum(row));
      const at = Number(row.step);
      atStep.set(at, (atStep.get(at) ?? new Map()).set(row.kind, sum(row)));
    }
    const ofApps = new Map<string, Map<string, number>>();
    for (const row of byApp) ofApps.set(row.app, (ofApps.get(row.app) ?? new Map()).set(row.kind, sum(row)));
    return {
      steps: Array.from({ length: steps }, (_, index) => {
        const at = first + index * stepMs;
        return { at, counts: atStep.get(at) ?? new Map() };
      }),
      total,
      apps: [...ofApps]
        .map(([app, counts]) => ({ app, counts }))
        .sort((one, other) => (other.counts.get('accepted') ?? 0) - (one.counts.get('accepted') ?? 0))
        .slice(0, limits.trafficApps),
    };
  }

  /** Lets go what is older than it is kept. */
  async prune(now: number): Promise<void> {
    const ages = { minute: limits.trafficMinuteHours * HOUR, hour: limits.trafficHourDays * 24 * HOUR };
    for (const grain of ['minute', 'hour'] as const)
      await this.#db
        .deleteFrom('traffic')
        .where('grain', '=', grain)
        .where('at', '<', now - ages[grain])
        .execute();
  }
}
