import { describe, expect, test } from 'bun:test';
import { limits } from '../../protocol/limits.ts';
import type { DeviceKey } from './keys.ts';
import { WakeBudget } from './wake-budget.ts';

const device = 7 as DeviceKey;
const MINUTE = 60_000;

function spend(budget: WakeBudget, wakes: number, now: number): void {
  for (let n = 0; n < wakes; n++) expect(budget.take(device, now)).toBe(0);
}

describe('the budget of wake-ups', () => {
  test('WK5 sixty an hour are free, then the gap doubles from a minute up to a quarter of an hour', () => {
    const budget = new WakeBudget();
    let now = 0;
    spend(budget, limits.wakesPerHour, now);
    for (const minutes of [1, 2, 4, 8, 15]) {
      expect(budget.take(device, now)).toBe(minutes * MINUTE);
      expect(budget.take(device, now + minutes * MINUTE - 1)).toBe(1);
      now += minutes * MINUTE;
      expect(budget.take(device, now)).toBe(0);
    }
  });

  test('WK5 after its hour a device has sixty again, and no gap goes beyond the hour', () => {
    const budget = new WakeBudget();
    spend(budget, limits.wakesPerHour, 0);
    expect(budget.take(device, 59 * MINUTE)).toBe(0);
    expect(budget.take(device, 59 * MINUTE)).toBe(MINUTE);
    spend(budget, limits.wakesPerHour, 60 * MINUTE);
    expect(budget.take(device, 60 * MINUTE)).toBe(MINUTE);
  });

  test('WK5 every device has its own', () => {
    const budget = new WakeBudget();
    spend(budget, limits.wakesPerHour, 0);
    expect(budget.take(8 as DeviceKey, 0)).toBe(0);
    expect([budget.spentBy(device, 0), budget.spentBy(8 as DeviceKey, 0)]).toEqual([60, 1]);
    expect(budget.spentBy(device, 60 * MINUTE)).toBe(0);
  });

  test('WK5 a clock that stepped back shuts nobody out', () => {
    const budget = new WakeBudget();
    spend(budget, limits.wakesPerHour, 10 * 60 * MINUTE);
    expect(budget.take(device, 0)).toBe(0);
  });

  test('WK9 the budgets of the devices that were woken last are remembered', () => {
    const budget = new WakeBudget();
    spend(budget, 3, 0);
    for (let n = 1; n <= limits.wakesRemembered; n++) budget.take((1_000 + n) as DeviceKey, 0);
    expect(budget.spentBy(device, 0)).toBe(0);
    expect(budget.spentBy((1_000 + limits.wakesRemembered) as DeviceKey, 0)).toBe(1);
  });
});
