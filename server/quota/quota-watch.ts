import { limits } from '../../protocol/limits.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock } from '../core/clock.ts';
import { PUSH_PROJECT } from '../core/push.ts';
import type { QuotaCalendar } from '../core/quota-day.ts';
import type { Store } from '../core/store.ts';
import type { Events } from '../observe/events.ts';

/** How much of a day's messages is used up when its owners are told, in hundredths, highest first. */
const steps = [95, 80] as const;

/** What is told: a project has used up a part of its messages of a day. */
export interface QuotaWarning {
  readonly project: { readonly id: string; readonly name: string };
  readonly percent: (typeof steps)[number];
  readonly accepted: number;
  readonly limit: number;
  readonly day: string;
  /** Milliseconds since 1970. */
  readonly resetsAt: number;
}

export interface QuotaWatchDeps {
  readonly db: ControlDatabase;
  readonly store: Pick<Store, 'acceptedOn'>;
  readonly calendar: QuotaCalendar;
  readonly clock: Clock;
  readonly events: Pick<Events, 'failed'>;
  /** Of projects that have none of their own; 0 = no limit. */
  readonly dailyQuota: number;
  /** Tells it wherever it is to be told; what throws is told again at the next look. */
  readonly tell: (warning: QuotaWarning) => Promise<void>;
}

/**
 * Warns of quotas that come to their end. Accepting a message costs it one look into a set; what was used up is read a
 * few seconds later, of the projects that sent meanwhile.
 */
export class QuotaWatch {
  readonly events: Pick<Events, 'accepted'> = { accepted: (_version, project) => this.#sent(project) };
  readonly #sending = new Set<string>();
  /** Projects of `#day` that were told of the highest step. */
  readonly #done = new Set<string>();
  #day = '';
  #deps: QuotaWatchDeps | undefined;
  #stopTimer: (() => void) | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** Begins to look. Answers how to stop, which waits for a look under way. */
  start(deps: QuotaWatchDeps): () => Promise<void> {
    this.#deps = deps;
    return async () => {
      this.#deps = undefined;
      this.#stopTimer?.();
      await this.idle();
    };
  }

  /** Settles when no look is under way. */
  async idle(): Promise<void> {
    await this.#looking;
  }

  #sent(project: string): void {
    if (project === PUSH_PROJECT || this.#deps === undefined || this.#sending.has(project)) return;
    this.#sending.add(project);
    this.#stopTimer ??= this.#deps.clock.after(limits.quotaLookMs, () => this.#begin());
  }

  #begin(): void {
    this.#stopTimer = undefined;
    const deps = this.#deps;
    if (deps === undefined) return;
    const projects = [...this.#sending];
    this.#sending.clear();
    this.#looking = this.#looking.then(async () => {
      for (const project of projects)
        await this.#look(deps, project).catch((error: unknown) => {
          deps.events.failed('quota warnings', error);
          this.#sent(project);
        });
    });
  }

  async #look({ db, store, calendar, clock, dailyQuota, tell }: QuotaWatchDeps, id: string): Promise<void> {
    const { day, endsAt } = calendar(clock.now());
    if (day !== this.#day) this.#done.clear();
    this.#day = day;
    if (this.#done.has(id)) return;
    const project = await db
      .selectFrom('projects')
      .leftJoin('quota_warnings', 'quota_warnings.project', 'projects.id')
      .select(['id', 'name', 'daily_quota', 'day', 'percent'])
      .where('id', '=', id)
      .executeTakeFirst();
    const limit = project?.daily_quota ?? dailyQuota;
    if (project === undefined || limit === 0) return;
    const told = project.day === day ? (project.percent ?? 0) : 0;
    const accepted = await store.acceptedOn(id, day);
    const percent = steps.find((step) => accepted * 100 >= limit * step);
    if (percent !== undefined && percent > told) {
      await tell({ project: { id, name: project.name }, percent, accepted, limit, day, resetsAt: endsAt });
      await db
        .insertInto('quota_warnings')
        .values({ project: id, day, percent })
        .onConflict((conflict) => conflict.column('project').doUpdateSet({ day, percent }))
        .execute();
    }
    if (Math.max(told, percent ?? 0) === steps[0]) this.#done.add(id);
  }
}
