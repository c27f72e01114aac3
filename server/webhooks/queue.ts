import { limits } from '../../protocol/limits.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock } from '../core/clock.ts';
import type { Delivery, EventType, ShownDelivery } from './webhook.ts';

/** A delivery whose time has come, and where it goes. */
export interface DueDelivery extends Delivery {
  readonly attempts: number;
  readonly url: string;
  readonly secretSealed: string;
}

/** How a call ended. */
export interface Outcome {
  readonly state: 'delivered' | 'failed' | 'gone';
  /** The status, or why there was none. */
  readonly answer: string;
  /** What the other side asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

const DAY_MS = 86_400_000;
/** Databases bound the values of one statement. */
const ROWS_PER_INSERT = 200;

/** The events that wait to be told, and those that were told lately: on disk before anything is done with them. */
export class DeliveryQueue {
  readonly #db: ControlDatabase;
  readonly #clock: Clock;

  constructor(deps: { readonly db: ControlDatabase; readonly clock: Clock }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
  }

  /**
   * Keeps deliveries in one commit, each id once. Beyond limits.webhookQueue waiting ones of a webhook the further are counted as
   * dropped; those of a webhook that is gone are let go.
   */
  async add(deliveries: readonly Delivery[]): Promise<void> {
    const now = this.#clock.now();
    await this.#db.transaction().execute(async (trx) => {
      for (const webhook of new Set(deliveries.map((one) => one.webhook))) {
        const known = await trx
          .selectFrom('webhooks')
          .select('id')
          .where('id', '=', webhook)
          .executeTakeFirst();
        if (known === undefined) continue;
        const mine = deliveries.filter((one) => one.webhook === webhook);
        const room = limits.webhookQueue - (await waitingFor(trx, webhook));
        const fit = mine.slice(0, Math.max(0, room));
        for (let from = 0; from < fit.length; from += ROWS_PER_INSERT)
          await trx
            .insertInto('webhook_deliveries')
            .values(
              fit.slice(from, from + ROWS_PER_INSERT).map((one) => ({
                ...one,
                created_at: now,
                next_at: now,
                state: 'waiting' as const,
                attempts: 0,
              })),
            )
            .onConflict((conflict) => conflict.column('id').doNothing())
            .execute();
        const over = mine.length - fit.length;
        if (over > 0)
          await trx
            .updateTable('webhooks')
            .set(({ eb }) => ({ dropped: eb('dropped', '+', over) }))
            .where('id', '=', webhook)
            .execute();
      }
    });
  }

  /**
   * What is due, longest waiting first. Nothing of a webhook that is switched off, and nothing of an app's when the app belongs to
   * another group by now.
   * @param except ids that are under way
   * @param busy webhooks that have enough under way
   */
  async due(
    now: number,
    limit: number,
    except: readonly string[],
    busy: readonly string[],
  ): Promise<readonly DueDelivery[]> {
    return await this.#callable()
      .where('webhook_deliveries.next_at', '<=', now)
      .$if(except.length > 0, (query) => query.where('webhook_deliveries.id', 'not in', except))
      .$if(busy.length > 0, (query) => query.where('webhooks.id', 'not in', busy))
      .select(['webhook_deliveries.id', 'webhook', 'type', 'body', 'attempts', 'url'])
      .select('secret_sealed as secretSealed')
      .orderBy('next_at')
      .orderBy('seq')
      .limit(limit)
      .execute();
  }

  /** When the first delivery that was not due at `now` will be; undefined = none waits. */
  async nextAt(now: number): Promise<number | undefined> {
    const row = await this.#callable()
      .where('webhook_deliveries.next_at', '>', now)
      .select(({ fn }) => fn.min('next_at').as('at'))
      .executeTakeFirst();
    return row?.at ?? undefined;
  }

  /** How many deliveries wait for a webhook that may be called, and since when (milliseconds since 1970) the longest; undefined = none. */
  async backlog(): Promise<{ readonly waiting: number; readonly since: number | undefined }> {
    const row = await this.#callable()
      .select(({ fn }) => [
        fn.countAll<number>().as('waiting'),
        fn.min('webhook_deliveries.created_at').as('since'),
      ])
      .executeTakeFirstOrThrow();
    return { waiting: Number(row.waiting), since: row.since ?? undefined };
  }

  /** Records how a call ended: told, to be tried again, or given up; and what that says of the webhook. */
  async settle(
    { id, webhook, attempts }: DueDelivery,
    { state, answer, retryAfterMs }: Outcome,
  ): Promise<void> {
    const now = this.#clock.now();
    const wait = limits.webhookRetryMs[attempts];
    const again = state !== 'delivered' && wait !== undefined;
    await this.#db.transaction().execute(async (trx) => {
      await trx
        .updateTable('webhook_deliveries')
        .set({
          state: state === 'delivered' ? 'delivered' : again ? 'waiting' : 'given-up',
          attempts: attempts + 1,
          last_answer: answer,
          last_at: now,
          next_at: again ? now + Math.max(wait, Math.min(retryAfterMs ?? 0, DAY_MS)) : null,
        })
        .where('id', '=', id)
        .execute();
      if (state === 'delivered')
        await trx.updateTable('webhooks').set({ failing_since: null }).where('id', '=', webhook).execute();
      else await this.#failed(trx, webhook, state === 'gone', now);
    });
  }

  /** The newest deliveries of a webhook, newest first. */
  async recent(webhook: string, limit: number): Promise<readonly ShownDelivery[]> {
    const rows = await this.#db
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('webhook', '=', webhook)
      .orderBy('seq', 'desc')
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      id: row.id,
      webhook,
      type: row.type,
      createdAt: row.created_at,
      state: row.state,
      attempts: row.attempts,
      lastAnswer: row.last_answer,
      lastAt: row.last_at,
      nextAt: row.next_at,
    }));
  }

  /** When the newest event of a type, of those kept before a moment, was kept for each webhook that has one. */
  async newest(type: EventType, before: number): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db
      .selectFrom('webhook_deliveries')
      .where('type', '=', type)
      .where('created_at', '<', before)
      .groupBy('webhook')
      .select(({ fn }) => ['webhook', fn.max('created_at').as('at')])
      .execute();
    return new Map(rows.map(({ webhook, at }) => [webhook, Number(at)]));
  }

  waiting(webhook: string): Promise<number> {
    return waitingFor(this.#db, webhook);
  }

  /** Forgets what was told or given up long ago, what is too much of it, and webhooks of apps that changed hands. */
  async prune(): Promise<void> {
    await this.#db
      .deleteFrom('webhook_deliveries')
      .where('created_at', '<', this.#clock.now() - limits.webhookDeliveryDays * DAY_MS)
      .execute();
    await this.#db
      .deleteFrom('webhooks')
      .where('app', 'is not', null)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('apps')
              .select('apps.id')
              .whereRef('apps.id', '=', 'webhooks.app')
              .whereRef('apps.group', '=', 'webhooks.app_group'),
          ),
        ),
      )
      .execute();
    for (const { id } of await this.#db.selectFrom('webhooks').select('id').execute()) {
      const last = await this.#db
        .selectFrom('webhook_deliveries')
        .select('seq')
        .where('webhook', '=', id)
        .orderBy('seq', 'desc')
        .offset(limits.webhookDeliveriesKept)
        .limit(1)
        .executeTakeFirst();
      if (last === undefined) continue;
      await this.#db
        .deleteFrom('webhook_deliveries')
        .where('webhook', '=', id)
        .where('state', '!=', 'waiting')
        .where('seq', '<=', last.seq)
        .execute();
    }
  }

  #callable() {
    return this.#db
      .selectFrom('webhook_deliveries')
      .innerJoin('webhooks', 'webhooks.id', 'webhook_deliveries.webhook')
      .leftJoin('apps', 'apps.id', 'webhooks.app')
      .where('webhook_deliveries.state', '=', 'waiting')
      .where('webhooks.disabled_at', 'is', null)
      .where(({ or, eb }) => or([eb('app', 'is', null), eb('apps.group', '=', eb.ref('app_group'))]));
  }

  async #failed(trx: ControlDatabase, webhook: string, gone: boolean, now: number): Promise<void> {
    const row = await trx.selectFrom('webhooks').selectAll().where('id', '=', webhook).executeTakeFirst();
    if (row === undefined || row.disabled_at !== null) return;
    const since = row.failing_since ?? now;
    const tooLong = now - since >= limits.webhookFailingDays * DAY_MS;
    await trx.updateTable('webhooks').set({ failing_since: since }).where('id', '=', webhook).execute();
    if (!gone && !tooLong) return;
    const why = gone
      ? 'It answered 410: it does not want to be called.'
      : `No call has succeeded for ${limits.webhookFailingDays} days.`;
    await trx
      .updateTable('webhooks')
      .set({ disabled_at: now, disabled_why: why })
      .where('id', '=', webhook)
      .execute();
    await audit(trx, this.#clock).record({
      account: null,
      subject: row.project ?? row.app_group ?? '',
      event: 'webhook.disabled',
      detail: `${new URL(row.url).host}: ${why}`,
    });
  }
}

async function waitingFor(db: ControlDatabase, webhook: string): Promise<number> {
  const { count } = await db
    .selectFrom('webhook_deliveries')
    .where('webhook', '=', webhook)
    .where('state', '=', 'waiting')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}
