import type { Database, Statement } from 'bun:sqlite';
import { limits } from '../../../protocol/limits.ts';
import { isQueue, type SubchannelQueue } from '../../../protocol/slot.ts';
import { urgencies } from '../../../protocol/urgency.ts';
import type { Version } from '../../../protocol/version.ts';
import type {
  ChannelKey,
  Draft,
  Kept,
  MissedOf,
  PushHeaders,
  Slot,
  StatedUrgency,
} from '../../core/store.ts';
import { isTopic } from '../rules.ts';
import type { DeviceRow } from './device-table.ts';
import { Lru } from './lru.ts';

const PROJECTS_REMEMBERED = 10_000;

interface KeptRow extends Omit<Kept, 'headers' | 'urgency' | 'receipts' | 'tracked' | 'deliver'> {
  readonly deliver: 'any' | null;
  readonly headers: string | null;
  readonly urgency: StatedUrgency | null;
  readonly receipts: string | null;
  readonly stateUntil: number | null;
}

/** The newest message of a slot, and how the device stands to it. */
export interface Head extends KeptRow {
  /** 1 = it ended on the device. */
  readonly ended: number;
  /** 1 = an older one of the slot has not ended on the device. */
  readonly olderWait: number;
}

interface Place {
  readonly version: Version;
  readonly channel: ChannelKey;
  readonly slot: Slot;
  readonly expiresAt: number;
  readonly acceptedAt: number;
  /** Until when its state is kept; null for a message that is not tracked. */
  readonly stateUntil: number | null;
  readonly deliver: 'any' | null;
}

const KEPT = `m.version, m.channel, m.slot, m.payload, m.headers, m.urgency, m.receipts, m.deliver,
  m.state_until AS stateUntil,
  m.accepted_at AS acceptedAt, m.expires_at AS expiresAt`;

const PLACE_OF_URGENCY = `CASE coalesce(m.urgency, 'normal')
  ${urgencies.map((urgency, place) => `WHEN '${urgency}' THEN ${place}`).join(' ')} END`;

/** The slots of a channel, found by leaps through the index: a slot may hold thousands of rows that pruning has not reached. */
const SLOTS = `WITH RECURSIVE slots (slot) AS (
    SELECT (SELECT slot FROM messages WHERE channel = ?1 AND slot > '' ORDER BY slot LIMIT 1)
    UNION ALL
    SELECT (SELECT slot FROM messages WHERE channel = ?1 AND slot > slots.slot ORDER BY slot LIMIT 1)
      FROM slots WHERE slots.slot IS NOT NULL
  )`;

