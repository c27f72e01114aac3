import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { type ErrorCode, ReveilleError } from '../../../protocol/errors.ts';
import { pushError } from './answers.ts';

/** Everything that these doors refuse with. */
const codes: readonly ErrorCode[] = [
  'encryption-invalid',
  'ttl-invalid',
  'ttl-negative',
  'topic-invalid',
  'urgency-invalid',
  'input-invalid',
  'vapid-missing',
  'vapid-invalid',
  'vapid-foreign',
  'endpoint-unknown',
  'not-found',
  'method-wrong',
  'body-slow',
  'endpoint-gone',
  'body-too-large',
  'queue-full',
  'rate-limited',
  'internal',
  'store-full',
  'unavailable',
];

/** The rows of the table, as [status, errno] with null for none. */
function rows(): (readonly [number, number | null])[] {
  const page = readFileSync(new URL('../../../docs/web-push.md', import.meta.url), 'utf8');
  return [...page.matchAll(/^\| (\d{3}) \| ([\d, ]+|–) \|/gm)].flatMap(([, status, errnos]) =>
    (errnos ?? '')
      .split(', ')
      .map((errno) => [Number(status), errno === '–' ? null : Number(errno)] as const),
  );
}

describe('the page for senders', () => {
  test('WP24 its table has every status and errno that a sender may be refused with, and no other', async () => {
    const refused = new Set<string>();
    for (const code of codes) {
      const answer = pushError(new ReveilleError(code));
      refused.add(`${[answer.status, ((await answer.json()) as { errno: number | null }).errno]}`);
    }
    expect(new Set(rows().map(String))).toEqual(refused);
  });

  test('WP24 what may be kept, and for how long, is said', () => {
    expect(pushError(new ReveilleError('endpoint-gone')).headers.get('cache-control')).toBe('max-age=86400');
    expect(pushError(new ReveilleError('internal')).headers.get('cache-control')).toBe('no-store');
  });
});
