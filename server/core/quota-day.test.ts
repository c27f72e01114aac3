import { describe, expect, test } from 'bun:test';
import { losAngelesDays, utcDays } from './quota-day.ts';

const at = (iso: string): number => Date.parse(iso);

describe('the quota day', () => {
  test('QU2 the day is that of UTC and ends at its midnight', () => {
    expect(utcDays(at('2026-11-24T23:59:59.999Z'))).toEqual({
      day: '2026-11-24',
      endsAt: at('2026-11-25T00:00:00Z'),
    });
    expect(utcDays(at('2026-11-25T00:00:00Z')).day).toBe('2026-11-25');
  });

  test('QU2 with the historic calendar the day is that of Los Angeles', () => {
    expect(losAngelesDays(at('2026-11-24T07:59:59.500Z'))).toEqual({
      day: '2026-11-23',
      endsAt: at('2026-11-24T08:00:00Z'),
    });
    expect(losAngelesDays(at('2026-07-01T06:59:00Z'))).toEqual({
      day: '2026-06-30',
      endsAt: at('2026-07-01T07:00:00Z'),
    });
  });

  test('QU2 the days on which Los Angeles changes its clocks end at its own midnight', () => {
    const spring = losAngelesDays(at('2026-03-08T09:00:00Z'));
    expect(spring).toEqual({ day: '2026-03-08', endsAt: at('2026-03-09T07:00:00Z') });
    const autumn = losAngelesDays(at('2026-11-01T08:00:00Z'));
    expect(autumn).toEqual({ day: '2026-11-01', endsAt: at('2026-11-02T08:00:00Z') });
  });
});
