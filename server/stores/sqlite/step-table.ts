import type { Database, Statement } from 'bun:sqlite';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey } from '../../core/store.ts';
import type { DeviceRow } from './device-table.ts';

/** The way of tracked messages before they end, and when a channel last confirmed any. */
export class StepTable {
  readonly #sent: Statement<unknown, [number, number, number]>;
  readonly #received: Statement<unknown, [number, number, number]>;
  readonly #has: Statement<{ sent: number; received: number }, [number, number]>;
  readonly #setConfirmed: Statement<unknown, [number, number]>;
  readonly #confirmed: Statement<{ at: number }, [number]>;
  /** A busy channel confirms many times per commit and is written once. */
  readonly #changed = new Map<ChannelKey, number>();

  constructor(db: Database) {
    this.#sent = db.prepare(
      `INSERT INTO steps VALUES (?, ?, ?, NULL)
       ON CONFLICT DO UPDATE SET sent_at = excluded.sent_at WHERE sent_at IS NULL`,
    );
    this.#received = db.prepare(
      `INSERT INTO steps VALUES (?, ?, NULL, ?)
       ON CONFLICT DO UPDATE SET received_at = excluded.received_at WHERE received_at IS NULL`,
    );
    this.#has = db.prepare(
      `SELECT sent_at IS NOT NULL AS sent, received_at IS NOT NULL AS received
       FROM steps WHERE version = ? AND device = ?`,
    );
    this.#setConfirmed = db.prepare(
      'INSERT INTO confirms VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at',
    );
    this.#confirmed = db.prepare('SELECT at FROM confirms WHERE channel = ?');
  }

  has(step: 'sent' | 'received', device: DeviceRow, version: Version): boolean {
    return this.#has.get(version, device.key)?.[step] === 1;
  }

  /** Notes a step, the first time. */
  note(step: 'sent' | 'received', device: DeviceRow, version: Version, at: number): void {
    (step === 'sent' ? this.#sent : this.#received).run(version, device.key, at);
  }

  channelConfirmed(channel: ChannelKey, at: number): void {
    this.#changed.set(channel, at);
  }

  lastConfirmed(channel: ChannelKey): number | undefined {
    return this.#confirmed.get(channel)?.at;
  }

  /** Part of each commit. */
  flush(): void {
    for (const [channel, at] of this.#changed) this.#setConfirmed.run(channel, at);
    this.#changed.clear();
  }

  forget(): void {
    this.#changed.clear();
  }
}
