import { expect, test } from 'bun:test';
import { ManualClock } from '../core/manual-clock.ts';
import { Deadlines } from './deadlines.ts';

test('IN11 many bodies share one timer, and each is late at its own time', () => {
  const clock = new ManualClock();
  const timers: number[] = [];
  const after = clock.after.bind(clock);
  clock.after = (ms, run) => {
    timers.push(ms);
    return after(ms, run);
  };
  const deadlines = new Deadlines(clock);
  const late: string[] = [];
  const callOff = deadlines.after(10, () => late.push('in time'));
  clock.advance(4);
  deadlines.after(10, () => late.push('one'));
  deadlines.after(10, () => late.push('two'));
  callOff();
  clock.advance(9);
  expect(late).toEqual([]);
  clock.advance(1);
  expect(late).toEqual(['one', 'two']);
  expect(timers).toEqual([10, 4]);
  expect(clock.nextDue()).toBeUndefined();
});

test('IN11 a deadline that comes after a silence is kept, also when one that was due called another one off', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const late: string[] = [];
  deadlines.after(10, () => {
    late.push('one');
    callOff();
  });
  const callOff = deadlines.after(10, () => late.push('two'));
  clock.advance(10);
  expect(late).toEqual(['one']);
  clock.advance(100);
  deadlines.after(10, () => late.push('three'));
  clock.advance(9);
  expect(late).toEqual(['one']);
  clock.advance(1);
  expect(late).toEqual(['one', 'three']);
});
