import { createHash } from 'node:crypto';
import type { Clock, Random } from '../core/clock.ts';
import type { ControlDatabase } from './database.ts';

/** An invite is good for 14 days. */
export const inviteMs = 14 * 86_400_000;

/** How an invite looks in the administrator's list. The code itself is kept nowhere. */
export interface Invite {
  /** Names the invite in forms; it is the hash and opens nothing. */
  readonly id: string;
  /** The only address that may use it; null for any. */
  readonly email: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Id of the account that used it; null while it is open. */
  readonly usedBy: string | null;
}

/** Codes with which one person each may sign up. */
export class Invites {
  readonly #db: ControlDatabase;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(db: ControlDatabase, clock: Clock, random: Random) {
    this.#db = db;
    this.#clock = clock;
    this.#random = random;
  }

  /** Makes a code of 120 random bits, to be shown once. With `email` only that address may use it. */
  async create(email: string | null): Promise<string> {
    const code = Buffer.from(this.#random(15)).toString('base64url');
    const now = this.#clock.now();
    await this.#db
      .insertInto('invites')
      .values({
        hash: hashOf(code),
        email: email?.trim().toLowerCase() || null,
        created_at: now,
        expires_at: now + inviteMs,
        used_by: null,
      })
      .execute();
    return code;
  }

  /** Takes the code for a sign-up that is under way. Of two at the same moment, one gets it. */
  async take(code: string, email: string): Promise<boolean> {
    const taken = await this.#db
      .updateTable('invites')
      .set({ used_by: underWay })
      .where('hash', '=', hashOf(code))
      .where('used_by', 'is', null)
      .where('expires_at', '>', this.#clock.now())
      .where(({ or, eb }) => or([eb('email', 'is', null), eb('email', '=', email.trim().toLowerCase())]))
      .executeTakeFirst();
    return taken.numUpdatedRows === 1n;
  }

  /** The sign-up ended: with an account, or not, and then the code is open again. */
  async settle(code: string, account: string | null): Promise<void> {
    await this.#db
      .updateTable('invites')
      .set({ used_by: account })
      .where('hash', '=', hashOf(code))
      .execute();
  }

  /** Opens again what a crash left under way. Called at start. */
  async reopen(): Promise<void> {
    await this.#db.updateTable('invites').set({ used_by: null }).where('used_by', '=', underWay).execute();
  }

  /** The newest first. */
  async list(): Promise<readonly Invite[]> {
    const rows = await this.#db
      .selectFrom('invites')
      .selectAll()
      .orderBy('created_at', 'desc')
      .limit(200)
      .execute();
    return rows.map((row) => ({
      id: row.hash,
      email: row.email,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      usedBy: row.used_by,
    }));
  }

  /** Withdraws an open invite; one that was used stays in the list. */
  async withdraw(id: string): Promise<boolean> {
    const gone = await this.#db
      .deleteFrom('invites')
      .where('hash', '=', id)
      .where('used_by', 'is', null)
      .executeTakeFirst();
    return gone.numDeletedRows === 1n;
  }
}

const underWay = 'sign-up under way';

const hashOf = (code: string): string => createHash('sha256').update(code.trim()).digest('base64url');
