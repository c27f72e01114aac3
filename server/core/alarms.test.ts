import { expect, test } from 'bun:test';
import { Alarms } from './alarms.ts';
import { ManualClock } from './manual-clock.ts';

const SOON_MS = 30_000;

/** Notes how often it rang. */
class Noted {
  rings = 0;
  rang(): void {
    this.rings++;
  }
}

function opened() {
  const clock = new ManualClock();
  let timers = 0;
  const counting = {
    now: () => clock.now(),
    after(ms: number, run: () => void) {
      timers++;
      return clock.after(ms, run);
    },
  };
  return { clock, alarms: new Alarms(counting), timers: () => timers };
}

test('HA1 what is to be offered again at one moment is, by one timer, but to who ended it meanwhile', () => {
  const { clock, alarms, timers } = opened();
  const devices = Array.from({ length: 100 }, () => new Noted());
  const set = devices.map((device) => alarms.set(device, clock.now() + SOON_MS));
  expect(timers()).toBe(1);
  for (const at of [0, 50, 99]) set[at]?.leave(devices[at] as Noted);
  clock.advance(SOON_MS - 1);
  expect(devices.some(({ rings }) => rings > 0)).toBe(false);
  clock.advance(1);
  expect(devices.flatMap(({ rings }, at) => (rings === 1 ? [] : [at]))).toEqual([0, 50, 99]);
});

test('HA1 the last to leave calls the timer off, and whoever comes then gets another one', () => {
  const { clock, alarms, timers } = opened();
  const [first, second] = [new Noted(), new Noted()];
  alarms.set(first, clock.now() + SOON_MS).leave(first);
  expect(clock.nextDue()).toBeUndefined();
  alarms.set(second, clock.now() + SOON_MS);
  expect(timers()).toBe(2);
  clock.advance(SOON_MS);
  expect([first.rings, second.rings]).toEqual([0, 1]);
});

test('HA1 no timer of before a step of the clock is joined', () => {
  const { clock, alarms, timers } = opened();
  const [before, after] = [new Noted(), new Noted()];
  const at = clock.now() + SOON_MS;
  alarms.set(before, at);
  clock.advance(-SOON_MS);
  alarms.set(after, at);
  expect(timers()).toBe(2);
});
