import { describe, expect, test } from 'bun:test';
import { limits } from '../../protocol/limits.ts';
import { RecentEndings } from './connection.ts';
import type { DeviceKey } from './keys.ts';

const key = (number: number) => number as DeviceKey;
const ending = (at: number) => ({ at, gateway: 'websocket', reason: '1001' });

describe('how connections ended', () => {
  test('CO19 the last ending of a device is remembered', () => {
    const endings = new RecentEndings();
    expect(endings.of(key(1))).toBeUndefined();
    endings.note(key(1), ending(10));
    endings.note(key(1), ending(20));
    expect(endings.of(key(1))).toEqual(ending(20));
  });

  test('CO19 those that ended longest ago are forgotten first', () => {
    const endings = new RecentEndings();
    for (let device = 1; device <= limits.endingsRemembered; device++)
      endings.note(key(device), ending(device));
    endings.note(key(1), ending(1_000_000));
    endings.note(key(limits.endingsRemembered + 1), ending(1_000_001));
    expect(endings.of(key(1))).toEqual(ending(1_000_000));
    expect(endings.of(key(2))).toBeUndefined();
    expect(endings.of(key(3))).toEqual(ending(3));
  });
});
