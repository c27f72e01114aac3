/** How much a message matters (RFC 8030 section 5.3), from the least on. A message that names none is normal. */
export const urgencies = ['very-low', 'low', 'normal', 'high'] as const;

export type Urgency = (typeof urgencies)[number];

export function isUrgency(value: unknown): value is Urgency {
  return urgencies.includes(value as Urgency);
}

/** Does a message reach a device that wants `lowest` and above? Who names no bound wants everything. */
export function reaches(urgency: Urgency = 'normal', lowest: Urgency = 'very-low'): boolean {
  return urgencies.indexOf(urgency) >= urgencies.indexOf(lowest);
}
