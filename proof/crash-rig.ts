import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type MarkStore, systemTimers, type Timers } from '../client/ports.ts';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { Newest, sendMessagesUntilKilled } from '../e2e/message-load.ts';
import { systemClock } from '../server/core/clock.ts';
import { seededRandom } from '../server/core/manual-clock.ts';
import { openSqliteStore } from '../server/stores/sqlite/store.ts';
import type { Verdict } from './model.ts';
import { type Damage, damageLog } from './wal.ts';

const SENDERS = 6;
/** A kill comes this long after a round began: at random moments of full load. */
const KILL_AFTER_MS = { least: 60, spread: 200 };
/** A device that was not given everything by then was not given it: it tries again to connect for a second or two. */
const REACH_MS = 30_000;
/** How much the largest file may still grow on a full disk, in KiB: less than a round of load writes. */
const ROOM_KIB = 150;

/** What the server runs under, taken in turns. */
const surroundings = ['plain', 'late syncs', 'full disk'] as const;

type Surrounding = (typeof surroundings)[number];

function commandOf(surrounding: Surrounding, folder: string): readonly string[] {
  if (surrounding === 'plain') return [];
  // Each sync begins late, so that what is written stays unsynced for long.
  if (surrounding === 'late syncs') {
    const inject = 'inject=fdatasync,fsync:delay_enter=15000';
    return ['strace', '-D', '-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'fdatasync,fsync', '-e', inject];
  }
  // No file may grow beyond the limit: every further write is refused, as on a full disk.
  const sizes = ['messages.db', 'messages.db-wal', 'control.db', 'control.db-wal']
    .map((name) => join(folder, name))
    .map((path) => (existsSync(path) ? statSync(path).size : 0));
  const kib = Math.ceil(Math.max(...sizes) / 1_024) + ROOM_KIB;
  return ['bash', '-c', `trap '' XFSZ; ulimit -f ${kib}; exec "$@"`, 'bash'];
}

/** Clients wait a tenth of their time before they come back: most of a round would be that wait. */
const hasty: Timers = { now: () => Date.now(), after: (ms, run) => systemTimers.after(ms / 10, run) };

/** What was answered 204: the newest of each subchannel, and every version with its payload. */
class Accepted extends Newest {
  readonly payloads = new Map<number, string>();

  override note(subchannel: number, version: number, payload: string): void {
    this.payloads.set(version, payload);
    super.note(subchannel, version);
  }
}

/** What a device's handler saw, with marks that outlive every server. */
class Seen extends Newest {
  duplicated = 0;
  reordered = 0;
  newest = { version: 0, payload: '' };
  readonly #recorded = new Set<number>();
  #onLost: () => void = () => {};
  readonly marks: MarkStore = {
    load: async () => ({}),
    save: async (marks) => {
      for (const version of Object.values(marks).flat()) this.#recorded.add(Number(version));
    },
  };

  override note(subchannel: number, version: number, payload: string): void {
    if (this.#recorded.has(version)) this.duplicated++;
    if (version < this.of(subchannel)) this.reordered++;
    if (version > this.newest.version) this.newest = { version, payload };
    super.note(subchannel, version);
  }

  lostConnection(): void {
    this.#onLost();
  }

  /** Settles when the connection that stands has ended: all that it had carried was seen. */
  nextLoss(): Promise<void> {
    return new Promise((resolve) => {
      this.#onLost = resolve;
    });
  }
}

export interface RigVerdict extends Verdict {
  /** How often what was done, for the reader: surroundings and damages. */
  readonly done: Readonly<Record<string, number>>;
}

/**
 * Rounds of load on the real server process, each ended by `kill -9` and followed by damage to what of its log nobody was told of; then
 * it starts again, and every device must come as far as what was answered 204.
 */
export async function runCrashRounds(rounds: number, seed: number): Promise<RigVerdict> {
  await using town = await Town.start({ dailyQuota: 0 });
  const rig = new CrashRig(town, seed);
  return await rig.run(rounds);
}

class CrashRig {
  readonly #town: Town;
  readonly #bytes: (bytes: number) => Uint8Array;
  readonly #accepted = new Accepted();
  readonly #seen = [new Seen(), new Seen()];
  readonly #done: Record<string, number> = {};
  #lost = 0;

  constructor(town: Town, seed: number) {
    this.#town = town;
    this.#bytes = seededRandom(seed);
  }

  async run(rounds: number): Promise<RigVerdict> {
    const devices = this.#seen.map((seen, number) =>
      townDevice(this.#town, {
        name: `device ${number}`,
        marks: seen.marks,
        timers: hasty,
        onMessage: ({ subchannelId, version, payload }) => seen.note(subchannelId, version, payload),
        onNote: () => seen.lostConnection(),
      }),
    );
    await Promise.all(devices.map((device) => device.connect()));
    const token = await this.#town.accessToken();
    let now: Surrounding = 'plain';
    for (let round = 1; round <= rounds; round++) {
      const next = surroundings[round % surroundings.length] ?? 'plain';
      await this.#round(token, now, round === rounds ? 'plain' : next);
      now = next;
    }
    for (const device of devices) device.close();
    await this.#town.stop();
    await this.#readStore();
    const sum = (fault: 'duplicated' | 'reordered') => this.#seen.reduce((all, seen) => all + seen[fault], 0);
    return {
      accepted: this.#accepted.total,
      lost: this.#lost,
      duplicated: sum('duplicated'),
      reordered: sum('reordered'),
      done: this.#done,
    };
  }

  /** Load, kill and damage in one surrounding, then the start and the way back in the next. */
  async #round(token: string, now: Surrounding, next: Surrounding): Promise<void> {
    const town = this.#town;
    const losses = this.#seen.map((seen) => seen.nextLoss());
    let refused = 0;
    const onFull = now === 'full disk' ? () => refused++ : undefined;
    const load = Array.from({ length: SENDERS }, () =>
      sendMessagesUntilKilled(town, token, this.#accepted, onFull),
    );
    await Bun.sleep(KILL_AFTER_MS.least + this.#random() * KILL_AFTER_MS.spread);
    await town.kill9();
    await Promise.all([...load, ...losses]);
    this.#count(now);
    if (refused > 0) this.#count('disk was full');
    this.#damage();
    await town.startAgain(undefined, commandOf(next, town.dataFolder));
    await this.#within(this.#seen.map((seen) => seen.reach(this.#accepted)));
  }

  /** Damages what may be unsynced: behind the newest message that a sender or a device was told of. */
  #damage(): void {
    const log = join(this.#town.dataFolder, 'messages.db-wal');
    if (!existsSync(log)) return;
    const last = Math.max(0, ...this.#accepted.versions);
    const told = [
      { version: last, payload: this.#accepted.payloads.get(last) ?? '' },
      ...this.#seen.map(({ newest }) => newest),
    ].reduce((a, b) => (a.version > b.version ? a : b));
    const wanted = (['cut', 'flip'] as const)[Math.floor(this.#random() * 2)] ?? 'cut';
    const damage: Damage = damageLog(log, told.payload, wanted, () => this.#random());
    this.#count(`log: ${damage}`);
  }

  /** Counts as lost what is not reached in time. */
  async #within(reached: readonly Promise<void>[]): Promise<void> {
    const late = Symbol('late');
    const timeout = new Promise<typeof late>((resolve) => systemClock.after(REACH_MS, () => resolve(late)));
    const outcomes = await Promise.all(reached.map((one) => Promise.race([one, timeout])));
    this.#lost += outcomes.filter((outcome) => outcome === late).length;
  }

  /** ME2: each message that was answered and that the trace still holds is there, unaltered. */
  async #readStore(): Promise<void> {
    const random = this.#bytes;
    const store = await openSqliteStore({ folder: this.#town.dataFolder, clock: systemClock, random });
    const kept = new Map<number, string>();
    for (const one of await store.trace({ project: this.#town.seed.project.id }, 10_000))
      kept.set(one.version, one.payload);
    await store.close();
    const oldest = Math.min(...kept.keys());
    for (const [version, payload] of this.#accepted.payloads) {
      if (version >= oldest && kept.get(version) !== payload) this.#lost++;
    }
  }

  #count(what: string): void {
    this.#done[what] = (this.#done[what] ?? 0) + 1;
  }

  /** From 0 up to 1. */
  #random(): number {
    const [a = 0, b = 0] = this.#bytes(2);
    return (a * 256 + b) / 65_536;
  }
}