/** Messages: appended, read, never changed. */
export class MessageTable {
  readonly #insert: Statement<unknown, (string | number | null)[]>;
  readonly #insertProject: Statement<{ key: number }, [string]>;
  readonly #findProject: Statement<{ key: number }, [string]>;
  readonly #place: Statement<Place, [number]>;
  readonly #heads: Statement<Head, [number, number, number]>;
  readonly #page: Statement<KeptRow, [number, number, number, number, number, number]>;
  readonly #queue: Statement<unknown, [number, number, number, string | null]>;
  readonly #oldestQueued: Statement<{ oldest: Version; length: number }, [number, string, number]>;
  readonly #queueLength: Statement<{ length: number }, [number, number]>;
  readonly #topic: Statement<unknown, [number, string, number, number]>;
  readonly #topics: Statement<{ topics: number }, [number, number, string]>;
  readonly #hasDevice: Statement<unknown, [number]>;
  readonly #projects = new Lru<string, number>(PROJECTS_REMEMBERED);

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertProject = db.prepare('INSERT INTO projects (id) VALUES (?) RETURNING key');
    this.#findProject = db.prepare('SELECT key FROM projects WHERE id = ?');
    this.#place = db.prepare(
      `SELECT version, channel, slot, accepted_at AS acceptedAt, expires_at AS expiresAt,
         state_until AS stateUntil, deliver
       FROM messages WHERE version = ?`,
    );
    this.#heads = db.prepare(
      `${SLOTS}, heads AS (
         SELECT ${KEPT}, coalesce((SELECT version FROM marks WHERE device = ?2 AND slot = m.slot), ?3) AS mark
         FROM slots CROSS JOIN messages m
         WHERE slots.slot IS NOT NULL AND slots.slot NOT GLOB 'q:*'
           AND m.version = (SELECT max(version) FROM messages WHERE channel = ?1 AND slot = slots.slot)
       )
       SELECT version, channel, slot, payload, headers, urgency, receipts, deliver, stateUntil, acceptedAt, expiresAt,
         EXISTS (SELECT 1 FROM outcomes WHERE version = heads.version AND device = ?2) AS ended,
         EXISTS (
           SELECT 1 FROM messages o
           WHERE o.channel = ?1 AND o.slot = heads.slot AND o.version > mark AND o.version < heads.version
             AND NOT EXISTS (SELECT 1 FROM outcomes WHERE version = o.version AND device = ?2)
         ) AS olderWait
       FROM heads WHERE version > mark ORDER BY version`,
    );
    this.#page = db.prepare(
      `SELECT ${KEPT} FROM queued q CROSS JOIN messages m ON m.version = q.version
       WHERE q.channel = ?1 AND q.version > ?2 AND q.expires_at > ?3
         AND NOT EXISTS (SELECT 1 FROM outcomes WHERE version = q.version AND device = ?4)
         AND ${PLACE_OF_URGENCY} >= ?6
       ORDER BY q.version LIMIT ?5`,
    );
    this.#queue = db.prepare('INSERT INTO queued VALUES (?, ?, ?, ?)');
    this.#queueLength = db.prepare(
      'SELECT count(*) AS length FROM queued WHERE channel = ? AND expires_at > ?',
    );
    this.#oldestQueued = db.prepare(
      'SELECT min(version) AS oldest, count(*) AS length FROM queued WHERE channel = ? AND slot = ? AND expires_at > ?',
    );
    this.#topic = db.prepare(
      `INSERT INTO topics VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at`,
    );
    this.#topics = db.prepare(
      'SELECT count(*) AS topics FROM topics WHERE channel = ? AND expires_at > ? AND slot <> ?',
    );
    this.#hasDevice = db.prepare('SELECT 1 FROM devices WHERE channel = ? AND removed_at IS NULL LIMIT 1');
  }

  isQueueFull(channel: ChannelKey, now: number): boolean {
    return (this.#queueLength.get(channel, now)?.length ?? 0) >= limits.queuedPerChannel;
  }

  /** The oldest message that waits in the queue of a subchannel, when more wait there than may. */
  oneTooMany(channel: ChannelKey, queue: SubchannelQueue, now: number): Version | undefined {
    const found = this.#oldestQueued.get(channel, queue, now);
    return found !== null && found.length > limits.queuedPerSubchannel ? found.oldest : undefined;
  }

  /** Would this topic be one too many of those that wait? */
  areTopicsFull(channel: ChannelKey, topic: string, now: number): boolean {
    return (this.#topics.get(channel, now, topic)?.topics ?? 0) >= limits.topicsPerSubscription;
  }

  append(draft: Draft, version: Version, now: number): Kept {
    const {
      channel,
      slot,
      payload,
      expiresAt,
      urgency = null,
      receipts = null,
      stateUntil = null,
      deliver = null,
    } = draft;
    const headers = draft.headers === undefined ? null : JSON.stringify(draft.headers);
    const project = this.#projectKey(draft.project);
    const about = [payload, headers, urgency, receipts];
    this.#insert.run(version, channel, slot, project, ...about, now, expiresAt, stateUntil, deliver);
    this.#noteWaiting(channel, slot, version, expiresAt);
    return keptOf({
      version,
      channel,
      slot,
      payload,
      headers,
      urgency,
      receipts,
      deliver,
      stateUntil,
      acceptedAt: now,
      expiresAt,
    });
  }

  /** A message without its payload. */
  place(version: Version): Place | undefined {
    return this.#place.get(version) ?? undefined;
  }

  /** The newest message of each slot that lies above the mark of the device, by version. */
  heads(device: DeviceRow): readonly Head[] {
    return this.#heads.all(device.channel, device.key, device.since);
  }

  /** What waits in the queue for the device, in order, at most `most`. */
  queued(device: DeviceRow, which: MissedOf, now: number, most: number): readonly Kept[] {
    const after = Math.max(which.after ?? 0, device.since);
    const lowest = urgencies.indexOf(which.lowest ?? 'very-low');
    return this.#page.all(device.channel, after, now, device.key, most, lowest).map(keptOf);
  }

  /** The inner number of a project; undefined when it never sent. */
  findProject(project: string): number | undefined {
    const known = this.#projects.get(project) ?? this.#findProject.get(project)?.key;
    if (known !== undefined) this.#projects.set(project, known);
    return known;
  }

  forget(): void {
    this.#projects.clear();
  }

  /** Notes a message that counts towards a limit for as long as it waits. */
  #noteWaiting(channel: ChannelKey, slot: Slot, version: Version, expiresAt: number): void {
    // Without a device nobody is entitled to it, so it waits for nobody.
    if (!(isQueue(slot) || isTopic(slot)) || this.#hasDevice.get(channel) === null) return;
    if (isQueue(slot)) this.#queue.run(channel, version, expiresAt, slot);
    else this.#topic.run(channel, slot, version, expiresAt);
  }

  #projectKey(project: string): number {
    const known = this.findProject(project);
    if (known !== undefined) return known;
    const made = this.#insertProject.get(project)?.key;
    if (made === undefined) throw new Error('INSERT … RETURNING returned no row');
    this.#projects.set(project, made);
    return made;
  }
}

/** The message as the port gives it. */
export function keptOf(row: KeptRow): Kept {
  const {
    version,
    channel,
    slot,
    payload,
    headers,
    urgency,
    receipts,
    deliver,
    stateUntil,
    acceptedAt,
    expiresAt,
  } = row;
  const plain = { version, channel, slot, payload, acceptedAt, expiresAt };
  if ([headers, urgency, receipts, deliver, stateUntil].every((one) => one === null)) return plain;
  return {
    ...plain,
    ...(headers !== null && { headers: JSON.parse(headers) as PushHeaders }),
    ...(urgency !== null && { urgency }),
    ...(receipts !== null && { receipts }),
    ...(deliver !== null && { deliver }),
    ...(stateUntil !== null && { tracked: true }),
  };
}
