import { limits } from '../../protocol/limits.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { ControlDatabase } from './database.ts';

/** One thing that someone may have to answer for. No secret, no token, no password goes in. */
export interface AuditEntry {
  /** The account that did it; null for the system or the operator. */
  readonly account: string | null;
  /** What it is about: the id of a project, an app, a client, an account. */
  readonly subject: string;
  /** What happened, such as `account.disabled`: the room's word, a dot, a verb in the past. */
  readonly event: string;
  /** A sentence or a name for the reader; empty when the event says all. */
  readonly detail: string;
}

export interface AuditRecord extends AuditEntry {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Audit {
  /** Keeps an entry. Give `audit` the transaction instead of the database to keep it with the change, or not at all. */
  record(entry: AuditEntry): Promise<void>;
  /** The newest entries first, at most `limit`: about one subject, by one account, or all. */
  recent(of?: {
    readonly subject?: string;
    readonly account?: string;
    readonly limit?: number;
  }): Promise<readonly AuditRecord[]>;
}

/** The audit log in the control plane. */
export function audit(db: ControlDatabase, clock: Clock = systemClock): Audit {
  return {
    async record(entry) {
      await db
        .insertInto('audit')
        .values({ ...entry, at: clock.now() })
        .execute();
    },
    async recent({ subject, account, limit = 100 } = {}) {
      let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
      if (subject !== undefined) query = query.where('subject', '=', subject);
      if (account !== undefined) query = query.where('account', '=', account);
      return await query.execute();
    },
  };
}

/** Removes entries that are too old, and of a subject that has too many the oldest. Answers how many went. */
export async function pruneAudit(db: ControlDatabase, clock: Clock): Promise<number> {
  const old = await db
    .deleteFrom('audit')
    .where('at', '<', clock.now() - limits.auditDays * 86_400_000)
    .executeTakeFirst();
  let removed = Number(old.numDeletedRows);
  const crowded = await db
    .selectFrom('audit')
    .select('subject')
    .groupBy('subject')
    .having((is) => is.fn.countAll(), '>', limits.auditEntriesPerSubject)
    .execute();
  for (const { subject } of crowded) {
    const firstKept = db
      .selectFrom('audit')
      .select('id')
      .where('subject', '=', subject)
      .orderBy('id', 'desc')
      .limit(1)
      .offset(limits.auditEntriesPerSubject - 1);
    const gone = await db
      .deleteFrom('audit')
      .where('subject', '=', subject)
      .where('id', '<', firstKept)
      .executeTakeFirst();
    removed += Number(gone.numDeletedRows);
  }
  return removed;
}
