/** Which day a message counts for, and when that day ends. */
export interface QuotaDay {
  /** "2026-11-24". */
  readonly day: string;
  /** Milliseconds since 1970 at which the next day begins. */
  readonly endsAt: number;
}

export type QuotaCalendar = (nowMs: number) => QuotaDay;

const DAY_MS = 86_400_000;

let lastUtcDay: QuotaDay = { day: '1970-01-01', endsAt: DAY_MS };

/** QU1: days of UTC. The last one is remembered, for every message asks. */
export const utcDays: QuotaCalendar = (nowMs) => {
  const start = Math.floor(nowMs / DAY_MS) * DAY_MS;
  if (lastUtcDay.endsAt !== start + DAY_MS)
    lastUtcDay = { day: new Date(start).toISOString().slice(0, 10), endsAt: start + DAY_MS };
  return lastUtcDay;
};

const losAngeles = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

function readLosAngeles(nowMs: number): { day: string; msIntoDay: number } {
  const parts = Object.fromEntries(losAngeles.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  const seconds = Number(parts.hour) * 3_600 + Number(parts.minute) * 60 + Number(parts.second);
  return { day: `${parts.year}-${parts.month}-${parts.day}`, msIntoDay: seconds * 1_000 + (nowMs % 1_000) };
}

/** The quota day of 2013, which ended at midnight in Los Angeles (reference 1.2), for `--compat 2013`. */
export const losAngelesDays: QuotaCalendar = (nowMs) => {
  const { day, msIntoDay } = readLosAngeles(nowMs);
  const endsAt = nowMs - msIntoDay + DAY_MS;
  // A day of 23 or 25 hours ends an hour off: what the wall clock shows there corrects it.
  const shown = readLosAngeles(endsAt);
  const offBy = shown.day === day ? shown.msIntoDay - DAY_MS : shown.msIntoDay;
  return { day, endsAt: endsAt - offBy };
};
