import * as fc from 'fast-check';
import type { Subchannel } from '../protocol/subchannel.ts';
import type { ModelTown, Way } from './model-town.ts';
import type { Mood, Profile } from './profile.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DEVICES_MAX = 4;

/** What may happen in a town, with a name to print. Nothing is a model in fast-check's sense: the town carries its own. */
type Happening = fc.AsyncCommand<object, ModelTown>;

function happening(name: string, run: (town: ModelTown) => Promise<void> | void): Happening {
  return {
    check: () => true,
    toString: () => name,
    async run(_model, town) {
      await run(town);
      await town.quiet();
      town.expectNothingOwed(true);
      const [broken] = town.promises.broken;
      if (broken !== undefined) throw new Error(broken);
    },
  };
}

const subchannel = fc.constantFrom(...([0, 1, 2, 3] as Subchannel[]));
const which = fc.nat({ max: DEVICES_MAX - 1 });

function profileOf({ profiles }: ModelTown, place: number): Profile {
  const profile = profiles[place % profiles.length];
  if (profile === undefined) throw new Error('a town has a device from the start');
  return profile;
}

const onDevice = (name: string, run: (town: ModelTown, profile: Profile) => Promise<void> | void) =>
  which.map((place) =>
    happening(`${name}(device ${place + 1})`, (town) => run(town, profileOf(town, place))),
  );

const historic: fc.Arbitrary<Way> = fc.record({ account: fc.constantFrom(0, 0, 1) });

const multicast: fc.Arbitrary<Way> = fc.record({
  collapse: fc.constantFrom(false, false, true),
  deliver: fc.constantFrom('all', 'all', 'any'),
  ttl: fc.constantFrom(2_419_200, 2_419_200, 600, 0),
});

const way = fc.oneof(historic, multicast);

/** As a sender would say it. */
const told = (one: Way): string =>
  'account' in one
    ? `account ${one.account + 1}`
    : `all, collapse ${one.collapse}, deliver ${one.deliver}, ttl ${one.ttl}`;

const send = fc
  .tuple(subchannel, fc.constantFrom(1, 1, 2, 3, 20), way)
  .map(([to, count, by]) =>
    happening(`send(subchannel ${to}, ${count}, ${told(by)})`, (town) => town.send(to, count, by)),
  );

/** More than the queue of a subchannel holds. */
const flood = fc
  .tuple(subchannel, multicast)
  .map(([to, by]) => happening(`flood(subchannel ${to}, ${told(by)})`, (town) => town.send(to, 110, by)));

/** A device comes or goes, or its channel pauses or goes on, while messages are on their way in. */
const sendAndMove = fc
  .tuple(
    subchannel,
    which,
    fc.constantFrom('connect', 'disconnect', 'kill', 'pause', 'resume'),
    fc.integer({ min: -2, max: 3 }),
    way,
  )
  .map(([to, place, move, turns, by]) =>
    happening(
      `send(subchannel ${to}, 3, ${told(by)}) and ${move}(device ${place + 1}) ${turns} turns later`,
      async (town) => {
        const moving = async () => await town[move](profileOf(town, place));
        const sending = () => town.send(to, 3, by);
        const [first, second] = turns < 0 ? [moving, sending] : [sending, moving];
        const begun = first();
        for (let i = 0; i < Math.abs(turns); i++) await new Promise(setImmediate);
        await Promise.all([begun, second()]);
      },
    ),
  );

const mood = fc
  .tuple(which, fc.constantFrom<Mood>('good', 'good', 'failing', 'hanging'))
  .map(([place, to]) =>
    happening(`mood(device ${place + 1}, ${to})`, (town) => profileOf(town, place).setMood(to)),
  );

const crash = fc
  .record({
    sends: fc.constantFrom(0, 2, 20),
    turns: fc.nat({ max: 3 }),
    torn: fc.uint8Array({ maxLength: 6_000, size: 'max' }),
    way,
  })
  .map((how) =>
    happening(
      `crash(${how.sends} sends, ${told(how.way)}, ${how.turns} turns, ${how.torn.length} bytes torn)`,
      (town) => town.crash(how),
    ),
  );

const clock = fc
  .constantFrom(30_000, MINUTE, 5 * MINUTE, HOUR, DAY, 29 * DAY, -MINUTE, -HOUR, -2 * DAY)
  .map((ms) => happening(`clock(${ms / 1_000} s)`, (town) => town.turnClock(ms)));

const quota = fc
  .constantFrom(0, 1, 2, 10, null, null)
  .map((left) => happening(`quota(${left ?? 'any'} left)`, (town) => town.leaveQuota(left)));

const register = happening('register', async (town) => {
  if (town.profiles.length < DEVICES_MAX) await town.register();
});

/** Everything that the issue names, more often what happens more often. */
const weighted: readonly (readonly [number, fc.Arbitrary<Happening>])[] = [
  [6, send],
  [3, sendAndMove],
  [5, onDevice('connect', (town, profile) => town.connect(profile))],
  [2, onDevice('disconnect', (town, profile) => town.disconnect(profile))],
  [1, onDevice('kill', (town, profile) => town.kill(profile))],
  [1, onDevice('stall', (_town, profile) => profile.stall(true))],
  [1, onDevice('read on', (_town, profile) => profile.stall(false))],
  [
    1,
    onDevice('unreachable', (_town, profile) => {
      profile.reachable = false;
    }),
  ],
  [
    1,
    onDevice('reachable', (_town, profile) => {
      profile.reachable = true;
    }),
  ],
  [1, onDevice('pause', (town, profile) => town.pause(profile))],
  [2, onDevice('resume', (town, profile) => town.resume(profile))],
  [1, flood],
  [3, mood],
  [2, crash],
  [1, fc.constant(happening('restart', (town) => town.restart()))],
  [2, clock],
  [1, quota],
  [1, fc.constant(register)],
  [1, fc.constant(happening('prune', (town) => town.prune()))],
];

export const happenings = weighted.flatMap(([weight, one]) => Array.from({ length: weight }, () => one));

/** At the end everyone comes, reads, and handles well; nothing may be owed then. */
export async function settleAll(town: ModelTown): Promise<void> {
  for (const profile of town.profiles) {
    await town.resume(profile);
    profile.reachable = true;
    profile.stall(false);
    profile.setMood('good');
    if (!profile.connected) town.connect(profile);
  }
  await town.quiet();
  // Re-offers are an hour apart at most; the clock may have been set back by days before.
  for (let i = 0; i < 3; i++) {
    town.turnClock(2 * DAY + 2 * HOUR);
    await town.quiet();
  }
  town.expectNothingOwed(false);
  const [broken] = town.promises.broken;
  if (broken !== undefined) throw new Error(broken);
  await town.expectTraceToAgree();
}
