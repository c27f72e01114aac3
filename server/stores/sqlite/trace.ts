import type { Database, Statement } from 'bun:sqlite';
import type { ChannelId } from '../../../protocol/channel-id.ts';
import type { Version } from '../../../protocol/version.ts';
import type { ChannelKey, DeviceTrace, Ending, MessageTrace, Slot } from '../../core/store.ts';

interface TracedRow {
  readonly version: Version;
  readonly channel: ChannelKey;
  readonly channelId: ChannelId;
  readonly slot: Slot;
  readonly project: string;
  readonly payload: string;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly seenAt: number | null;
}

interface TracedDevice {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly ending: Ending | null;
  readonly at: number | null;
  readonly failedRuns: number;
  readonly sentAt: number | null;
  readonly receivedAt: number | null;
}

const MESSAGES = `SELECT m.version, m.channel, coalesce(c.id, '') AS channelId, m.slot, p.id AS project, m.payload,
    m.accepted_at AS acceptedAt, m.expires_at AS expiresAt,
    (SELECT s.at FROM seen s WHERE s.channel = m.channel
       AND s.subchannel = CAST(replace(m.slot, 'q:', '') AS INTEGER) AND m.slot NOT GLOB 't:*' AND s.version >= m.version
     ORDER BY s.version LIMIT 1) AS seenAt
  FROM messages m JOIN channels c ON c.key = m.channel JOIN projects p ON p.key = m.project`;

/** What became of messages, for the pages that show it. */
export class Trace {
  readonly #ofProject: Statement<TracedRow, [number, number]>;
  readonly #ofChannel: Statement<TracedRow, [number, number]>;
  readonly #ofReceipts: Statement<TracedRow, [string, number]>;
  readonly #one: Statement<TracedRow, [number]>;
  readonly #devices: Statement<TracedDevice, [number, number]>;

  constructor(db: Database) {
    this.#ofProject = db.prepare(`${MESSAGES} WHERE m.project = ? ORDER BY m.version DESC LIMIT ?`);
    this.#ofChannel = db.prepare(`${MESSAGES} WHERE m.channel = ? ORDER BY m.version DESC LIMIT ?`);
    this.#ofReceipts = db.prepare(`${MESSAGES} WHERE m.receipts = ? ORDER BY m.version DESC LIMIT ?`);
    this.#one = db.prepare(`${MESSAGES} WHERE m.version = ?`);
    this.#devices = db.prepare(
      `SELECT d.id AS deviceId, d.name AS deviceName, o.ending, o.at, coalesce(r.failed, 0) AS failedRuns,
         s.sent_at AS sentAt, s.received_at AS receivedAt
       FROM devices d
       LEFT JOIN outcomes o ON o.version = ?2 AND o.device = d.key
       LEFT JOIN runs r ON r.version = ?2 AND r.device = d.key
       LEFT JOIN steps s ON s.version = ?2 AND s.device = d.key
       WHERE d.channel = ?1 AND d.since < ?2 AND (d.removed_at IS NULL OR o.ending IS NOT NULL)
       ORDER BY d.key`,
    );
  }

  ofProject(project: number, limit: number, now: number): readonly MessageTrace[] {
    return this.#ofProject.all(project, limit).map((row) => this.#traceOf(row, now));
  }

  ofChannel(channel: ChannelKey, limit: number, now: number): readonly MessageTrace[] {
    return this.#ofChannel.all(channel, limit).map((row) => this.#traceOf(row, now));
  }

  ofReceipts(receipts: string, limit: number, now: number): readonly MessageTrace[] {
    return this.#ofReceipts.all(receipts, limit).map((row) => this.#traceOf(row, now));
  }

  one(version: Version, now: number): MessageTrace | undefined {
    const row = this.#one.get(version);
    return row === null ? undefined : this.#traceOf(row, now);
  }

  #traceOf(row: TracedRow, now: number): MessageTrace {
    const { channel, seenAt, ...message } = row;
    const { expiresAt } = message;
    const devices = this.#devices.all(channel, row.version).map((device): DeviceTrace => {
      const { deviceId, deviceName, failedRuns, ending, at, sentAt, receivedAt } = device;
      const steps = { ...(sentAt !== null && { sentAt }), ...(receivedAt !== null && { receivedAt }) };
      const about = { deviceId, deviceName, failedRuns, ...steps };
      if (ending !== null) return { ...about, state: ending, at };
      // Pruning records it later; it has ended all the same.
      if (expiresAt <= now) return { ...about, state: 'expired', at: expiresAt };
      return { ...about, state: 'waiting', at: null };
    });
    return { ...message, devices, ...(seenAt !== null && { seenAt }) };
  }
}
